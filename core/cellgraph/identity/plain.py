"""Which instances can be read and written field by field, and how."""

import copyreg
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

_HEAPTYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: set for classes made by a `class` statement
_PICKLING: Final = ("__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__")
_STATE: Final = ("__getstate__", "__setstate__")
# attrs keeps a hash, which depends on the hash seed, beside the fields; None means "not computed".
_CACHED_HASH: Final = "_attrs_cached_hash"


def class_of(value: object) -> type[Any]:
    """The exact class of *value* (for type checkers, which lose track of `type` of an `Any`)."""
    return type(value)


def derives(cls: type[Any], *bases: type[Any]) -> bool:
    """`issubclass`, without narrowing the type of *cls* for type checkers."""
    return issubclass(cls, bases)


def new_tuple(cls: type[Any], items: Iterable[Any]) -> Any:
    """An instance of a subclass of `tuple`, past any ``__new__`` of its own."""
    return tuple.__new__(cls, items)  # pyright: ignore[reportUnknownMemberType]  # of any items


class Shape(NamedTuple):
    """Where the instances of a class keep their state."""

    has_dict: bool
    slots: tuple[str, ...]


def shape_of(cls: type, value: object) -> Shape | None:
    """Return the shape of *cls*, of which *value* is an instance, if its state is all there is.

    None for classes with pickling rules of their own or with state in C.
    """
    if cls in copyreg.dispatch_table or not all(made_here(b) for b in cls.__mro__[:-1]):
        return None
    if any(owner_of(cls, name) is not object for name in _PICKLING):
        return None
    if any(not _harmless(cls, name) for name in _STATE):
        return None
    try:
        object.__reduce_ex__(value, 4)
    except TypeError:  # state in C that Python cannot see
        return None
    return Shape(hasattr(value, "__dict__"), _slot_names(cls))


def made_here(cls: type) -> bool:
    """Whether *cls* was made by a class statement rather than in C."""
    return bool(cls.__flags__ & _HEAPTYPE)


def owner_of(cls: type, name: str) -> type:
    """The class that *cls* has *name* from; `object` if none has it."""
    return next((b for b in cls.__mro__ if name in b.__dict__), object)


def _harmless(cls: type, name: str) -> bool:
    """Whether a state method is absent, or one that dataclasses or attrs made for slots."""
    owner = owner_of(cls, name)
    return owner is object or generated(owner.__dict__[name], "dataclasses", "attr._make")


def generated(method: Any, *modules: str) -> bool:
    """Whether *method* was written by a library for the class it is in."""
    return getattr(method, "__globals__", {}).get("__name__") in modules


def _slot_names(cls: type) -> tuple[str, ...]:
    # Not `copyreg._slotnames`: it leaves a mark on the class.
    names: list[str] = []
    for base in reversed(cls.__mro__):
        slots: Any = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name in ("__dict__", "__weakref__"):
                continue
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return tuple(names)


State = tuple[tuple[str, ...], tuple[str, ...], list[Any]]


def read_state(value: Any, shape: Shape) -> State:
    """Return names in the instance's dict, names of filled slots, and the values of both."""
    own: dict[str, Any] = value.__dict__ if shape.has_dict else {}
    content = list(own.values())
    filled: list[str] = []
    for name in shape.slots:
        try:
            found = object.__getattribute__(value, name)
        except AttributeError:
            continue
        filled.append(name)
        content.append(None if name == _CACHED_HASH else found)
    if _CACHED_HASH in own:
        content[list(own).index(_CACHED_HASH)] = None
    return tuple(own), tuple(filled), content


def write_state(
    made: Any, own: tuple[str, ...], filled: tuple[str, ...], content: list[Any]
) -> None:
    """Give a blank instance its state, past any `__setattr__` of its class."""
    if own:
        made.__dict__.update(zip(own, content, strict=False))
    for name, item in zip(filled, content[len(own) :], strict=True):
        object.__setattr__(made, name, item)
