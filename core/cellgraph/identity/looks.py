"""Typed looks at objects of which nothing is known."""

import functools
from collections.abc import Collection, Mapping
from types import FunctionType, MethodType
from typing import Any, Final, cast

_FUNCTIONS: Final = (FunctionType, MethodType, functools.partial)


def class_of(value: object) -> type:
    """The class of *value*."""
    return type(value)


def is_a(value: object, kind: type) -> bool:
    """`isinstance`, after which a type checker still knows nothing of what is inside."""
    return isinstance(value, kind)


def attributes_of(value: object) -> dict[str, Any]:
    """A copy of what *value* keeps in its own namespace."""
    return dict(vars(value))


def functions_in(value: object) -> dict[str, Any]:
    """The functions that a callable object keeps in its own namespace: what it wraps.

    Its pickling rules may give a mere name for them (`toolz.curry` does).
    """
    if not callable(value) or isinstance(value, _FUNCTIONS):
        return {}
    if not is_a(getattr(value, "__dict__", None), dict):
        return {}
    return {name: held for name, held in attributes_of(value).items() if is_function(held)}


def is_function(value: object) -> bool:
    """Whether *value* is a Python function, bound or not, or one with arguments filled in."""
    return isinstance(value, _FUNCTIONS)


def as_dict(value: object) -> Mapping[object, object]:
    """*value*, which is a dict."""
    return cast("Mapping[object, object]", value)


def items_of(value: object) -> Collection[object]:
    """*value*, which is a list, tuple or set."""
    return cast("Collection[object]", value)


def bases_of(cls: type) -> tuple[type, ...]:
    """*cls* and the classes it inherits from, in the order of lookup."""
    return cls.__mro__
