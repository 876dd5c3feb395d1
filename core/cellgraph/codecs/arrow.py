"""Arrow: tables, record batches, arrays, schemas, types, scalars.

Identity: type (with field names, nullability, metadata) and logical content. Chunks, slices and
whatever lies in null slots do not count; what is read back has one chunk. Arrow data is immutable,
so it is neither copied when stored nor when read.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

from cellgraph.codecs.arrow_content import array_from, content, joined
from cellgraph.codecs.arrow_types import field_from, field_state, type_from, type_state
from cellgraph.identity.kinds import declare, define
from cellgraph.identity.tables import Kind, Raw
from cellgraph.identity.wire import Unencodable

# Untyped on purpose: the stubs cover a part of Arrow, and values here are of any Arrow type.
pa: Any = importlib.import_module("pyarrow")
State = tuple[Any, ...]


def _metadata(metadata: Any) -> Any:
    """Key-value metadata as a dict in the order of its keys, which has no meaning."""
    return None if metadata is None else dict(sorted(metadata.items()))


def _schema_state(schema: Any) -> State:
    return tuple(field_state(f) for f in schema), _metadata(schema.metadata)


def _schema_from(state: Any) -> Any:
    return pa.schema([field_from(f) for f in state[0]], metadata=state[1])


def _table_state(table: Any) -> State:
    return (
        _schema_state(table.schema),
        table.num_rows,
        tuple(content(joined(c) if isinstance(c, pa.ChunkedArray) else c) for c in table.columns),
    )


def _columns(state: Any) -> tuple[list[Any], Any]:
    schema = _schema_from(state[0])
    arrays = [array_from(f.type, c) for f, c in zip(schema, state[2], strict=True)]
    return arrays, schema


def _table_from(state: Any) -> Any:
    arrays, schema = _columns(state)
    if not arrays:
        return _rows_only(pa.table({"": pa.nulls(state[1])}), schema)
    return pa.Table.from_arrays(arrays, schema=schema)


def _rows_only(made: Any, schema: Any) -> Any:
    """A table without columns may have rows, which it loses when its metadata is replaced last."""
    return (made.replace_schema_metadata(schema.metadata) if schema.metadata else made).select([])


def _batch_from(state: Any) -> Any:
    arrays, schema = _columns(state)
    if not arrays:
        return _rows_only(pa.record_batch({"": pa.nulls(state[1])}), schema)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def array_state(array: Any) -> State:
    """State an Array."""
    return type_state(array.type), content(array)


def array_of(state: Any) -> Any:
    """The Array that `array_state` stated."""
    return array_from(type_from(state[0]), state[1])


def chunked_state(chunked: Any) -> State:
    """State a ChunkedArray."""
    return type_state(chunked.type), content(joined(chunked))


def chunked_of(state: Any) -> Any:
    """The ChunkedArray that `chunked_state` stated, in one chunk."""
    return pa.chunked_array([array_of(state)])


def _kind(name: str, encode: Callable[[Any], object], decode: Callable[[Any], object]) -> Kind:
    return declare(Kind("pyarrow." + name, 1, encode, decode, mutable=False, data=True))


define(pa.Table, _kind("table", _table_state, _table_from))
define(pa.RecordBatch, _kind("batch", _table_state, _batch_from))
define(pa.ChunkedArray, _kind("chunked", chunked_state, chunked_of))
define(pa.Schema, _kind("schema", _schema_state, _schema_from))
define(pa.Field, _kind("field", field_state, field_from))
define(pa.Buffer, _kind("buffer", lambda b: Raw(memoryview(b), stable=True), pa.py_buffer))

_ARRAY: Final = _kind("array", array_state, array_of)
_TYPE: Final = _kind("type", type_state, type_from)


def _scalar_state(value: Any) -> State:
    if isinstance(value, pa.DictionaryScalar):
        index = pa.array([value.index.as_py()], value.type.index_type)
        return array_state(pa.DictionaryArray.from_arrays(index, value.dictionary))
    try:
        return array_state(pa.array([value], value.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        advice = f"is an Arrow scalar of type {value.type}: pass its as_py() instead"
        raise Unencodable(value, advice) from error


_SCALAR: Final = _kind("scalar", _scalar_state, lambda s: array_of(s)[0])


def resolve(cls: type) -> Kind | None:
    """Kinds of the classes that Arrow has one of per type."""
    if issubclass(cls, pa.Array):
        return _ARRAY
    if issubclass(cls, pa.DataType):
        return _TYPE
    return _SCALAR if issubclass(cls, pa.Scalar) else None
