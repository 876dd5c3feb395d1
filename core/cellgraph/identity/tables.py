"""Which type is encoded by what: the tables every encoder looks into.

A *kind* states a type's content as a plain value (its *state*: tuples, strings, numbers, `Raw`
memory, other values) and makes an equal value from that state. That one statement serves identity
and storage alike. Everything that is not a plain container or scalar is a kind (`kinds`), or an
instance of a class (`instances`).
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cellgraph.errors import CodecError
from cellgraph.identity.wire import Encoded, Pass, length

Encoder = Callable[[Any, int, Pass], Encoded]


class Referenced:
    """A value the engine knows by its identity alone: it contributes `ref` to what contains it."""

    __slots__ = ("ref",)
    ref: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Flat memory inside a state: `data` is contiguous; `stable` says that nobody can change it.

    Memory that is not stable is copied (by `copied`) when it is stored. A decoder gets a
    `memoryview`, writable where the store handed over writable memory, and has it to itself.
    """

    data: bytes | bytearray | memoryview
    stable: bool
    copied: Callable[[Any], bytes | memoryview] = bytes


@dataclass(frozen=True, slots=True)
class Pickled:
    """An object inside a state that is stored by its own pickling rules; a decoder gets the object.

    For a kind that says the identity apart: a `Pickled` itself has none.
    """

    value: object


@dataclass(slots=True)
class Split:
    """One composite value taken apart.

    The identity is `identity` followed by the groups. The storage is `storage` followed by the
    groups or, if `leaf`, `storage` alone. `early`: the object can be created before its parts.
    `mutable`: two references to one object are not the same as references to two equal ones.
    """

    identity: bytes
    storage: bytes
    groups: tuple[Sequence[Any], ...]
    leaf: bool = False
    unordered: bool = False
    early: bool = False
    mutable: bool = True


Splitter = Callable[[Any, Pass], Split]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of one type become a state and come back (see the module's docstring)."""

    name: str
    version: int
    encode: Callable[[Any], object]
    decode: Callable[[Any], object]
    identity: Callable[[Any], object] | None = None  # None: the state is the identity
    mutable: bool = True  # one object referred to twice comes back as one object
    # Whether `decode` runs only code of Cellgraph and the type's library, and harms nobody,
    # whatever the state is: asks `careful` where the library itself would not check.
    data: bool = False

    @property
    def head(self) -> bytes:
        """What each encoding of this kind begins with; the version makes old digests differ."""
        name = self.name.encode()
        return b"x" + length(len(name)) + name + length(self.version)


class _Encoders(dict[type, Encoder]):
    """Encoder of each exact type; the missing ones are found. Classes of users are held weakly."""

    def __init__(self) -> None:
        super().__init__()
        self._found: weakref.WeakKeyDictionary[type, tuple[Encoder, Splitter]] = (
            weakref.WeakKeyDictionary()
        )

    def __missing__(self, cls: type) -> Encoder:
        known = self._found.get(cls)
        if known is not None:
            return known[0]
        if Referenced in cls.__mro__:
            self[cls] = _encode_referenced
            return _encode_referenced
        from cellgraph.identity.kinds import handlers_of  # uses this table

        found = handlers_of(cls)
        if cls in self:  # a library just loaded brought it
            return self[cls]
        self._found[cls] = found
        return found[0]

    def splitter(self, cls: type) -> Splitter | None:
        """How to take a value of exact type *cls* apart; None for a leaf."""
        known = splitters.get(cls)
        if known is not None:
            return known
        self[cls]  # finds it
        found = self._found.get(cls)
        return splitters.get(cls) if cls in self or found is None else found[1]


encoders: Final = _Encoders()
# Composite types only: how the explicit walk takes a value apart.
splitters: Final[dict[type, Splitter]] = {}


def _encode_referenced(value: Referenced, depth: int, p: Pass) -> Encoded:
    if p.buffers is not None:
        raise CodecError("a reference to a result cannot be stored as a part of another value")
    return value.ref
