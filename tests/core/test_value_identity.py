"""What a value is called: equal twins have one identity, any single change another one."""

import datetime as dt
import decimal
import fractions
import math
import pathlib
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from cellgraph.identity.values import FOLD_BYTES, Referenced, reference, snapshot


class Held(Referenced):
    """As the engine's results: known by `ref` alone."""

    __slots__ = ()

    def __init__(self, ref: bytes) -> None:
        self.ref = ref


# Each row: values that all differ from one another.
DIFFERENT: list[list[Any]] = [
    [1, True, 1.0, 1 + 0j, "1", b"1", bytearray(b"1"), decimal.Decimal(1), fractions.Fraction(1)],
    [0, False, 0.0, -0.0, None, "", b"", [], (), {}, set(), frozenset()],
    [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**70, -(2**70), 2**9000, 2**9000 + 1],
    [float("inf"), float("-inf"), float("nan"), 5e-324, 0.1, 0.1 + 2**-56],
    [complex(0.0, 0.0), complex(0.0, -0.0), complex(math.nan, 0.0)],
    ["a", "b", "ab", "a\0b", "\ud800", "\udfff", "é", "e\u0301", "x" * 5000, "x" * 4999 + "y"],
    [[1, 2], (1, 2), [2, 1], [1, 2, 3], [[1, 2]], [1, [2]], {1, 2}, frozenset({1, 2}), {1: 2}],
    [["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c", ""]],
    [["a\0b"] * 9, ["a", "b"] * 9, ["a\0b", "a\0b"] + ["a", "b"] * 7],
    [list(range(9)), tuple(range(9)), [*range(8), 8.0], [*range(8), None], [*range(8), True]],
    [[1.0] * 9, [1] * 9, [True] * 9, ["1"] * 9, [b"1"] * 9, [None] * 9, [1 + 0j] * 9],
    [[None, 1] * 9, [1, None] * 9, [None, 1.0] * 9, [math.nan, "a"] * 9, [None, "a"] * 9],
    [[b"a", b"bc"] * 9, [b"ab", b"c"] * 9],
    [[2**63] * 9, [2**63 - 1] * 9],
    [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1}, {"a": 1}, OrderedDict(a=1, b=2)],
    [{i: i for i in range(9)}, {i: i for i in reversed(range(9))}, {i: -i for i in range(9)}],
    [{"x": (1, None)}, {"x": (None, 1)}, {"x": [1, None]}],
    [defaultdict(int, a=1), defaultdict(list, a=1), defaultdict(None, a=1), Counter(a=1)],
    [deque([1, 2]), deque([1, 2], maxlen=2), deque([1, 2], maxlen=3), deque([2, 1])],
    [range(3), range(0, 3, 2), range(0, 4, 2), slice(3), slice(0, 3), slice(0, 3, 1), ...],
    [decimal.Decimal("1.0"), decimal.Decimal("1.00"), decimal.Decimal("NaN")],
    [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, fold=1)],  # noqa: DTZ001  # naive
    [
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
        dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")),
    ],
    [dt.time(1), dt.time(1, fold=1), dt.timedelta(1), dt.timedelta(seconds=1)],
    [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.Path("a"), "a"],
    [uuid.UUID(int=1), uuid.UUID(int=2), 1],
    [SimpleNamespace(a=1), SimpleNamespace(a=2), SimpleNamespace(b=1), {"a": 1}],
    [MappingProxyType({"a": 1}), MappingProxyType({"a": 2}), {"a": 1}],
    [int, float, len, ValueError, ValueError("a"), ValueError("b"), KeyError("a")],
    [OSError(1, "a"), OSError(2, "a"), OSError(1, "a", "file")],
    [[[1]] * 3, [[1]] * 2, [[1], [1], [2]]],
    [b"x" * 2000, b"x" * 1999 + b"y", ["x" * 2000], ["x" * 1999 + "y"], bytearray(b"x" * 2000)],
]  # fmt: skip


@pytest.mark.parametrize("row", DIFFERENT, ids=lambda row: type(row[0]).__name__)
def test_different_values_have_different_identities(row: list[Any]) -> None:
    found: dict[bytes, Any] = {}
    for value in row:
        other = found.setdefault(reference(value), value)
        assert other is value, f"{value!r:.80} and {other!r:.80} have one identity"


