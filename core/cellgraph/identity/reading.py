"""The reading side of the encoding: a cursor over a payload, and what a decoder may ask of it."""

import importlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from cellgraph.codecs.payload import Payload
from cellgraph.errors import CodecError, Untrusted
from cellgraph.identity.wire import FOLD_BYTES

# A length has at most 64 bits: a longer one would cost quadratic time to read.
_LONGEST_SHIFT: Final = 63
_careful: ContextVar[bool] = ContextVar("careful", default=False)


def careful() -> bool:
    """Whether what is being read comes from somebody whom nobody vouches for.

    Decoders then check what libraries take on trust (offsets, codes, counts).
    """
    return _careful.get()


@contextmanager
def taking_care() -> Generator[None]:
    """For the block, `careful` says so, on this thread."""
    token = _careful.set(True)
    try:
        yield
    finally:
        _careful.reset(token)


def refuse_code(what: str) -> Untrusted:
    """The error for a part whose reading would run code."""
    return Untrusted(
        f"a stored value needs {what}, which can run code, and nobody vouches for who wrote it: "
        "`cellgraph trust` the store, or evaluate again"
    )


class Reader:
    """A position in a head. One per restore; not shared between threads.

    `codes` are the live classes and functions of the payload's table. A buffer is handed out as it
    is the first time and as a copy after that: two arrays never share memory they did not share.
    """

    __slots__ = ("buffers", "code", "codes", "data", "pos", "used")

    def __init__(self, payload: Payload, *, code: bool = True) -> None:
        self.code = code  # whether what runs code may be read
        self.data = payload.head
        self.pos = 0
        self.buffers = payload.buffers
        self.codes: list[Any] = []
        self.used: set[int] = set()

    def length(self) -> int:
        """Read an unsigned LEB128."""
        n = self.data[self.pos]
        self.pos += 1
        if n < 128:
            return n
        n &= 127
        shift = 7
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            n |= (byte & 127) << shift
            if byte < 128:
                return n
            shift += 7
            if shift > _LONGEST_SHIFT:
                raise CodecError("a stored value has a length that cannot be: evaluate again")

    def take(self, n: int) -> bytes:
        """Read *n* bytes of the head."""
        start = self.pos
        self.pos = start + n
        if self.pos > len(self.data):
            raise CodecError("a stored value is cut short: evaluate again to recompute it")
        return self.data[start : self.pos]

    def blob(self) -> bytes | memoryview:
        """Read a blob that the caller only looks at."""
        n = self.length()
        if n <= FOLD_BYTES:
            return self.take(n)
        data = self.buffers[self.length()].data
        if data.nbytes != n:
            raise CodecError("a stored value has a buffer of another size: evaluate again")
        return data

    def own(self) -> memoryview:
        """Read a blob the caller may keep: writable where the store's memory is, never shared."""
        start = self.pos
        n = self.length()
        if n <= FOLD_BYTES:
            return memoryview(self.take(n))
        index = self.length()
        self.pos = start
        data = memoryview(self.blob())
        if index in self.used:
            return memoryview(bytearray(data))
        self.used.add(index)
        return data


class Build(NamedTuple):
    """A composite whose head has been read: how many groups follow, and what they make.

    `blank` is the object itself, still empty, where it can exist before its parts (so that its
    parts may refer back to it); None otherwise.
    """

    groups: int
    finish: Callable[[list[list[Any]]], Any]
    blank: Any = None


def ready(value: Any) -> Build:
    """A composite that is there as soon as its head has been read."""

    def finish(groups: list[list[Any]]) -> Any:
        return value

    return Build(0, finish, value)


def made_by(make: Callable[[list[Any]], Any]) -> "Opener":
    """The opener of a composite of one group, made from the parts in it."""

    def finish(groups: list[list[Any]]) -> Any:
        return make(groups[0])

    return lambda r: Build(1, finish)


Decoder = Callable[[Reader], Any]
Opener = Callable[[Reader], Build]


# Tags whose reader is loaded when one of them is first met.
_LATE: Final = {
    ord("P"): "cellgraph.codecs.pickled",
    **dict.fromkeys(b"EMOUV", "cellgraph.identity.instances"),
    ord("x"): "cellgraph.identity.kinds",
}


def load_reader(tag: int) -> None:
    """Load the module that reads *tag*. Raises CodecError when there is none."""
    if tag not in _LATE:
        raise CodecError(f"a stored value uses an encoding this version does not know (tag {tag})")
    importlib.import_module(_LATE[tag])


def _late(r: Reader) -> Any:
    tag = r.data[r.pos - 1]
    load_reader(tag)
    return decoders[tag](r)


# By tag byte. `openers` covers the composites, for the explicit walk.
decoders: Final[list[Decoder]] = [_late] * 256
openers: Final[dict[int, Opener]] = {}


def is_loaded(tag: int) -> bool:
    """Whether the reader of *tag* has been loaded."""
    return decoders[tag] is not _late


def read(r: Reader) -> Any:
    """Read one value by recursion."""
    tag = r.data[r.pos]
    r.pos += 1
    return decoders[tag](r)
