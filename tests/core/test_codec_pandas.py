"""pandas values: columns, index, names and attrs count; blocks do not. Cold equals warm."""

import importlib
from typing import Any

import pytest

from cellgraph.identity.copying import private_copy
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract, writable

# Untyped on purpose: the stubs are narrower than what the libraries accept.
np: Any = importlib.import_module("numpy")
p: Any = importlib.import_module("pandas")
pa: Any = importlib.import_module("pyarrow")
N = 10


def wide_frame() -> Any:
    """One column of every kind."""
    return p.DataFrame(
        {
            "int": np.arange(N), "int again": np.arange(N) * 2, "float": np.linspace(0, 1, N),
            "bool": np.arange(N) % 2 == 0, "text": [f"x{i}" for i in range(N)],
            "gaps": p.Series(["a", None] * 5),
            "object": p.Series([f"x{i}" for i in range(N)], dtype=object),
            "object gaps": p.Series(["a", np.nan] * 5, dtype=object),
            "object None": p.Series(["a", None] * 5, dtype=object),
            "mixed": [1, "a", None, 2.0, [1], {"k": 1}, (1,), b"x", True, np.float64(2)],
            "time": p.date_range("2020", periods=N),
            "zone": p.date_range("2020", periods=N, tz="Europe/Berlin"),
            "delta": p.to_timedelta(np.arange(N), unit="s"), "complex": np.arange(N) * 1j,
            "uint8": np.arange(N, dtype="u1"),
            "cat": p.Categorical(list("abcab") * 2, list("cba"), ordered=True),
            "Int64": p.array([1, None] * 5, dtype="Int64"),
            "Float32": p.array([1.5, None] * 5, dtype="Float32"),
            "boolean": p.array([True, None] * 5, dtype="boolean"),
            "string python": p.array(["a", None] * 5, dtype="string[python]"),
            "string pyarrow": p.array(["a", None] * 5, dtype="string[pyarrow]"),
            "str python": p.array(["a", None] * 5, dtype=p.StringDtype("python", na_value=np.nan)),
            "arrow": p.array([1, None] * 5, dtype=p.ArrowDtype(pa.int32())),
            "arrow list": p.array([[1], None] * 5, dtype=p.ArrowDtype(pa.list_(pa.int32()))),
            "period": p.period_range("2020", periods=N, freq="M"),
            "interval": p.interval_range(0, N),
            "sparse": p.arrays.SparseArray([0, 0, 1, 0, 2] * 2),
        }
    )  # fmt: skip


def assert_same(found: Any, value: Any) -> None:
    """Equal in values, dtypes, index, names, frequency, attrs and flags."""
    assert type(found) is type(value)
    if isinstance(value, p.DataFrame):
        p.testing.assert_frame_equal(
            found, value, check_freq=True, check_flags=True, check_exact=True
        )
        assert found.attrs == value.attrs
    elif isinstance(value, p.Series):
        p.testing.assert_series_equal(found, value, check_freq=True, check_exact=True)
        assert found.attrs == value.attrs
    elif isinstance(value, p.Index):
        p.testing.assert_index_equal(found, value, exact=True)
        assert getattr(found, "freq", None) == getattr(value, "freq", None)
    elif isinstance(value, p.api.extensions.ExtensionArray):
        p.testing.assert_extension_array_equal(found, value)
    else:
        assert found is value or found == value


def round_trip(value: Any) -> bytes:
    ref, payload = snapshot(value)
    assert reference(value) == ref
    for stored in (payload, writable(payload)):
        found: Any = restore(stored)
        assert_same(found, value)
        assert reference(found) == ref
    assert_same(private_copy(value), value)
    return ref


@pytest.mark.parametrize("name", list(wide_frame()))
def test_every_kind_of_column(name: str) -> None:
    frame = wide_frame()
    found = {
        round_trip(v)
        for v in (frame[[name]], frame[name], frame[name].array, frame.iloc[:0][[name]])
    }
    assert len(found) == 4
    changed = frame.iloc[::-1].reset_index(drop=True)
    assert reference(changed[[name]]) != reference(frame[[name]])


