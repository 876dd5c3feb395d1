"""Bytes of the encoding: lengths, folded and stored blobs, and the state of one walk over a value.

Every value has an *identity* encoding (canonical, folded: nothing nested is longer than
`FOLD_BYTES`) and a *storage* encoding (complete; large blobs lie in buffers). They share one
grammar and are the same bytes wherever nothing was folded, so `Encoded` is one `bytes` object in
that case and a pair (identity, storage) otherwise. Both are self-delimiting: concatenation stays
unambiguous.
"""

from collections.abc import Sequence
from typing import Any, Final

from cellgraph.codecs.payload import Buffer
from cellgraph.digest import Bytes, digest

# A nested identity encoding longer than this is replaced by `FOLD` and its digest.
FOLD_BYTES: Final = 1024
FOLD: Final = b"#"

# Containers nested deeper than this are walked with an explicit stack (`deep`). Small, because a
# structure that shares its parts can cost up to 2**depth steps before the explicit walk, which
# visits each part once, takes over.
MAX_DEPTH: Final = 16

Encoded = bytes | tuple[bytes, bytes]
# A user class or function in a payload: kind ("c", "f"), module, qualified name, identity digest.
CodeRef = tuple[str, str, str, bytes]


class Restart(Exception):  # a signal between two walks, never seen by a caller
    """The quick walk met depth, a cycle or a shared mutable part: the explicit walk takes over."""


class Unencodable(Exception):  # becomes an IdentityError once its path is known
    """`value` has no identity; `advice` says what to do."""

    def __init__(self, value: object, advice: str) -> None:
        super().__init__(advice)
        self.value = value
        self.advice = advice


class Unstorable(Exception):  # a signal: another way of storing is tried
    """The explicit walk met a cycle it cannot write down: pickle stores the whole value instead."""


class Pass:
    """What one walk over one value knows. Not shared between threads.

    `seen` holds the ids of the mutable parts met so far while storing, so that a part that occurs
    twice comes back as one object; `keep` keeps temporaries alive, so that ids stay unique.
    """

    __slots__ = ("buffers", "codes", "keep", "local", "seen", "slots")
    buffers: list[Buffer] | None  # None: identity only
    seen: set[int] | None
    keep: list[object]
    slots: dict[bytes, int]  # digest of a buffer -> its index
    codes: dict[CodeRef, int]  # user classes and functions -> their index
    local: dict[object, Any]  # facts about types, for this walk only

    def __init__(self, *, storing: bool) -> None:
        self.buffers = [] if storing else None
        self.seen = set() if storing else None

    def __getattr__(self, name: str) -> Any:
        # Most walks need none of the others, so each is made when it is first asked for.
        if name not in Pass.__slots__:
            raise AttributeError(name)
        made: object = [] if name == "keep" else {}
        setattr(self, name, made)
        return made

    def identity_only(self) -> "Pass":
        """A pass for a part that is stored in another way; it still notices shared parts."""
        other = Pass(storing=False)
        other.seen, other.keep, other.local = self.seen, self.keep, self.local
        return other

    def once(self, value: object) -> None:
        """Note a mutable part. Raises Restart when it was met before."""
        seen = self.seen
        if seen is not None:
            key = id(value)
            if key in seen:
                raise Restart
            seen.add(key)


_SHORT: Final = [bytes((n,)) for n in range(128)]


def length(n: int) -> bytes:
    """Unsigned LEB128."""
    if n < 128:
        return _SHORT[n]
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def blob(data: Bytes, p: Pass) -> Encoded:
    """Length and content of immutable *data*; above `FOLD_BYTES` digest and buffer stand for it."""
    n = data.nbytes if isinstance(data, memoryview) else len(data)
    if n <= FOLD_BYTES:
        return length(n) + data
    if p.buffers is None:
        return length(n) + digest(data)
    made = Buffer.of(data.toreadonly() if isinstance(data, memoryview) else data)
    index = p.slots.setdefault(made.digest, len(p.buffers))
    if index == len(p.buffers):
        p.buffers.append(made)
    return length(n) + made.digest, length(n) + length(index)


def join(parts: Sequence[Encoded]) -> Encoded:
    """Concatenate; stays one `bytes` as long as every part is."""
    try:
        return b"".join(parts)  # type: ignore[arg-type]  # nearly always true; the rest is below
    except TypeError:
        return identities(parts), storages(parts)


def identities(parts: Sequence[Encoded]) -> bytes:
    """The identity side of *parts*, joined."""
    return b"".join([e if type(e) is bytes else e[0] for e in parts])  # type: ignore[misc]  # not bytes: a pair


def storages(parts: Sequence[Encoded]) -> bytes:
    """The storage side of *parts*, joined."""
    return b"".join([e if type(e) is bytes else e[1] for e in parts])  # type: ignore[misc]  # not bytes: a pair


def fold(e: Encoded, p: Pass) -> Encoded:
    """Replace the identity side by its digest when it is long."""
    if isinstance(e, bytes):
        if len(e) <= FOLD_BYTES:
            return e
        folded = FOLD + digest(e)
        return folded if p.buffers is None else (folded, e)
    if len(e[0]) > FOLD_BYTES:
        return FOLD + digest(e[0]), e[1]
    return e