def _shared() -> Any:
    inner = ["x", {"k": [1, 2]}]
    return [inner, inner, (inner,)]


def _unshared() -> Any:
    return [["x", {"k": [1, 2]}], ["x", {"k": [1, 2]}], (["x", {"k": [1, 2]}],)]


def _interned() -> Any:
    parts = ["spam", "eggs"]
    return ["".join(parts), "".join(parts)]


TWINS: list[tuple[Any, Any]] = [
    (_shared(), _unshared()),
    (_interned(), ["spameggs"] * 2),
    ({"a", "b", "c"}, {"c", "b", "a"}),
    ({(1, 2), (3, 4)}, {(3, 4), (1, 2)}),
    ({f"k{i}" for i in range(100)}, {f"k{i}" for i in reversed(range(100))}),
    ({i / 7 for i in range(50)}, {i / 7 for i in reversed(range(50))}),
    ({1, "a", None, (2,)}, {(2,), None, "a", 1}),
    (float("nan"), float("inf") - float("inf")),
    ([float("nan")] * 9, [float("inf") - float("inf")] * 9),
    (complex(float("nan"), 1), complex(float("inf") - float("inf"), 1)),
    (MappingProxyType({"a": 1}), MappingProxyType({"a": 1})),
    ([frozenset({"x", "y"}), {"z": {"q", "r"}}], [frozenset({"y", "x"}), {"z": {"r", "q"}}]),
]


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: type(pair[0]).__name__)
def test_equal_twins_have_one_identity(pair: tuple[Any, Any]) -> None:
    assert reference(pair[0]) == reference(pair[1])
    assert snapshot(pair[0])[0] == snapshot(pair[1])[0] == reference(pair[0])


@pytest.mark.parametrize("size", [1, 100, 1000, 5000, 100_000])
def test_an_identity_is_short(size: int) -> None:
    for value in ("x" * size, ["x"] * size, list(range(size)), [[i] for i in range(size)]):
        assert len(reference(value)) <= FOLD_BYTES


PARTS: list[Any] = [
    [1, 2],
    ("a", ["b"]),
    {"k": [1.5]},
    "x" * 3000,
    list(range(1000)),
    [[i, str(i)] for i in range(200)],
    {f"k{i}": (i,) for i in range(100)},
    {(1, 2), (3, 4)},
]


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_a_reference_stands_for_its_value(count: int) -> None:
    values = [PARTS[i % len(PARTS)] for i in range(count)]
    # Scalars always travel as themselves; everything else may be known by reference alone.
    held = [v if isinstance(v, str) else Held(reference(v)) for v in values]
    mixed = [held[i] if i % 2 else values[i] for i in range(count)]
    stand_ins: list[list[Any]] = [held, mixed]
    for stand_in in stand_ins:
        assert reference(stand_in) == reference(values)
        assert reference(tuple(stand_in)) == reference(tuple(values))
        assert reference({"a": stand_in, "b": 1}) == reference({"a": values, "b": 1})
        nested: list[Any] = [[stand_in], 1]
        assert reference(nested) == reference([[values], 1])
        ordered: list[Any] = [OrderedDict(a=part) for part in (stand_in, values)]
        assert reference(ordered[0]) == reference(ordered[1])


def test_sets_take_references() -> None:
    values: list[Any] = [(1, 2), (3,), ("x" * 2000,)]
    assert reference({Held(reference(v)) for v in values}) == reference(set(values))
    assert reference(frozenset(Held(reference(v)) for v in values)) == reference(frozenset(values))


def test_the_encoding_is_fixed() -> None:
    """A change of these bytes makes every stored result unfindable: raise `ENCODING` with it."""
    assert reference(1) == b"i\x01\0\0\0\0\0\0\0"
    assert reference("ab") == b"s\x02ab"
    assert reference([1, None]) == b"[g\x02i\x01\0\0\0\0\0\0\0N"
    assert reference({"a": True}) == b"{g\x01s\x01ag\x01T"
    assert reference(list(range(8)))[:4] == b"[q\x08\x40"
    assert reference(["ab"] * 8)[:4] == b"[u\x08\x17"
    folded = reference([list(range(1000))] * 2)
    assert folded == b"[g\x02" + 2 * reference(list(range(1000)))
