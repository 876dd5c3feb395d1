"""The logical content of an Arrow array as a plain state, and back.

A state is ``(length, validity, ...)``: validity is None without nulls, else a bitmap whose spare
bits are zero. Offsets start at 0, null slots hold zeros or nothing: equal arrays have equal states
whatever they were sliced or chunked from. Memory that is in this form already is not copied.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from cellgraph.errors import CodecError
from cellgraph.identity.reading import careful, refuse_code
from cellgraph.identity.tables import Raw

# Untyped on purpose: the stubs cover a part of Arrow, and values here are of any Arrow type.
pa: Any = importlib.import_module("pyarrow")
pc: Any = importlib.import_module("pyarrow.compute")
t: Any = importlib.import_module("pyarrow.types")
State = tuple[Any, ...]
Array = Any  # a NumPy array
_SPARSE: Final = 1 << 20  # elements of null lists that nobody vouches for


def joined(chunked: Any) -> Any:
    """The chunks of a ChunkedArray as one Array."""
    if chunked.num_chunks == 1:
        return chunked.chunk(0)
    if not chunked.num_chunks:
        return pa.array([], chunked.type) if not _by_parts(chunked.type) else _empty(chunked.type)
    if t.is_dictionary(chunked.type):
        chunked = chunked.unify_dictionaries()
    return pa.concat_arrays(chunked.chunks)


def _by_parts(kind: Any) -> bool:
    return (
        isinstance(kind, pa.BaseExtensionType)
        or t.is_dictionary(kind)
        or t.is_run_end_encoded(kind)
    )


def _empty(kind: Any) -> Any:
    return pa.schema([pa.field("", kind)]).empty_table().column(0).combine_chunks()


def content(a: Any) -> State:
    """State the content of *a*, without its type."""
    kind = a.type
    if isinstance(kind, pa.BaseExtensionType):
        return content(a.storage)
    if t.is_null(kind):
        return (len(a),)
    if t.is_dictionary(kind):
        return content(a.indices), content(a.dictionary)
    for same, form in _FORMS:
        if same(kind):
            return content(a.cast(form))
    if t.is_run_end_encoded(kind):
        return content(pc.run_end_decode(a))
    if t.is_boolean(kind):
        values = pc.fill_null(a, False) if a.null_count else a
        return len(a), _validity(a), _bitmap(values)
    if _is_variable(kind):
        return _variable(a)
    if (
        t.is_primitive(kind)
        or t.is_decimal(kind)
        or t.is_fixed_size_binary(kind)
        or t.is_interval(kind)
    ):
        return len(a), _validity(a), _fixed(a)
    return _nested(a)


# Types whose buffers depend on how the array was made: stated in an equivalent form.
_FORMS: Final[tuple[tuple[Callable[[Any], bool], Any], ...]] = (
    (t.is_string_view, pa.large_string()),
    (t.is_binary_view, pa.large_binary()),
)


def _is_view(kind: Any) -> bool:
    return bool(t.is_list_view(kind) or t.is_large_list_view(kind))


def _is_variable(kind: Any) -> bool:
    return bool(
        t.is_string(kind) or t.is_large_string(kind) or t.is_binary(kind) or t.is_large_binary(kind)
    )


def _is_large(kind: Any) -> bool:
    large = (t.is_large_string, t.is_large_binary, t.is_large_list, t.is_large_list_view)
    return any(same(kind) for same in large)


def _offset_type(kind: Any) -> "np.dtype[Any]":
    return np.dtype(np.int64 if _is_large(kind) else np.int32)


def _bitmap(booleans: Any) -> Raw:
    bits: Array = np.packbits(booleans.to_numpy(zero_copy_only=False), bitorder="little")
    return Raw(memoryview(bits), stable=True)


def _validity(a: Any) -> Raw | None:
    return _bitmap(a.is_valid()) if a.null_count else None


def _memory(buffer: Any, start: int, size: int) -> Array:
    if buffer is None or not size:
        return np.empty(0, np.uint8)
    return np.frombuffer(buffer, np.uint8, size, start)


def _fixed(a: Any) -> Raw:
    width = a.type.bit_width // 8
    data = _memory(a.buffers()[1], a.offset * width, len(a) * width)
    if a.null_count and width:
        data = data.copy()
        data.reshape(len(a), width)[~_valid(a)] = 0
    return Raw(memoryview(data), stable=True)


def _valid(a: Any) -> Array:
    return a.is_valid().to_numpy(zero_copy_only=False)


def _offsets(a: Any) -> Array:
    kind = _offset_type(a.type)
    if not len(a):
        return np.zeros(1, kind)
    memory = _memory(a.buffers()[1], a.offset * kind.itemsize, (len(a) + 1) * kind.itemsize)
    return memory.view(kind)


def _variable(a: Any) -> State:
    offsets, source = _offsets(a), a
    if a.null_count:
        sizes = np.diff(offsets)
        gaps = ~_valid(a)
        if sizes[gaps].any():  # null slots with something in them
            sizes[gaps] = 0
            source = a.drop_null()
            offsets = _starts(sizes, offsets.dtype)
    inside = _offsets(source)
    first, last = int(inside[0]), int(inside[-1])
    data = _memory(source.buffers()[2], first, last - first)
    if offsets[0]:
        offsets = offsets - offsets[0]
    return (
        len(a),
        _validity(a),
        Raw(memoryview(offsets).cast("B"), stable=True),
        Raw(memoryview(data), stable=True),
    )


def _starts(sizes: Array, kind: "np.dtype[Any]") -> Array:
    offsets = np.zeros(len(sizes) + 1, kind)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def _nested(a: Any) -> State:
    kind = a.type
    if t.is_struct(kind):
        return len(a), _validity(a), tuple(content(child) for child in a.flatten())
    if t.is_list(kind) or t.is_large_list(kind) or _is_view(kind):
        return _list(a)
    if t.is_fixed_size_list(kind):
        return len(a), _validity(a), content(a.flatten())
    if t.is_map(kind):
        return _list(a.cast(_map_as_list(kind)))
    stream = pa.BufferOutputStream()
    batch = pa.record_batch([pa.concat_arrays([a])], names=[""])
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    return (Raw(memoryview(stream.getvalue()), stable=True),)


def _list(a: Any) -> State:
    lengths = pc.fill_null(pc.list_value_length(a), 0).to_numpy(zero_copy_only=False)
    offsets = _starts(lengths, _offset_type(a.type))
    raw = Raw(memoryview(offsets).cast("B"), stable=True)
    return len(a), _validity(a), raw, content(a.flatten())


def _map_as_list(kind: Any) -> Any:
    entry = pa.struct([kind.key_field, kind.item_field])
    return pa.list_(pa.field("entries", entry, nullable=False))


# --- back -------------------------------------------------------------------------------------


def array_from(kind: Any, state: State) -> Any:
    """An Array of type *kind* with the content *state*, over the memory in it."""
    made = _array_from(kind, state)
    if careful():  # before anything is done with it
        made.validate(full=True)
    return made


def _array_from(kind: Any, state: State) -> Any:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, array_from(kind.storage_type, state))
    if t.is_null(kind):
        return pa.nulls(state[0])
    if t.is_dictionary(kind):
        indices, values = (
            array_from(kind.index_type, state[0]),
            array_from(kind.value_type, state[1]),
        )
        return pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered, safe=careful())
    for same, form in _FORMS:
        if same(kind):
            return array_from(form, state).cast(kind)
    if t.is_run_end_encoded(kind):
        return pc.run_end_encode(array_from(kind.value_type, state), kind.run_end_type)
    if len(state) == 1:  # written as a stream
        if careful():  # which says by itself how much memory it wants
            raise refuse_code(f"an Arrow array of type {kind}")
        with pa.ipc.open_stream(pa.py_buffer(state[0])) as reader:
            return reader.read_next_batch().column(0)
    if t.is_nested(kind):
        return _nested_from(kind, state)
    n, validity, *data = state
    return pa.Array.from_buffers(kind, n, [_buffer(validity), *map(_buffer, data)])


def _buffer(memory: memoryview | None) -> Any:
    return None if memory is None else pa.py_buffer(memory)


def _nested_from(kind: Any, state: State) -> Any:
    n, validity, *rest = state
    bits = _buffer(validity)
    if t.is_struct(kind):
        children = [array_from(kind.field(i).type, s) for i, s in enumerate(rest[0])]
        return pa.Array.from_buffers(kind, n, [bits], children=children)
    if t.is_fixed_size_list(kind):
        return _fixed_list_from(kind, n, bits, array_from(kind.value_type, rest[0]))
    if t.is_map(kind):
        entries = array_from(_map_as_list(kind).value_type, rest[1])
    else:
        entries = array_from(kind.value_type, rest[1])
    if _is_view(kind):
        return _list_view_from(kind, n, bits, np.frombuffer(rest[0], _offset_type(kind)), entries)
    return pa.Array.from_buffers(kind, n, [bits, _buffer(rest[0])], children=[entries])


def _list_view_from(kind: Any, n: int, bits: Any, offsets: Any, entries: Any) -> Any:
    starts, sizes = pa.py_buffer(offsets[:-1].copy()), pa.py_buffer(np.diff(offsets))
    return pa.Array.from_buffers(kind, n, [bits, starts, sizes], children=[entries])


def _fixed_list_from(kind: Any, n: int, bits: Any, present: Any) -> Any:
    if bits is None:
        return pa.Array.from_buffers(kind, n, [None], children=[present])
    if n > 8 * bits.size or (careful() and n * kind.list_size > max(_SPARSE, 16 * len(present))):
        raise CodecError("a stored Arrow array counts more than it holds: evaluate again")
    valid = np.unpackbits(np.frombuffer(bits, np.uint8), count=n, bitorder="little").astype(bool)
    # Null lists have no elements in the state, and need some in the array.
    rows = np.repeat(valid, kind.list_size)
    places = np.cumsum(rows) - 1
    elements = present.take(pa.array(places, mask=~rows))
    return pa.Array.from_buffers(kind, n, [bits], children=[elements])
