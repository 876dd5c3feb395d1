"""The explicit walk: any depth, cycles, shared parts. Slower than the quick walk, which it follows.

*Identity.* A part met again inside the cycle that contains it is written as a distance back
(`^`); a part whose encoding is complete is written out again, from memory, so sharing is invisible.
Which parts belong to one cycle is found as in Tarjan's algorithm for strongly connected components
(SIAM J. Comput. 1, 1972): `_open` is its stack, `low` its low link.

*Storage.* Composites are numbered in the order in which they are written; a part met again is
written as its number (`@`), so that one object comes back as one object.
"""

from collections.abc import Iterator
from typing import Any, Final

from cellgraph.digest import digest
from cellgraph.errors import CodecError
from cellgraph.identity.containers import packed_group
from cellgraph.identity.packing import PACK_MIN, unpack
from cellgraph.identity.reading import (
    Build,
    Reader,
    decoders,
    is_loaded,
    load_reader,
    openers,
    read,
    ready,
)
from cellgraph.identity.scalars import ATOMS
from cellgraph.identity.tables import Split, encoders
from cellgraph.identity.wire import Encoded, Pass, Restart, Unstorable, fold, length

_END: Final = object()
# A cycle of more parts than this is walked once; its parts are then named by their place in it.
# A smaller one is walked again for each part that is reached from outside.
_SMALL_CYCLE: Final = 64


class _Frame:
    """A composite in progress. `within`: number of the opaque composite around it, or -1."""

    __slots__ = (
        "group",
        "index",
        "key",
        "low",
        "parts",
        "rest",
        "sorting",
        "split",
        "storing",
        "within",
    )

    def __init__(self, key: int, split: Split, index: int, storing: bool, within: int) -> None:
        self.key = key
        self.split = split
        self.index = index
        self.low = index
        self.storing = storing  # whether the parts are written to the storage
        self.within = within
        self.parts: list[bytes] = [split.identity]
        self.group = -1
        self.rest: Iterator[Any] = iter(())
        self.sorting = False


class _Walk:
    """One explicit walk over one value."""

    def __init__(self, p: Pass) -> None:
        self._p = p
        self._named = p.identity_only()
        self._named.seen = p.seen = None  # sharing is no signal here
        self.out: list[bytes] = []
        self._frames: list[_Frame] = []
        self._open: list[int] = []
        self._position: dict[int, int] = {}
        self._active: set[int] = set()
        self._memo: dict[int, bytes] = {}
        self._number: dict[int, int] = {}
        self._opaque: set[int] = set()  # parts of composites that are stored by other means

    def run(self, value: Any) -> bytes:
        """Walk *value*; return its identity. The storage is in `out`."""
        result: list[bytes] = []
        self._visit(value, None, result, self._p.buffers is not None)
        while self._frames:
            frame = self._frames[-1]
            part = next(frame.rest, _END)
            if part is not _END:
                self._visit(part, frame, frame.parts, frame.storing)
            elif frame.group + 1 < len(frame.split.groups):
                self._next_group(frame)
            else:
                self._close(frame, result)
        return result[0]

    def _visit(self, x: object, parent: _Frame | None, parts: list[bytes], storing: bool) -> None:
        cls = type(x)
        split = None if cls in ATOMS else encoders.splitter(cls)
        if split is None:
            self._leaf(encoders[cls](x, 0, self._p if storing else self._named), parts, storing)
            return
        key = id(x)
        known = self._number.get(key)
        if parent is not None and known is not None and known < parent.within:
            raise Unstorable  # a pickled part refers to something outside itself
        if storing and key in self._opaque:
            raise Unstorable  # something outside refers into a pickled part
        if storing and known is not None:
            self.out += (b"@", length(known))
        if key in self._memo and (known is not None or not storing):
            parts.append(self._memo[key])
        elif parent is not None and key in self._position:
            self._refer_back(key, parent, parts, storing)
        else:
            self._push(
                x, split(x, self._p if storing else self._named), parent, storing and known is None
            )

    def _leaf(self, e: Encoded, parts: list[bytes], storing: bool) -> None:
        identity, storage = (e, e) if isinstance(e, bytes) else e
        parts.append(identity)
        if storing:
            self.out.append(storage)

    def _refer_back(self, key: int, parent: _Frame, parts: list[bytes], storing: bool) -> None:
        position = self._position[key]
        parent.low = min(parent.low, position)
        parts.append(b"^" + length(len(self._open) - position))
        if storing and key in self._active and not self._early(key):
            raise Unstorable  # it would have to exist before its parts

    def _early(self, key: int) -> bool:
        return next(f.split.early for f in reversed(self._frames) if f.key == key)

    def _push(self, x: Any, split: Split, parent: _Frame | None, storing: bool) -> None:
        key = id(x)
        within = -1 if parent is None else parent.within
        if storing:
            number = self._number[key] = len(self._number)
            self.out.append(b"!" + split.storage if split.leaf else split.storage)
            if split.leaf:
                storing, within = False, number
        elif within >= 0 and split.mutable:
            self._opaque.add(key)
        self._p.keep.append(x)
        self._frames.append(_Frame(key, split, len(self._open), storing, within))
        self._position[key] = len(self._open)
        self._open.append(key)
        self._active.add(key)

    def _next_group(self, frame: _Frame) -> None:
        frame.group += 1
        group = frame.split.groups[frame.group]
        if len(group) >= PACK_MIN:
            p = self._p if frame.storing else self._named
            packed = packed_group(group, p, unordered=frame.split.unordered)
            if packed is not None:
                self._leaf(packed, frame.parts, frame.storing)
                return
        self._leaf(b"g" + length(len(group)), frame.parts, frame.storing)
        frame.rest = iter(group)
        frame.sorting = frame.split.unordered

    def _close(self, frame: _Frame, result: list[bytes]) -> None:
        self._frames.pop()
        self._active.discard(frame.key)
        if frame.sorting:  # head and count come first
            frame.parts[2:] = sorted(frame.parts[2:])
        identity = fold(b"".join(frame.parts), self._named)
        assert isinstance(identity, bytes)  # a pass for identity only makes no pairs
        parent = self._frames[-1] if self._frames else None
        (result if parent is None else parent.parts).append(identity)
        if frame.low < frame.index:
            assert parent is not None  # what it refers back to
            parent.low = min(parent.low, frame.low)
            return
        members = self._open[frame.index :]
        del self._open[frame.index :]
        self._memo[frame.key] = identity
        for place, key in enumerate(members):
            del self._position[key]
            if len(members) > _SMALL_CYCLE and place:
                self._memo[key] = b"%" + digest(identity + length(place))


