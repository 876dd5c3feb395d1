"""NumPy values: logical content counts, layout does not; what is read back is writable."""

import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest

from cellgraph.codecs.payload import Payload
from cellgraph.identity.copying import private_copy
from cellgraph.identity.plain import class_of
from cellgraph.identity.values import Referenced, reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract, writable

# Untyped on purpose: the stubs are narrower than what the libraries accept.
np: Any = importlib.import_module("numpy")
RECORD = np.dtype([("a", "i1"), ("b", "f8")])
ALIGNED = np.dtype([("a", "i1"), ("b", "f8")], align=True)


def _objects(*items: Any) -> Any:
    made = np.empty(len(items), object)
    for i, item in enumerate(items):
        made[i] = item
    return made


class TestArrays(CodecContract):
    def examples(self) -> list[Any]:
        def grid() -> Any:
            return np.arange(12.0).reshape(3, 4)

        return [
            grid(), grid().T, grid().reshape(4, 3), grid().astype("f4"), grid().astype(">f8"),
            grid().ravel(),
            np.array(3), np.array([3]), np.array(3.0), np.empty(0), np.empty((0, 3)),
            np.empty((3, 0)),
            np.empty(0, "i8"), np.arange(3), np.arange(3, dtype=">i4"), np.arange(3, dtype="u8"),
            np.array([True, False]), np.array(["a", "bb"]), np.array(["a", "bb"], "U5"),
            np.array([b"a"]), np.array([1 + 2j]), np.array([1], "f2"), np.array([1, 2], "g"),
            np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-01"], "M8[ns]"),
            np.array([1], "m8[s]"), np.zeros(2, RECORD), np.zeros(2, ALIGNED), np.ones(2, RECORD),
            np.zeros(2, [("a", "i4", (2,))]), np.zeros(2, [(("title", "a"), "i4")]),
            np.zeros(2, [("a", "O"), ("b", "i4")]), np.zeros(3, "V3"), np.zeros(2, "U0"),
            np.array([0.0, -0.0]), np.array([0.0, 0.0]), np.arange(100_000),
            np.array([np.nan, 1.0]),
            _objects(1, None, "x"), _objects("a", "b"), _objects([1, [2]], {"k": np.arange(2)}),
            _objects(*map(str, range(100))), _objects("a", "b").reshape(2, 1), np.array(None),
            np.array(["a", "longer than inline"], np.dtypes.StringDType()),
            np.array(["a", None], np.dtypes.StringDType(na_object=None)),
        ]  # fmt: skip

    def equal(self, left: Any, right: Any) -> bool:
        same = left.dtype == right.dtype and left.shape == right.shape and left.flags.writeable
        if left.dtype == object:
            return bool(same and repr(left) == repr(right))
        equal_nan = left.dtype.kind in "fcmM"
        return bool(same and np.array_equal(left, right, equal_nan=equal_nan))

    def change(self, value: Any) -> bool:
        if not value.size or value.dtype.kind not in "biuf":
            return False
        value.flat[-1] += 1
        return True


class TestScalars(CodecContract):
    def examples(self) -> list[Any]:
        return [
            np.int64(1), np.int32(1), np.uint8(1), np.float64(1), np.float32(1), np.float16(1),
            np.bool_(True), np.str_("1"), np.bytes_(b"1"), np.complex64(1), np.longdouble(1),
            np.datetime64("2020"), np.datetime64("2020-01-01"), np.datetime64("NaT"),
            np.timedelta64(1, "s"), np.float64("nan"), np.void(b"ab"), np.zeros(1, RECORD)[0],
            np.dtype("i8"), np.dtype(">i8"), RECORD, ALIGNED, np.int64, np.add,
            [np.float64(i) for i in range(20)], [np.float32(i) for i in range(20)],
            [np.int64(i) for i in range(20)], [float(i) for i in range(20)], list(range(20)),
            [np.float64(0), None] * 10, 1, 1.0, True,
        ]  # fmt: skip

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, np.generic) and not isinstance(left, np.void):
            np.testing.assert_equal(left, right)
            return bool(left.dtype == right.dtype)
        if class_of(left) is list:
            return left == right and [*map(class_of, left)] == [*map(class_of, right)]
        return bool(left == right)


def test_layout_does_not_count(tmp_path: Path) -> None:
    grid = np.arange(24.0).reshape(4, 6)
    mapped = np.memmap(tmp_path / "m", "f8", "w+", shape=(4, 6))
    mapped[:] = grid
    wide = np.zeros((8, 12))
    wide[::2, ::2] = grid
    locked = grid.copy()
    locked.flags.writeable = False
    for twin in (np.asfortranarray(grid), grid[::-1][::-1], mapped, wide[::2, ::2], locked):
        assert reference(twin) == reference(grid) == snapshot(twin)[0]
        found: Any = restore(snapshot(twin)[1])
        assert type(found) is np.ndarray
        assert found.flags.writeable
        assert type(private_copy(twin)) is np.ndarray


