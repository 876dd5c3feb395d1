"""Typed looks at objects of which nothing is known."""

from collections.abc import Collection, Mapping
from typing import Any, cast


def class_of(value: object) -> type:
    """The class of *value*."""
    return type(value)


def is_a(value: object, kind: type) -> bool:
    """`isinstance`, after which a type checker still knows nothing of what is inside."""
    return isinstance(value, kind)


def attributes_of(value: object) -> dict[str, Any]:
    """A copy of what *value* keeps in its own namespace."""
    return dict(vars(value))


def as_dict(value: object) -> Mapping[object, object]:
    """*value*, which is a dict."""
    return cast("Mapping[object, object]", value)


def items_of(value: object) -> Collection[object]:
    """*value*, which is a list, tuple or set."""
    return cast("Collection[object]", value)


def bases_of(cls: type) -> tuple[type, ...]:
    """*cls* and the classes it inherits from, in the order of lookup."""
    return cls.__mro__
