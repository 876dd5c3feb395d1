"""Arrow values: logical content and type count; chunks, slices and null slots do not."""

import datetime as dt
import decimal
import importlib
from typing import Any

import numpy as np
import pytest

from cellgraph.errors import IdentityError
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract, writable

# Untyped on purpose: the stubs are narrower than what the libraries accept.
pa: Any = importlib.import_module("pyarrow")
pc: Any = importlib.import_module("pyarrow.compute")
LONG = "a string too long to lie inline in a view"
ARRAYS: list[Any] = [
    pa.array(values, kind)
    for kind, values in [
        (pa.int64(), [1, None, 3]), (pa.int8(), [1, 2, 3]), (pa.float16(), [np.float16(1), None]),
        (pa.bool_(), [True, None, False] * 5), (pa.string(), ["a", None, "ccc", ""]),
        (pa.large_string(), ["a", None, "x"]), (pa.string_view(), ["a", None, LONG]),
        (pa.binary(), [b"a", None, b""]), (pa.large_binary(), [b"", b"x"]),
        (pa.binary_view(), [b"q", None]), (pa.binary(3), [b"abc", None]),
        (pa.date32(), [dt.date(2020, 1, 1), None]), (pa.date64(), [dt.date(2020, 1, 1)]),
        (pa.timestamp("us", "UTC"), [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None]),
        (pa.timestamp("ns"), [None, 1]),
        (pa.time32("s"), [dt.time(1)]), (pa.time64("us"), [dt.time(1), None]),
        (pa.duration("ms"), [dt.timedelta(1)]),
        (pa.decimal128(10, 2), [decimal.Decimal("1.5"), None]),
        (pa.decimal256(40, 2), [decimal.Decimal("1.5")]),
        (pa.month_day_nano_interval(), [(1, 2, 3)]),
        (pa.null(), [None, None]), (pa.list_(pa.int64()), [[1, 2], None, []]),
        (pa.large_list(pa.string()), [["a", None], None]),
        (pa.list_view(pa.int64()), [[1], None, [2, 3]]),
        (pa.list_(pa.int8(), 2), [[1, 2], None, [3, 4]]),
        (pa.list_(pa.list_(pa.string())), [[["a"], []], None]),
        (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None, {"b": ""}]),
        (pa.map_(pa.string(), pa.int64()), [[("a", 1)], None, []]),
    ]
]  # fmt: skip
ENCODED: list[Any] = [
    pa.array(["a", "b", "a", None]).dictionary_encode(),
    pa.array(["a", "b", "a", None]).dictionary_encode().slice(1),
    pc.run_end_encode(pa.array([1, 1, 2])),
    pa.UnionArray.from_sparse(
        pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
    ),
]


def _id(array: Any) -> str:
    return str(array.type)


@pytest.mark.parametrize("array", [*ARRAYS, *ENCODED], ids=_id)
def test_arrays_come_back(array: Any) -> None:
    values = [array, array[:0], pa.chunked_array([array]), array.type, pa.field("x", array.type)]
    if not isinstance(array, (pa.RunEndEncodedArray, pa.UnionArray)):
        values.append(array[0])
    for value in values:
        ref, payload = snapshot(value)
        for stored in (payload, writable(payload)):
            found: Any = restore(stored)
            assert type(found) is type(value)
            assert found.equals(value)
            assert getattr(found, "type", None) == getattr(value, "type", None)
            assert reference(found) == ref == reference(value)
            if hasattr(found, "validate") and hasattr(found, "type"):
                found.validate(full=True)


@pytest.mark.parametrize("array", ARRAYS, ids=_id)
def test_slices_and_chunks_do_not_count(array: Any) -> None:
    items = array.to_pylist()
    sliced = pa.concat_arrays([array[:1], array, array[:1]]).slice(1, len(array))
    assert reference(sliced) == reference(array) == snapshot(sliced)[0]
    twice = pa.concat_arrays([array, array])
    chunked = pa.chunked_array([array, array[:0], array])
    assert reference(chunked) == reference(pa.chunked_array([twice]))
    found: Any = restore(snapshot(chunked)[1])
    assert found.equals(chunked)
    assert found.to_pylist() == items * 2


