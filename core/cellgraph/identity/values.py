"""What a value is called, and how it is kept: `reference`, `snapshot`, `restore`.

The identity of a value is a canonical encoding of its type and content: typed, length-delimited,
the same in every process, under every hash seed and on every machine. Nested encodings longer than
`FOLD_BYTES` are replaced by their digest, so an identity is never long, and a `Referenced` value
can stand for the value it refers to without anybody looking at the value again. Nothing is sampled
and nothing is cut off at a depth. Layout (strides, blocks, chunks) and sharing of parts do not
count.

For values in which nothing had to be folded, identity and stored form are the same bytes.
Thread-safe: a call keeps its state to itself. A value must not be changed while it is being read.
"""

from typing import Final

from cellgraph.codecs.payload import Payload
from cellgraph.errors import CellgraphError, CodecError, IdentityError
from cellgraph.identity.deep import walk
from cellgraph.identity.reading import Reader, read, refuse_code, taking_care
from cellgraph.identity.scalars import ATOMS
from cellgraph.identity.tables import Referenced, encoders
from cellgraph.identity.wire import (
    FOLD_BYTES,
    CodeRef,
    Encoded,
    Pass,
    Restart,
    Unencodable,
    Unstorable,
    length,
)

__all__ = [
    "ENCODING",
    "FOLD_BYTES",
    "CodeRef",
    "Referenced",
    "code_refs",
    "reference",
    "restore",
    "snapshot",
]

# Names the grammar of the encoding. A store written under another one is not read.
ENCODING: Final = "cellgraph.values.1"


# Atoms leave no trace in a pass, so all threads may share this one.
_IDENTITY_ONLY: Final = Pass(storing=False)


def reference(value: object) -> bytes:
    """Return the identity of *value*: at most `FOLD_BYTES` long, nothing is consumed.

    Raises IdentityError, which names the part, for a value that has no stable content (a
    generator, an open file, a lock).
    """
    cls = type(value)
    if cls in ATOMS:
        return encoders[cls](value, 0, _IDENTITY_ONLY)  # type: ignore[return-value]  # no pairs
    try:
        try:
            found = encoders[cls](value, 0, Pass(storing=False))
        except (Restart, RecursionError):
            found = walk(value, Pass(storing=False))
    except Unencodable as error:
        raise _identity_error(value, error) from None
    assert isinstance(found, bytes)  # a pass for identity only makes no pairs
    return found


def snapshot(value: object) -> tuple[bytes, Payload]:
    """Return the identity of *value* and its stored form, which no later change of *value* reaches.

    One walk, and one hash of each large buffer, serve both. Raises IdentityError as `reference`
    does, and CodecError for a value that has an identity but cannot be stored (a lambda).
    """
    p = Pass(storing=True)
    try:
        try:
            found = encoders[type(value)](value, 0, p)
        except (Restart, RecursionError):
            p, found = _snapshot_deep(value)
    except Unencodable as error:
        raise _identity_error(value, error) from None
    if isinstance(found, bytes):
        return found, Payload(found)
    head = found[1]
    if p.codes:
        head = _code_table(p) + head
    assert p.buffers is not None  # a storing pass
    return found[0], Payload(head, tuple(p.buffers))


def _snapshot_deep(value: object) -> tuple[Pass, Encoded]:
    p = Pass(storing=True)
    try:
        return p, walk(value, p)
    except Unstorable:
        from cellgraph.codecs.pickled import pickled  # loaded when something needs it

        p = Pass(storing=True)
        return p, (reference(value), pickled(value, p))


def restore(payload: Payload, *, code: bool = True) -> object:
    """Return a fresh value equal to the one *payload* was made from.

    With ``code=False`` nothing is read that runs code or leads to it, whatever the bytes are:
    a pickle, a class or function, a codec of the user's is Untrusted. Plain data, arrays and tables
    are read, and what their libraries would take on trust is checked.

    Arrays and columns lie in the payload's own memory where that is writable (the caller hands it
    over: restore such a payload once); otherwise they are copied and writable all the same.

    Raises ClassChanged, naming the class, when a class or function the value needs is gone or has
    changed, and CodecError when the bytes cannot be read.
    """
    if not code:
        with taking_care():
            return _restored(Reader(payload, code=False))
    return _restored(Reader(payload))


def _restored(r: Reader) -> object:
    head = r.data
    try:
        if head[0] == _TABLE[0]:
            r.codes = _bound(r)
        start = r.pos
        try:
            value = read(r)
        except RecursionError as error:
            raise CodecError(
                "a stored value is nested too deep for this point of the program: call "
                "evaluate() with fewer frames on the stack"
            ) from error
    except CellgraphError:
        raise
    except Exception as error:
        raise CodecError(
            f"a stored value cannot be read back ({type(error).__name__}: {error}): evaluate again "
            "to recompute it"
        ) from error
    if r.pos != len(head) or r.pos == start:
        raise CodecError(
            "a stored value is followed by other bytes: evaluate again to recompute it"
        )
    return value


def code_refs(payload: Payload) -> tuple[CodeRef, ...]:
    """The classes and functions *payload* needs: kind, module, qualified name, identity digest.

    Cheap: reads the head of the payload's head. A final value is valid only while they are.
    """
    if payload.head[:1] != _TABLE:
        return ()
    return tuple(_read_code_table(Reader(payload)))


_TABLE: Final = b"K"


def _code_table(p: Pass) -> bytes:
    parts = [_TABLE, length(len(p.codes))]
    for kind, module, name, digest in p.codes:
        for text in (kind, module, name):
            data = text.encode()
            parts += (length(len(data)), data)
        parts += (length(len(digest)), digest)
    return b"".join(parts)


def _read_code_table(r: Reader) -> list[CodeRef]:
    r.pos += len(_TABLE)
    refs: list[CodeRef] = []
    for _ in range(r.length()):
        kind, module, name = (r.take(r.length()).decode() for _ in range(3))
        refs.append((kind, module, name, r.take(r.length())))
    return refs


def _bound(r: Reader) -> list[object]:
    """The live classes and functions of the code table. Raises ClassChanged, Untrusted."""
    refs = _read_code_table(r)
    if not r.code:
        raise refuse_code(f"the {'class' if refs[0][0] == 'c' else 'function'} {refs[0][2]}")
    from cellgraph.identity.binding import bind  # only when user code is involved

    return [bind(ref) for ref in refs]


def _identity_error(value: object, error: Unencodable) -> IdentityError:
    from cellgraph.identity.paths import path_to  # only for the message

    return IdentityError(f"{path_to(value, error.value)} {error.advice}")