def test_a_frame_of_all_kinds() -> None:
    frame = wide_frame()
    ref = round_trip(frame)
    one_by_one = p.concat([frame[[name]] for name in frame], axis=1)
    assert round_trip(one_by_one) == ref, "blocks count"
    grown = p.DataFrame(index=frame.index)
    for name in frame:
        grown[name] = frame[name]
    assert reference(grown) == ref


def test_single_changes_of_a_frame() -> None:
    frame = wide_frame()[["int", "float", "text"]]
    changed = [
        frame.rename(columns={"int": "x"}), frame[["float", "int", "text"]],
        frame.astype({"int": "i4"}),
        frame.set_index(np.arange(N) + 1), frame.rename_axis("rows"),
        frame.rename_axis("cols", axis=1),
        frame.assign(text=frame["text"].astype(object)),
        frame.assign(text=frame["text"].astype("category")),
        frame.set_flags(allows_duplicate_labels=False), frame.set_axis(p.RangeIndex(0, 2 * N, 2)),
        frame.set_axis(p.Index(list(range(N)))), frame.iloc[:-1],
        frame.set_axis(["a", "a", "a"], axis=1),
    ]  # fmt: skip
    noted = frame.copy()
    noted.attrs["unit"] = "m"
    refs = [round_trip(value) for value in [frame, noted, *changed]]
    assert len(set(refs)) == len(refs)


INDEXES: list[Any] = [
    p.RangeIndex(3), p.RangeIndex(3, name="q"), p.RangeIndex(0, 6, 2), p.Index([0, 1, 2]),
    p.Index(["a", "b"]),
    p.Index(["a", "b"], dtype=object), p.Index([1, "a"], dtype=object), p.Index([1.5]),
    p.Index([True, False]),
    p.Index([], dtype="int32"), p.Index([], dtype=object),
    p.Index([(1, 2), (3, 4)], tupleize_cols=False),
    p.Index(p.array([1, None], dtype="Int64")), p.date_range("2020", periods=4),
    p.date_range("2020", periods=4, freq="h"),
    p.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]),
    p.date_range("2020", periods=4, freq="h", tz="UTC"),
    p.date_range("2020", periods=4, tz="Europe/Berlin"),
    p.date_range("2020", periods=4, freq=p.offsets.CustomBusinessDay(holidays=["2020-01-02"])),
    p.date_range("2020", periods=4, freq=p.DateOffset(months=1)),
    p.timedelta_range(0, periods=3, freq="s"),
    p.period_range("2020", periods=3, freq="Q"), p.interval_range(0, 3, closed="left"),
    p.interval_range(0, 3),
    p.interval_range(p.Timestamp("2020"), periods=2),
    p.CategoricalIndex(["a", "b"], categories=["b", "a"]),
    p.CategoricalIndex(["a", "b"]),
    p.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
    p.MultiIndex.from_product([["a", "b"], [1, 2]]),
    p.MultiIndex.from_product([["a", "b"], [1.0, 2.0]]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: type(index).__name__)
def test_indexes(index: Any) -> None:
    round_trip(index)
    round_trip(p.Series(np.arange(len(index)), index=index, name=("a", 1)))
    round_trip(p.DataFrame({"x": np.arange(len(index))}, index=index))
    if index.is_unique:
        round_trip(p.DataFrame([np.arange(len(index))], columns=index))


def test_indexes_differ() -> None:
    assert len({reference(index) for index in INDEXES}) == len(INDEXES)


