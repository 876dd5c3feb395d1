"""Annotations and other typing objects as text that is the same in every process."""

import ast
import functools
from collections.abc import Mapping
from types import GenericAlias, UnionType
from typing import Any, Final, ParamSpec, TypeVar, TypeVarTuple, get_args, get_origin

from cellgraph.errors import IdentityError
from cellgraph.identity.looks import is_a, items_of
from cellgraph.identity.normalise import encode
from cellgraph.identity.values import reference

_VARIABLES: Final = (TypeVar, ParamSpec, TypeVarTuple)


def describe_annotations(annotations: Mapping[str, object]) -> bytes:
    """Return names and types in their order."""
    return reference(tuple((name, describe(value)) for name, value in annotations.items()))


def describe(annotation: object) -> str:
    """Return what an annotation says: names of types with their arguments."""
    if type(annotation) is type and annotation is not type(None):  # nearly always
        return annotation.__qualname__.rpartition("<locals>.")[2]
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, str):
        return _described_text(annotation)
    arguments = get_args(annotation)
    if arguments or isinstance(annotation, (GenericAlias, UnionType)):
        inside = ", ".join([describe(a) for a in arguments])
        return f"{describe(get_origin(annotation))}[{inside}]"
    if is_a(annotation, list):  # parameters of a Callable
        return f"[{', '.join([describe(part) for part in items_of(annotation)])}]"
    if isinstance(annotation, type):
        return annotation.__qualname__.rpartition("<locals>.")[2]
    if is_typing(annotation):
        return _typing_name(annotation)
    return _described_value(annotation)


def is_typing(value: object) -> bool:
    """Whether *value* is a typing construct and not data: a variable, an alias, a special form."""
    return (
        isinstance(value, (*_VARIABLES, GenericAlias, UnionType))
        or type(value).__module__ == "typing"
    )


def _typing_name(value: Any) -> str:
    name = getattr(value, "__name__", None) or getattr(value, "_name", None)
    return str(name or type(value).__name__)


@functools.lru_cache(maxsize=4096)
def _described_text(text: str) -> str:
    """An annotation kept as text: formatting does not count."""
    try:
        return encode(ast.parse(text.strip(), mode="eval")).decode("utf-8", "backslashreplace")
    except (SyntaxError, ValueError, RecursionError):
        return text


def _described_value(value: object) -> str:
    try:
        return f"{type(value).__qualname__}:{reference(value).hex()}"
    except IdentityError:
        return type(value).__qualname__
