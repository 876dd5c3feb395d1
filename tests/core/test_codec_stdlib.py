"""The standard library's values keep the contract of codecs, and come back of their own type."""

import collections
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import re
import types
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, NamedTuple

import pytest

from cellgraph.errors import CodecError
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract


class Colour(enum.Enum):
    RED = 1
    ALSO_RED = RED
    BLUE = "blue"


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: int
    right: list[int]


class TestStandardValues(CodecContract):
    def examples(self) -> list[Any]:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
        return [
            decimal.Decimal("1.50"), fractions.Fraction(1, 3), uuid.UUID(int=7),
            dt.date(2020, 2, 29), dt.time(1, 2, 3, 4, fold=1), dt.timedelta(-1, 2, 3),
            dt.datetime(2020, 1, 1),  # noqa: DTZ001  # a time without zone is a value, too
            dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=berlin),
            dt.UTC, dt.timezone(dt.timedelta(hours=2), "EET"), berlin,
            pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:/a"), pathlib.Path("x"),
            range(1, 9, 2), slice(1, None, 2), ..., NotImplemented,
            re.compile("a.*", re.IGNORECASE),
            OrderedDict(a=1, b=[2]), defaultdict(list, {1: [2]}), Counter("abca"),
            deque([1, [2]], maxlen=3), types.SimpleNamespace(a=1, b=[2]),
            types.MappingProxyType({"a": 1}), Colour.RED, Colour.BLUE, Mode.READ,
            Mode.READ | Mode.WRITE,
            Pair(1, [2]), int, ValueError, collections.OrderedDict, len, str.upper, list[int],
        ]  # fmt: skip


def test_enum_members_are_the_live_ones() -> None:
    found: Any = restore(snapshot([Colour.RED, Colour.ALSO_RED, Mode.READ | Mode.WRITE] * 2)[1])
    assert found[0] is found[1] is Colour.RED
    assert found[5] == Mode.READ | Mode.WRITE


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a", 1),
        KeyError("k"),
        OSError(2, "no such", "file"),
        UnicodeDecodeError("utf-8", b"ab", 0, 1, "why"),
        ImportError("m", name="n", path="p"),
        SystemExit(3),
        StopIteration(4),
        ExceptionGroup("g", [ValueError(1), TypeError(2)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_come_back(error: BaseException) -> None:
    error.add_note("seen")
    ref, payload = snapshot(error)
    found: Any = restore(payload)
    assert type(found) is type(error)
    assert repr(found) == repr(error)
    assert str(found) == str(error)
    assert found.__notes__ == ["seen"]
    for name in ("filename", "start", "end", "name", "code", "value", "exceptions"):
        if name != "exceptions" and hasattr(error, name):
            assert getattr(found, name) == getattr(error, name)
    assert reference(found) == ref


def test_a_default_factory_without_a_name_cannot_be_stored() -> None:
    value: Any = defaultdict(lambda: 0, a=1)
    assert reference(value)
    with pytest.raises(CodecError, match="define it at the top level"):
        snapshot(value)


def test_limits_and_order_of_collections_come_back() -> None:
    value: list[Any] = [deque([1, 2], maxlen=2), OrderedDict(b=1, a=2)]
    found: Any = restore(snapshot(value)[1])
    found[0].append(3)
    assert list(found[0]) == [2, 3]
    assert list(found[1]) == ["b", "a"]
