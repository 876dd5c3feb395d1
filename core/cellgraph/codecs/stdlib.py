"""Kinds of the standard library's values: numbers, times, paths, collections."""

import collections
import datetime as dt
import decimal
import fractions
import pathlib
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from cellgraph.errors import CodecError
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind


def resolve(cls: type) -> Kind | None:
    """No kinds beside the exact types below: subclasses are instances like any other."""
    return None


_Rule = Callable[[Any], object]


def _value(cls: type, name: str, encode: _Rule, decode: _Rule) -> None:
    """An immutable type."""
    define(cls, Kind("std." + name, 1, encode, decode, mutable=False, data=True))


def _box(cls: type, name: str, encode: _Rule, decode: _Rule) -> None:
    """A mutable type."""
    define(cls, Kind("std." + name, 1, encode, decode, data=True))


# --- built-in ---------------------------------------------------------------------------------

_value(range, "range", lambda v: (v.start, v.stop, v.step), lambda s: range(*s))
_value(slice, "slice", lambda v: (v.start, v.stop, v.step), lambda s: slice(*s))
_value(type(...), "ellipsis", lambda v: None, lambda s: ...)
_value(type(NotImplemented), "notimplemented", lambda v: None, lambda s: NotImplemented)

# --- numbers and names --------------------------------------------------------------------------

_value(decimal.Decimal, "decimal", str, decimal.Decimal)
_value(
    fractions.Fraction,
    "fraction",
    lambda v: (v.numerator, v.denominator),
    lambda s: fractions.Fraction(*s),
)
_value(uuid.UUID, "uuid", lambda v: v.bytes, lambda s: uuid.UUID(bytes=s))
for _path in (
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
):
    # Posix and Windows paths differ, pure and concrete ones too.
    _value(_path, _path.__name__.lower(), str, _path)

# --- times --------------------------------------------------------------------------------------


def _clock(v: dt.time | dt.datetime) -> tuple[Any, ...]:
    return v.hour, v.minute, v.second, v.microsecond, v.tzinfo, v.fold


def _datetime(s: tuple[Any, ...]) -> dt.datetime:
    *fields, fold = s
    return dt.datetime(*fields, fold=fold)  # noqa: DTZ001  # the zone is among the fields


def _time(s: tuple[Any, ...]) -> dt.time:
    *fields, fold = s
    return dt.time(*fields, fold=fold)


def _zone(v: zoneinfo.ZoneInfo) -> str:
    key: str | None = getattr(v, "key", None)  # None for a zone read from a file
    if key is None:
        raise CodecError("a ZoneInfo made from a file has no key to store: use ZoneInfo(key)")
    return key


_value(dt.date, "date", lambda v: (v.year, v.month, v.day), lambda s: dt.date(*s))
_value(dt.time, "time", _clock, _time)
_value(dt.datetime, "datetime", lambda v: (v.year, v.month, v.day, *_clock(v)), _datetime)
_value(
    dt.timedelta,
    "timedelta",
    lambda v: (v.days, v.seconds, v.microseconds),
    lambda s: dt.timedelta(*s),
)
_value(dt.timezone, "timezone", lambda v: v.__getinitargs__(), lambda s: dt.timezone(*s))
_value(zoneinfo.ZoneInfo, "zoneinfo", _zone, zoneinfo.ZoneInfo)

# --- collections --------------------------------------------------------------------------------


def _items(v: Any) -> tuple[list[Any], list[Any]]:
    return list(v), list(v.values())


def _pairs(s: Any) -> "zip[tuple[Any, Any]]":
    return zip(s[0], s[1], strict=True)


_box(collections.OrderedDict, "ordereddict", _items, lambda s: collections.OrderedDict(_pairs(s)))
_box(
    collections.defaultdict,
    "defaultdict",
    lambda v: (*_items(v), v.default_factory),
    lambda s: collections.defaultdict(s[2], _pairs(s)),
)


def _counter(s: Any) -> Any:
    made: collections.Counter[Any] = collections.Counter()
    made.update(dict(_pairs(s)))
    return made


_box(collections.Counter, "counter", _items, _counter)


def _deque(s: Any) -> Any:
    made: collections.deque[Any] = collections.deque(*s)
    return made


_box(
    collections.deque,
    "deque",
    lambda v: (list(v), v.maxlen),
    _deque,
)


def _attributes(v: types.SimpleNamespace) -> dict[str, Any]:
    return dict(vars(v))


_box(
    types.SimpleNamespace,
    "namespace",
    _attributes,
    lambda s: types.SimpleNamespace(**s),
)
_box(types.MappingProxyType, "mappingproxy", dict, types.MappingProxyType)
