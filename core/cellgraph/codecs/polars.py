"""Polars: frames and series, by way of Arrow.

Identity: column names, dtypes and logical content. Categories are stated as their strings, because
the numbers behind them depend on what else the process has seen. A LazyFrame is a computation, not
a value, and is refused.
"""

import importlib
from typing import Any, Final

from cellgraph.codecs.arrow import array_of, array_state
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind
from cellgraph.identity.wire import Unencodable

# Untyped on purpose: Polars is no dependency of ours.
pl: Any = importlib.import_module("polars")
State = Any
# What Arrow has no type for that comes back the same.
_BY_ELEMENT: Final = frozenset({"Object", "Int128", "UInt128"})


def _series_state(series: Any) -> State:
    dtype = series.dtype
    if dtype == pl.Categorical:
        return (series.name, "categorical", array_state(series.cast(pl.String).to_arrow()))
    if dtype == pl.Enum:
        categories = tuple(dtype.categories.to_list())
        return (series.name, "enum", categories, array_state(series.cast(pl.String).to_arrow()))
    if str(dtype) in _BY_ELEMENT:
        return (series.name, "elements", str(dtype), series.to_list())
    if "Categorical" in str(dtype) or "Enum" in str(dtype):
        advice = f"is a Polars column of type {dtype}: cast the categories inside to String"
        raise Unencodable(series, advice)
    return (series.name, "arrow", array_state(series.to_arrow()))


def _series_from(state: State) -> Any:
    name, how, *rest = state
    if how == "elements" and rest[0] in _BY_ELEMENT:
        return pl.Series(name, rest[1], dtype=getattr(pl, rest[0]))
    found = pl.Series(name, array_of(rest[-1]))
    if how == "categorical":
        return found.cast(pl.Categorical)
    return found.cast(pl.Enum(list(rest[0]))) if how == "enum" else found


def _frame_state(frame: Any) -> State:
    return frame.height, tuple(_series_state(series) for series in frame.get_columns())


def _frame_from(state: State) -> Any:
    return pl.DataFrame([_series_from(column) for column in state[1]])


def _refused(frame: Any) -> State:
    raise Unencodable(frame, "is a Polars LazyFrame: call .collect() first")


define(pl.DataFrame, Kind("polars.frame", 1, _frame_state, _frame_from, data=True))
define(pl.Series, Kind("polars.series", 1, _series_state, _series_from, data=True))
define(pl.LazyFrame, Kind("polars.lazyframe", 1, _refused, _refused))


def resolve(cls: type) -> Kind | None:
    """No kinds beside the exact types above: dtypes are instances like any other."""
    return None