def test_null_slots_do_not_count() -> None:
    bits, numbers = pa.py_buffer(b"\x01"), np.array([1, 99]).tobytes()
    noisy = pa.Array.from_buffers(pa.int64(), 2, [bits, pa.py_buffer(numbers)])
    assert reference(noisy) == reference(pa.array([1, None]))
    offsets = pa.py_buffer(np.array([0, 1, 3], "i4").tobytes())
    text = pa.Array.from_buffers(pa.string(), 2, [bits, offsets, pa.py_buffer(b"axx")])
    assert reference(text) == reference(pa.array(["a", None]))
    no_nulls = pa.Array.from_buffers(pa.int64(), 1, [pa.py_buffer(b"\xff"), pa.py_buffer(numbers)])
    assert reference(no_nulls) == reference(pa.array([1]))


def test_scalars_that_cannot_stand_alone_are_refused() -> None:
    with pytest.raises(IdentityError, match=r"value\[0\] is an Arrow scalar.*as_py"):
        reference([ENCODED[2][0]])


def test_dictionaries_of_chunks_are_joined() -> None:
    value = pa.chunked_array([ENCODED[0], pa.array(["c"]).dictionary_encode()])
    found: Any = restore(snapshot(value)[1])
    assert found.to_pylist() == value.to_pylist()
    assert reference(found) == reference(value)


class TestTables(CodecContract):
    def examples(self) -> list[Any]:
        table: Any = pa.table({"a": [1, 2, None], "b": ["x", None, "z"]})
        other_type: Any = pa.array([1, 2, None], pa.int32())
        required = pa.schema([pa.field("a", pa.int64(), nullable=False)])
        return [
            table, table.rename_columns(["a", "c"]), table.select(["b", "a"]), table.slice(0, 2),
            table.set_column(0, "a", other_type), table.replace_schema_metadata({"k": "v"}),
            table.select([]), table.slice(0, 0), table.to_batches()[0], table.schema,
            table.schema.with_metadata({"a": "b"}), required, table.schema.field(0),
            pa.table({"a": range(10_000), "b": [str(i) for i in range(10_000)]}), pa.table({}),
            pa.py_buffer(b"abc"), pa.int64(), pa.scalar(1), pa.scalar(None, pa.int64()),
            pa.scalar("1"),
        ]  # fmt: skip

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, (pa.Table, pa.RecordBatch)):
            same_rows: bool = left.num_rows == right.num_rows
            return same_rows and bool(left.equals(right, check_metadata=True))
        return bool(left.equals(right))


def test_chunks_of_tables_do_not_count() -> None:
    table: Any = pa.table({"a": [1, 2, None], "b": ["x", None, "z"]})
    assert reference(pa.concat_tables([table.slice(0, 1), table.slice(1)])) == reference(table)


def test_large_columns_lie_in_the_memory_handed_over() -> None:
    table: Any = pa.table({"a": np.arange(10_000)})
    handed = writable(snapshot(table)[1])
    found: Any = restore(handed)
    address = np.frombuffer(handed.buffers[0].data, "u1").__array_interface__["data"][0]
    assert found.column(0).chunk(0).buffers()[1].address == address


def test_extension_types() -> None:
    tensor = pa.fixed_shape_tensor(pa.int32(), [2, 2])
    storage = pa.array([[1, 2, 3, 4]], pa.list_(pa.int32(), 4))
    value = pa.ExtensionArray.from_storage(tensor, storage)
    found: Any = restore(snapshot(value)[1])
    assert found.equals(value)
    assert found.type == tensor
    assert reference(value) != reference(storage)
