"""Arrow types and fields as plain states, and back."""

import importlib
from collections.abc import Callable
from typing import Any, Final

from cellgraph.identity.reading import careful, refuse_code

# Untyped on purpose: the stubs cover a part of Arrow, and values here are of any Arrow type.
pa: Any = importlib.import_module("pyarrow")
t: Any = importlib.import_module("pyarrow.types")
State = Any

_SIMPLE: Final = {
    str(made): made
    for made in (
        pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(),
        pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
        pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
        pa.binary_view(), pa.date32(), pa.date64(), pa.month_day_nano_interval(),
    )
}  # fmt: skip
_LISTS: Final[dict[str, tuple[Callable[[Any], bool], Any]]] = {
    "list": (t.is_list, pa.list_),
    "large_list": (t.is_large_list, pa.large_list),
    "list_view": (t.is_list_view, pa.list_view),
    "large_list_view": (t.is_large_list_view, pa.large_list_view),
}
_DECIMALS: Final = {
    name: made
    for name in ("decimal32", "decimal64", "decimal128", "decimal256")
    if (made := getattr(pa, name, None)) is not None  # the narrow ones came with Arrow 18
}


def type_state(kind: Any) -> State:
    """State a DataType: a string for a simple one, a tuple for the others."""
    name = str(kind)
    if name in _SIMPLE and _SIMPLE[name] == kind:
        return name
    if isinstance(kind, pa.BaseExtensionType):
        return "ipc", pa.schema([pa.field("", kind)]).serialize().to_pybytes()
    if t.is_timestamp(kind):
        return "timestamp", kind.unit, kind.tz
    if t.is_time32(kind) or t.is_time64(kind) or t.is_duration(kind):
        return name.partition("[")[0], kind.unit
    if t.is_decimal(kind):
        return name.partition("(")[0], kind.precision, kind.scale
    if t.is_fixed_size_binary(kind):
        return "fixed_size_binary", kind.byte_width
    return _nested_state(kind)


def _nested_state(kind: Any) -> State:
    for name, (matches, _) in _LISTS.items():
        if matches(kind):
            return name, field_state(kind.value_field)
    if t.is_fixed_size_list(kind):
        return "fixed_size_list", field_state(kind.value_field), kind.list_size
    if t.is_struct(kind):
        return "struct", tuple(field_state(kind.field(i)) for i in range(kind.num_fields))
    if t.is_map(kind):
        return "map", field_state(kind.key_field), field_state(kind.item_field), kind.keys_sorted
    if t.is_dictionary(kind):
        return "dictionary", type_state(kind.index_type), type_state(kind.value_type), kind.ordered
    if t.is_run_end_encoded(kind):
        return "run_end_encoded", type_state(kind.run_end_type), type_state(kind.value_type)
    return "ipc", pa.schema([pa.field("", kind)]).serialize().to_pybytes()


def type_from(state: State) -> Any:
    """The DataType that `type_state` stated."""
    if isinstance(state, str):
        return _SIMPLE[state]
    name, *rest = state
    if name == "ipc":
        if careful():  # an extension type runs code of whoever registered it
            raise refuse_code("an Arrow extension type")
        return pa.ipc.read_schema(pa.py_buffer(rest[0])).field(0).type
    if name in _LISTS:
        return _LISTS[name][1](field_from(rest[0]))
    if name in _DECIMALS:
        return _DECIMALS[name](*rest)
    if name in ("timestamp", "time32", "time64", "duration"):
        return getattr(pa, name)(*rest)
    if name == "fixed_size_binary":
        return pa.binary(rest[0])
    return _nested_from(name, rest)


def _nested_from(name: str, rest: list[Any]) -> Any:
    if name == "fixed_size_list":
        return pa.list_(field_from(rest[0]), rest[1])
    if name == "struct":
        return pa.struct([field_from(f) for f in rest[0]])
    if name == "map":
        return pa.map_(field_from(rest[0]), field_from(rest[1]), rest[2])
    if name == "dictionary":
        return pa.dictionary(type_from(rest[0]), type_from(rest[1]), rest[2])
    if name == "run_end_encoded":
        return pa.run_end_encoded(type_from(rest[0]), type_from(rest[1]))
    raise ValueError(f"unknown Arrow type {name}")


def field_state(field: Any) -> State:
    """State a Field: name, type, nullability, metadata."""
    metadata = None if field.metadata is None else dict(sorted(field.metadata.items()))
    return field.name, type_state(field.type), field.nullable, metadata


def field_from(state: State) -> Any:
    """The Field that `field_state` stated."""
    name, kind, nullable, metadata = state
    return pa.field(name, type_from(kind), nullable=nullable, metadata=metadata)