def walk(value: Any, p: Pass) -> Encoded:
    """Encode *value* by the explicit walk. Raises Unstorable when *p* stores and it cannot."""
    w = _Walk(p)
    identity = w.run(value)
    return identity if p.buffers is None else (identity, b"~" + b"".join(w.out))


def storage_of(state: Any, p: Pass) -> bytes:
    """The storage encoding alone of a state whose identity does not matter.

    What it shares with the rest of the value is stored again: it belongs to its codec.
    """
    p.keep.append(state)
    seen, p.seen = p.seen, set()
    mark = len(p.buffers or ())
    try:
        e = encoders[type(state)](state, 1, p)
    except Restart:
        assert p.buffers is not None  # only a storing pass asks
        del p.buffers[mark:]
        p.slots = {b.digest: i for i, b in enumerate(p.buffers)}
        e = walk(state, p)
    p.seen = seen
    return e if isinstance(e, bytes) else e[1]


class _Open:
    """A composite being read: the groups read so far and what is missing of the present one."""

    __slots__ = ("build", "groups", "missing", "number")

    def __init__(self, build: Build, number: int) -> None:
        self.build = build
        self.number = number
        self.groups: list[list[Any]] = []
        self.missing = 0


def read_deep(r: Reader) -> Any:
    """Read what the explicit walk wrote."""
    made: list[Any] = []  # composites by number
    stack: list[_Open] = []
    while True:
        value = _read_part(r, made, stack)
        while stack:
            top = stack[-1]
            if value is not _END:
                top.groups[-1].append(value)
                top.missing -= 1
            if top.missing or _read_group(r, top):
                break
            stack.pop()
            value = made[top.number] = top.build.finish(top.groups)
        else:
            return value


def _read_part(r: Reader, made: list[Any], stack: list[_Open]) -> Any:
    """Read a part that is complete at once, or open a composite and return `_END`."""
    tag = r.data[r.pos]
    r.pos += 1
    if tag == ord("@"):
        known = made[r.length()]
        if known is _END:
            raise CodecError(
                "a stored value refers to a part that is not there yet: evaluate again"
            )
        return known
    if not is_loaded(tag):
        load_reader(tag)
    opener = openers.get(tag)
    if opener is None:
        r.pos -= 1
        return read(r)
    build = opener(r)
    stack.append(_Open(build, len(made)))
    made.append(_END if build.blank is None else build.blank)
    return _END


def _read_group(r: Reader, top: _Open) -> bool:
    """Read on until parts are missing (True) or all groups are there (False)."""
    while len(top.groups) < top.build.groups:
        packed = unpack(r)
        if packed is None:
            top.groups.append([])
            top.missing = r.length()
            if top.missing:
                return True
        else:
            top.groups.append(packed)
    return False


def _open_opaque(r: Reader) -> Build:
    return ready(read(r))


openers[ord("!")] = _open_opaque
decoders[ord("!")] = read
decoders[ord("~")] = read_deep
