"""pandas: frames, series, indexes, arrays, scalars.

Identity: columns in order with their names and dtypes, index, names, attrs, and per column the
logical content; how columns are grouped into blocks does not count. Reading builds one block per
dtype over the payload's memory, without a copy.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

from cellgraph.codecs.numpy import flat_bytes, from_memory
from cellgraph.codecs.pandas_arrays import (
    ARRAYS,
    Lender,
    extension_from,
    lender,
    values_from,
    values_state,
)
from cellgraph.codecs.pandas_freq import freq_from, freq_state
from cellgraph.codecs.pandas_index import index_from, index_state
from cellgraph.errors import CodecError
from cellgraph.identity.kinds import declare, define
from cellgraph.identity.plain import class_of
from cellgraph.identity.reading import careful
from cellgraph.identity.tables import Kind, Pickled

# Untyped on purpose: the stubs know nothing of blocks and arrays.
np: Any = importlib.import_module("numpy")
pd: Any = importlib.import_module("pandas")
State = Any
_PLAIN: Final = frozenset("biufcmM")

# --- frames -----------------------------------------------------------------------------------


def _frame_state(frame: Any) -> State:
    shallow = frame.copy(deep=False)
    by = lender(shallow)
    grouped: dict[str, tuple[list[int], list[Any]]] = {}
    others: list[tuple[int, State]] = []
    for place, values in enumerate(shallow._iter_column_arrays()):
        plain = _plain(values)
        if plain is None:
            others.append((place, values_state(values, by)))
            continue
        places, arrays = grouped.setdefault(plain.dtype.str, ([], []))
        places.append(place)
        arrays.append(plain)
    groups = [
        (kind, places, _block_state(arrays, by)) for kind, (places, arrays) in grouped.items()
    ]
    return (
        index_state(shallow.index),
        index_state(shallow.columns),
        tuple(groups),
        tuple(others),
        dict(frame.attrs),
        frame.flags.allows_duplicate_labels,
    )


def _plain(values: Any) -> Any:
    """A column as a NumPy array of a plain dtype, or None."""
    if isinstance(values, np.ndarray):
        return values if values.dtype.kind in _PLAIN else None
    timed = isinstance(values, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray))
    if timed and isinstance(values.dtype, np.dtype):  # no time zone
        return values.asi8.view(values.dtype)
    return None


def _block_state(arrays: list[Any], by: Lender) -> State:
    """The memory of columns of one dtype, one after the other."""
    if len(arrays) == 1:
        return flat_bytes(arrays[0], stable=by.stable, owner=by.owner)
    whole = _adjacent(arrays)
    if whole is not None:
        return flat_bytes(whole, stable=by.stable, owner=by.owner)
    return flat_bytes(np.stack(arrays), stable=True)


def _adjacent(arrays: list[Any]) -> Any:
    """One array over columns that lie one after the other in one block, or None."""
    first = arrays[0]
    base, size = first.base, first.nbytes
    if base is None or not first.flags.c_contiguous or not size:
        return None
    start = first.__array_interface__["data"][0]
    for k, a in enumerate(arrays):
        there = a.__array_interface__["data"][0] == start + k * size
        if not there or a.base is not base or not a.flags.c_contiguous:
            return None
    shape = (len(arrays), len(first))
    return np.lib.stride_tricks.as_strided(first, shape, (size, first.itemsize), writeable=False)


def _frame_from(state: State) -> Any:
    index, columns, groups, others, attrs, duplicates = state
    rows, names = index_from(index), index_from(columns)
    if careful():
        _check_places([*(p for _, ps, _ in groups for p in ps), *(p for p, _ in others)], names)
    blocks: list[tuple[Any, Any]] = []
    for kind, places, memory in groups:
        block = from_memory(memory, np.dtype(kind)).reshape(len(places), len(rows))
        blocks.append((block, np.array(places, np.intp)))
    for place, values in others:
        made = values_from(values)
        block = made.reshape(1, -1) if isinstance(made, np.ndarray) else made
        if len(made) != len(rows):
            raise CodecError("a stored frame has columns of other lengths: evaluate again")
        blocks.append((block, np.array([place], np.intp)))
    frame = _assembled(blocks, rows, names)
    return _finished(frame, attrs, duplicates)


def _check_places(places: list[int], names: Any) -> None:
    """Hold the columns to their places; pandas itself would not look."""
    if sorted(places) != list(range(len(names))):
        raise CodecError("a stored frame has columns without a place: evaluate again")


def _finished(made: Any, attrs: dict[Any, Any], duplicates: bool) -> Any:
    if attrs:
        made.attrs = attrs
    if not duplicates:
        made.flags.allows_duplicate_labels = False
    return made


def _assembled(blocks: list[tuple[Any, Any]], rows: Any, names: Any) -> Any:
    try:
        internals: Any = importlib.import_module("pandas.api.internals")
    except ImportError:  # pandas 2
        return _assembled_by_column(blocks, rows, names)
    return internals.create_dataframe_from_blocks(blocks, index=rows, columns=names)


def _assembled_by_column(blocks: list[tuple[Any, Any]], rows: Any, names: Any) -> Any:
    columns: dict[int, Any] = {}
    for block, places in blocks:
        parts = block if isinstance(block, np.ndarray) else [block]
        columns.update(
            (int(place), pd.Series(part, index=rows, dtype=part.dtype, copy=False))
            for place, part in zip(places, parts, strict=True)
        )
    frame = pd.DataFrame({i: columns[i] for i in range(len(names))}, index=rows, copy=False)
    frame.columns = names
    return frame


define(pd.DataFrame, Kind("pandas.frame", 1, _frame_state, _frame_from, data=True))

# --- series and indexes -------------------------------------------------------------------------


def _series_state(series: Any) -> State:
    shallow = series.copy(deep=False)
    return (
        values_state(shallow._values, lender(shallow)),
        index_state(shallow.index),
        series.name,
        dict(series.attrs),
        series.flags.allows_duplicate_labels,
    )


def _series_from(state: State) -> Any:
    values, index, name, attrs, duplicates = state
    made = values_from(values)
    series: Any = pd.Series(made, index=index_from(index), dtype=made.dtype, name=name, copy=False)
    return _finished(series, attrs, duplicates)


define(pd.Series, Kind("pandas.series", 1, _series_state, _series_from, data=True))

_INDEX: Final = declare(Kind("pandas.index", 1, index_state, index_from, data=True))
for _cls in (
    pd.Index,
    pd.RangeIndex,
    pd.MultiIndex,
    pd.DatetimeIndex,
    pd.TimedeltaIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    pd.CategoricalIndex,
):
    define(_cls, _INDEX)

_ARRAY: Final = declare(
    Kind(
        "pandas.array",
        1,
        lambda values: values_state(values, Lender(None, stable=False)),
        extension_from,
        data=True,
    )
)
for _cls in ARRAYS:
    define(_cls, _ARRAY)

# --- scalars ----------------------------------------------------------------------------------


def _timestamp_state(value: Any) -> State:
    return (int(value.asm8.view("i8")), value.unit, value.tz, value.fold)


def _timestamp_from(state: State) -> Any:
    ticks, unit, tz, fold = state
    made = pd.Timestamp(np.datetime64(ticks, unit))
    if tz is not None:
        return made.tz_localize("UTC").tz_convert(tz)
    return made.replace(fold=fold) if fold else made


def _value(
    cls: type, name: str, encode: Callable[[Any], object], decode: Callable[[Any], object]
) -> None:
    define(cls, Kind("pandas." + name, 1, encode, decode, mutable=False, data=True))


_value(pd.Timestamp, "timestamp", _timestamp_state, _timestamp_from)
_value(
    pd.Timedelta,
    "timedelta",
    lambda v: (int(v.asm8.view("i8")), v.unit),
    lambda s: pd.Timedelta(np.timedelta64(*s)),
)
_value(
    pd.Period,
    "period",
    lambda v: (v.ordinal, freq_state(v.freq)),
    lambda s: pd.Period(ordinal=s[0], freq=freq_from(s[1])),
)
_value(pd.Interval, "interval", lambda v: (v.left, v.right, v.closed), lambda s: pd.Interval(*s))
_value(class_of(pd.NaT), "nat", lambda v: None, lambda s: pd.NaT)
_value(class_of(pd.NA), "na", lambda v: None, lambda s: pd.NA)

# --- subclasses -------------------------------------------------------------------------------


def _subclass_identity(value: Any) -> State:
    base = pd.DataFrame if isinstance(value, pd.DataFrame) else pd.Series
    more = {name: getattr(value, name, None) for name in value._metadata if name != "name"}
    return (class_of(value), base(value), more)


_SUBCLASS: Final = declare(
    Kind("pandas.subclass", 1, Pickled, lambda value: value, identity=_subclass_identity)
)


def resolve(cls: type) -> Kind | None:
    """Kind of users' subclasses of frames and series; other types are instances like any other."""
    return _SUBCLASS if issubclass(cls, (pd.DataFrame, pd.Series)) else None
