"""pandas indexes of every kind as plain states, and back."""

import importlib
from typing import Any

from cellgraph.codecs.numpy import array_from, array_state
from cellgraph.codecs.pandas_arrays import (
    Lender,
    lender,
    values_from,
    values_state,
)
from cellgraph.codecs.pandas_freq import freq_from, freq_state
from cellgraph.identity.reading import careful

# Untyped on purpose: indexes come in more kinds than the stubs can follow.
np: Any = importlib.import_module("numpy")
pd: Any = importlib.import_module("pandas")
State = Any


def index_state(index: Any) -> State:
    """State an index: kind, values, name or names, frequency."""
    if type(index) is pd.RangeIndex:
        return ("range", index.start, index.stop, index.step, index.name)
    if type(index) is pd.MultiIndex:
        levels = tuple(index_state(level) for level in index.levels)
        codes = tuple(array_state(np.asarray(code), stable=True) for code in index.codes)
        return ("multi", levels, codes, tuple(index.names))
    freq = freq_state(index.freq) if isinstance(index, _TIMED) else None
    return ("index", values_state(_values(index), _lent(index)), index.name, freq)


_TIMED = (pd.DatetimeIndex, pd.TimedeltaIndex)


def _values(index: Any) -> Any:
    values = index.array
    return values.to_numpy() if isinstance(values, pd.arrays.NumpyExtensionArray) else values


def _lent(index: Any) -> Lender:
    # An index cannot be written to; under copy-on-write nothing else can reach its memory.
    return lender(index)


def index_from(state: State) -> Any:
    """The index that `index_state` stated."""
    kind, *rest = state
    if kind == "range":
        start, stop, step, name = rest
        return pd.RangeIndex(start, stop, step, name=name)
    if kind == "multi":
        levels, codes, names = rest
        return pd.MultiIndex(
            [index_from(level) for level in levels],
            [array_from(code) for code in codes],
            names=list(names),
            verify_integrity=careful(),
        )
    values, name, freq = rest
    found = values_from(values)
    dtype: Any = found.dtype if found.dtype == object else None  # else strings would be inferred
    made = pd.Index(found, dtype=dtype, name=name, copy=False, tupleize_cols=False)
    if freq is None:
        return made
    timed: Any = made
    return timed._with_freq(
        freq_from(freq)
    )  # the public setter generates the whole range to compare