class TestScalars(CodecContract):
    def examples(self) -> list[Any]:
        berlin = p.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Berlin")
        return [
            p.Timestamp("2020"), p.Timestamp("2020").as_unit("ns"), p.Timestamp("2020", tz="UTC"),
            berlin,
            berlin - p.Timedelta("1h"), p.Timestamp("2020-01-01 00:00:00.123456789"),
            p.Timedelta(3, "s"),
            p.Timedelta(3, "s").as_unit("ns"), p.Period("2020", "M"), p.Period("2020", "D"),
            p.Interval(1, 2),
            p.Interval(1, 2, closed="both"), p.NaT, p.NA, p.offsets.MonthEnd(2),
            p.DateOffset(months=1),
            p.CategoricalDtype(["a"]), p.Int64Dtype(), p.StringDtype("python"), p.Timestamp,
            p.DataFrame,
        ]  # fmt: skip

    def equal(self, left: Any, right: Any) -> bool:
        same_unit = getattr(left, "unit", None) == getattr(right, "unit", None)
        return left is right or (bool(left == right) and same_unit)


@pytest.mark.parametrize(
    "value",
    [
        p.DataFrame(),
        p.DataFrame(index=[1, 2]),
        p.DataFrame(columns=["a"]),
        p.Series([], dtype=float),
    ],
)
def test_empty_values(value: Any) -> None:
    round_trip(value)


def test_nulls_hide_nothing() -> None:
    """What lies under a mask is no content."""
    left = p.array([1, 2, 3], dtype="Int64")
    right = p.array([1, 99, 3], dtype="Int64")
    left[1] = right[1] = p.NA
    assert reference(p.Series(left)) == reference(p.Series(right))


def test_what_happens_later_does_not_reach_the_payload() -> None:
    frame = p.DataFrame({"a": np.arange(5000.0), "b": np.arange(5000.0), "s": ["x"] * 5000})
    ref, payload = snapshot(frame)
    frame.iloc[0, 0] = 99
    frame["b"] = 1
    frame.loc[3, "s"] = "y"
    assert reference(frame) != ref
    found: Any = restore(payload)
    assert reference(found) == ref
    found.iloc[0, 0] = 7
    found.loc[:, "b"] = 0.0
    assert reference(restore(payload)) == ref
    column = p.Series(np.arange(5000.0))
    ref, payload = snapshot(column)
    column.iloc[0] = 5
    assert reference(restore(payload)) == ref != reference(column)


def test_columns_lie_in_the_memory_handed_over_and_can_be_written() -> None:
    frame = p.DataFrame(
        {"a": np.arange(5000.0), "t": p.date_range("2020", periods=5000), "b": np.arange(5000.0)}
    )
    handed = writable(snapshot(frame)[1])
    assert sorted(b.data.nbytes for b in handed.buffers) == [40_000, 80_000], "one buffer a dtype"
    found: Any = restore(handed)
    memory = [np.frombuffer(b.data, "u1") for b in handed.buffers]
    for name in ("a", "t", "b"):
        assert any(np.shares_memory(np.asarray(found[name]).view("u1"), m) for m in memory)
    found.iloc[0, 0] = 5
    assert any(np.shares_memory(np.asarray(found["a"]).view("u1"), m) for m in memory), "in place"
    assert found["a"].iloc[0] == 5
    assert found["b"].iloc[0] == 0


def test_private_copies_are_private() -> None:
    frame = wide_frame()
    frame.attrs["k"] = [1]
    ref = reference(frame)
    mine = private_copy(frame)
    mine.loc[0, "int"] = 77
    mine["mixed"].iloc[4].append(2)
    mine["mixed"].iloc[5]["k"] = 2
    mine.index.name = "n"
    mine.columns.name = "m"
    mine.attrs["k"].append(2)
    assert reference(frame) == ref != reference(mine)


class Noted(p.DataFrame):  # type: ignore[misc]  # a base of type Any
    """A user's subclass with metadata of its own."""

    _metadata = ["note"]  # noqa: RUF012  # as pandas wants it
    note: str

    @property
    def _constructor(self) -> Any:
        return Noted


def test_subclasses() -> None:
    value = Noted({"a": [1, 2]})
    value.note = "x"
    ref = reference(value)
    assert ref != reference(p.DataFrame({"a": [1, 2]}))
    found: Any = restore(snapshot(value)[1])
    assert type(found) is Noted
    assert found.note == "x"
    assert reference(found) == ref
    value.note = "y"
    assert reference(value) != ref
