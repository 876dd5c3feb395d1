"""Classes whose methods a library writes: dataclasses, attrs, pydantic, namedtuples.

The generated code differs between versions of Python and of the libraries and says nothing that the
fields do not say: fields and parameters stand for it.
"""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Final

from cellgraph.identity.annotations import describe
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.looks import is_a
from cellgraph.identity.packages import origin_of_function
from cellgraph.identity.values import reference

_DATACLASS_PARAMETERS: Final = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
_DATACLASS_FLAGS: Final = ("init", "repr", "hash", "compare", "kw_only")
_ATTRS_FLAGS: Final = ("init", "repr", "eq", "order", "hash", "kw_only", "alias")
_ATTRS_PARTS: Final = ("validator", "converter", "on_setattr", "eq_key", "order_key")
_PYDANTIC_FLAGS: Final = (
    "alias validation_alias serialization_alias alias_priority title field_title_generator "
    "description examples exclude exclude_if discriminator deprecated json_schema_extra frozen "
    "validate_default repr init init_var kw_only".split()
)


_PLAIN: Final = frozenset({type(None), str, bool, int, float})


def is_tuple(cls: type) -> bool:
    """Whether instances of *cls* are tuples."""
    return tuple in cls.__mro__


def made_by_library(cls: type, value: object) -> bool:
    """Whether *value*, found in the namespace of *cls*, was generated for it."""
    func = getattr(value, "__func__", value)
    if not isinstance(func, types.FunctionType):
        return type(value).__module__ in ("_collections", "pydantic._internal._model_construction")
    if func.__globals__.get("__name__") == "reprlib":  # around the `__repr__` of a dataclass
        return made_by_library(cls, getattr(func, "__wrapped__", None))
    code = func.__code__
    if code.co_qualname.startswith("__create_fn__.") or code.co_filename.startswith("<attrs "):
        return True
    if is_tuple(cls) and hasattr(cls, "_fields"):
        return origin_of_function(func).kind == "standard" or _is_named_tuple_code(func)
    # Helpers that `dataclass` and `enum` put in as they are; a library's mixin does not count here.
    return func.__globals__.get("__name__") in ("dataclasses", "enum", "attr._make", "typing")


def _is_named_tuple_code(func: types.FunctionType) -> bool:
    return str(func.__globals__.get("__name__", "")).startswith("namedtuple_")


def link_fields(walk: Walk, node: Node, cls: type) -> None:
    """Add the fields of a record class: names in order, types, defaults, flags."""
    held = vars(cls)
    if "__dataclass_params__" in held:
        _link_dataclass(walk, node, cls)
    if "__attrs_attrs__" in held:
        _link_attrs(walk, node, held["__attrs_attrs__"])
    if "__pydantic_fields__" in held:
        _link_pydantic(walk, node, held["__pydantic_fields__"])
        _link_decorators(walk, node, held.get("__pydantic_decorators__"))
        for name, private in dict(held.get("__private_attributes__", {})).items():
            _link_default(walk, node, f"field:{name}", private)
    if is_tuple(cls) and "_fields" in held:
        walk.data(node, "fields", tuple(held["_fields"]))
        for name, default in dict(held.get("_field_defaults", {})).items():
            walk.link(node, f"field:{name}.default", default)


def _link_dataclass(walk: Walk, node: Node, cls: Any) -> None:
    parameters = cls.__dataclass_params__
    walk.data(node, "dataclass", tuple(getattr(parameters, p) for p in _DATACLASS_PARAMETERS))
    fields: Mapping[str, dataclasses.Field[Any]] = cls.__dataclass_fields__
    walk.data(node, "fields", tuple(fields))
    for name, field in fields.items():
        label = f"field:{name}"
        flags = tuple(getattr(field, flag) for flag in _DATACLASS_FLAGS)
        kind = getattr(field, "_field_type", None)
        said = (
            describe(field.type),
            flags if field.kw_only is not dataclasses.MISSING else flags[:-1],
        )
        walk.leaf(node, label, "data", reference((said, str(getattr(kind, "name", "")))), said)
        if field.default is not dataclasses.MISSING:
            walk.link(node, f"{label}.default", field.default)
        if field.default_factory is not dataclasses.MISSING:
            walk.link(node, f"{label}.default_factory", field.default_factory)
        if field.metadata:
            walk.link(node, f"{label}.metadata", dict(field.metadata))


def _link_attrs(walk: Walk, node: Node, fields: tuple[Any, ...]) -> None:
    walk.data(node, "fields", tuple(field.name for field in fields))
    for field in fields:
        label = f"field:{field.name}"
        said = (describe(field.type), *(str(getattr(field, flag, None)) for flag in _ATTRS_FLAGS))
        walk.leaf(node, label, "data", reference(said), said)
        default = field.default
        if type(default).__name__ == "Factory":
            walk.link(node, f"{label}.default_factory", default.factory)
        elif not type(default).__name__.startswith("_Nothing"):
            walk.link(node, f"{label}.default", default)
        for part in _ATTRS_PARTS:
            value = getattr(field, part, None)
            if value is not None:
                walk.link(node, f"{label}.{part}", value)
        if field.metadata:
            walk.link(node, f"{label}.metadata", dict(field.metadata))


def _link_pydantic(walk: Walk, node: Node, fields: Mapping[str, Any]) -> None:
    walk.data(node, "fields", tuple(fields))
    for name, field in fields.items():
        label = f"field:{name}"
        said = (describe(field.annotation), field.is_required())
        walk.leaf(node, label, "data", reference(said), said)
        if not field.is_required():
            _link_default(walk, node, label, field)
        for flag in _PYDANTIC_FLAGS:
            value = getattr(field, flag, None)
            if value is not None:
                walk.link(node, f"{label}.{flag}", value)
        walk.link(node, f"{label}.metadata", list(field.metadata))


def _link_default(walk: Walk, node: Node, label: str, field: Any) -> None:
    if field.default_factory is None:
        walk.link(node, f"{label}.default", field.default)
    else:
        walk.link(node, f"{label}.default_factory", field.default_factory)


def _link_decorators(walk: Walk, node: Node, decorators: Any) -> None:
    """Add what pydantic's decorators were told; the functions are in the namespace."""
    for group, found in _held(decorators):
        for name, decorator in dict(found).items() if is_a(found, dict) else ():
            said = tuple((key, _told(value)) for key, value in _held(decorator.info))
            walk.leaf(node, f"decorator:{group}.{name}", "data", reference(said), said)


def _held(record: Any) -> list[tuple[str, Any]]:
    """Names and values of a dataclass instance; nothing for anything else."""
    if not dataclasses.is_dataclass(record):
        return []
    return [(field.name, getattr(record, field.name)) for field in dataclasses.fields(record)]


def _told(value: Any) -> str:
    if isinstance(value, (types.FunctionType, property)):
        return ""  # counts by itself
    if is_a(value, tuple):
        return f"({', '.join(map(_told, value))})"
    return repr(value) if type(value) in _PLAIN else describe(value)