def test_padding_is_no_content() -> None:
    left, right = np.zeros(3, ALIGNED), np.zeros(3, ALIGNED)
    left.view(np.uint8).reshape(3, -1)[:, 1:8] = 255
    assert reference(left) == reference(right)
    longs = np.array([1.5, 2.5], np.longdouble)
    noisy = longs.copy()
    if np.finfo(np.longdouble).nmant == 63:
        noisy.view(np.uint8).reshape(2, -1)[:, 10:] = 255
    assert reference(noisy) == reference(longs)


def test_one_nan_for_scalars() -> None:
    negative = -np.float64("nan")
    assert reference(negative) == reference(np.float64("nan"))
    assert reference([negative] * 9) == reference([np.float64("nan")] * 9)


class Held(Referenced):
    """As the engine's results: known by `ref` alone."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.ref = reference(value)


@pytest.mark.parametrize("kind", ["float64", "float32", "int64", "bool_", "datetime64", "str_"])
def test_a_reference_stands_for_a_scalar_in_lists_of_any_length(kind: str) -> None:
    make = getattr(np, kind)
    value = make("2020") if kind == "datetime64" else make(1)
    for count in (1, 8, 30):
        plain, held = [value] * count, [Held(value)] * count
        assert reference(held) == reference(plain)
        assert reference([None, *held]) == reference([None, *plain])
        assert reference(dict(enumerate(held))) == reference(dict(enumerate(plain)))


@pytest.mark.parametrize("depth", [0, 10, 14, 15, 16, 17, 40])
def test_arrays_at_any_depth(depth: int) -> None:
    part = np.arange(1000.0)
    value: Any = {"a": part, "b": [part, np.float64(1), _objects([1], None)]}
    named: Any = Held(value)
    for _ in range(depth):
        value, named = [value], [named]
    ref, payload = snapshot(value)
    assert reference(value) == ref == reference(named) if depth else named.ref == ref
    found: Any = restore(writable(payload))
    assert reference(found) == ref
    for _ in range(depth):
        found = found[0]
    assert found["a"] is found["b"][0]
    assert found["a"].flags.writeable


def test_large_arrays_lie_in_the_memory_handed_over() -> None:
    value = np.arange(100_000.0)
    _, payload = snapshot(value)
    handed = writable(payload)
    found: Any = restore(handed)
    assert np.shares_memory(found, np.frombuffer(handed.buffers[0].data, "u1"))
    found[0] = 7
    inline: Any = restore(Payload(payload.head, payload.buffers))
    assert inline[0] == 0
    inline[0] = 7  # copied from read-only memory, and writable all the same


def test_one_array_referred_to_twice_stays_one() -> None:
    part = np.arange(5000)
    found: Any = restore(writable(snapshot({"a": part, "b": [part]})[1]))
    assert found["a"] is found["b"][0]
    apart: Any = restore(writable(snapshot([part, part.copy()])[1]))
    assert not np.shares_memory(apart[0], apart[1])


@pytest.mark.parametrize("fill", [None, 9.0])
def test_masked_arrays(fill: float | None) -> None:
    values = [
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0], fill_value=fill),
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 1], fill_value=fill),
        np.ma.array([1.0, 2.0, 3.0], fill_value=fill),
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 1], fill_value=fill, hard_mask=True),
    ]
    assert len({reference(v) for v in values}) == 4
    for value in values:
        found: Any = restore(snapshot(value)[1])
        assert type(found) is np.ma.MaskedArray
        assert (np.asarray(found.mask) == np.asarray(value.mask)).all()
        assert (found.mask is np.ma.nomask) is (value.mask is np.ma.nomask)
        assert (found.data == value.data).all()
        assert found.fill_value == value.fill_value
        assert found.hardmask is value.hardmask
        assert reference(found) == reference(value)


class Tagged(np.ndarray):  # type: ignore[misc]  # a base of type Any
    """A user's subclass with an attribute."""

    tag: str


def test_subclasses() -> None:
    records = np.rec.array([(1, 2.0)], dtype=RECORD)
    with warnings.catch_warnings(action="ignore"):  # NumPy advises against it
        matrix = np.asmatrix([[1, 2]])
    tagged = np.arange(3).view(Tagged)
    tagged.tag = "a"
    for value in (records, matrix, tagged):
        found: Any = restore(snapshot(value)[1])
        assert type(found) is type(value)
        assert found.dtype == value.dtype
        assert reference(found) == reference(value) != reference(np.asarray(value).view(np.ndarray))
    read: Any = restore(snapshot(records)[1])
    assert read.a[0] == 1
    twins: list[Any] = [restore(snapshot(tagged)[1]), private_copy(tagged)]
    for twin in twins:
        assert twin.tag == "a"
    before = reference(tagged)
    tagged.tag = "b"
    assert reference(tagged) != before
