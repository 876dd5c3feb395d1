"""The arrays behind columns and indexes as plain states, and back.

A state is a tuple that begins with the kind of array. Memory of a frame under copy-on-write is
lent, not copied: the state keeps a shallow copy of the frame alive, so that a later write to the
user's frame goes to fresh memory.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cellgraph.codecs.numpy import flat_bytes, from_memory
from cellgraph.codecs.numpy_dtypes import dtype_from, dtype_state
from cellgraph.codecs.pandas_freq import freq_from, freq_state
from cellgraph.identity.plain import class_of
from cellgraph.identity.reading import careful, refuse_code

# Untyped on purpose: the stubs know nothing of the arrays inside columns.
np: Any = importlib.import_module("numpy")
pd: Any = importlib.import_module("pandas")
State = Any


class Lender(NamedTuple):
    """Whose memory a state may lend. `stable`: nobody can change it while `owner` lives."""

    owner: object
    stable: bool


def lender(owner: Any) -> Lender:
    """The lender for a frame, a series or an index (each already a shallow copy of the user's)."""
    return Lender(owner, copy_on_write())


def copy_on_write() -> bool:
    """Whether pandas copies on write: always from version 3, an option before."""
    return int(pd.__version__.partition(".")[0]) >= 3 or pd.options.mode.copy_on_write is True


def values_state(values: Any, by: Lender) -> State:
    """State one column: a NumPy array of one dimension or an ExtensionArray."""
    if isinstance(values, np.ndarray):
        if values.dtype == object:
            return ("object", values.tolist())
        raw = flat_bytes(values, stable=by.stable, owner=by.owner)
        return ("numpy", dtype_state(values.dtype), raw)
    state = _STATES.get(class_of(values))
    # An array of a library this module does not know: an instance like any other.
    return ("other", values) if state is None else state(values, by)


def values_from(state: State) -> Any:
    """The array that `values_state` stated."""
    return _MAKERS[state[0]](*state[1:])


# --- NumPy ------------------------------------------------------------------------------------


def _object_from(items: list[Any]) -> Any:
    made = np.empty(len(items), object)
    for i, item in enumerate(items):  # assigning the list would unpack nested sequences
        made[i] = item
    return made


def _strings_only(items: list[Any]) -> bool:
    return set(map(type, items)) <= {str, type(None), float}


def _object_fast(items: list[Any]) -> Any:
    return np.array(items, object) if items and _strings_only(items) else _object_from(items)


def _numpy_from(dtype: State, memory: memoryview) -> Any:
    return from_memory(memory, dtype_from(dtype))


# --- pandas -----------------------------------------------------------------------------------


def _times_state(values: Any, by: Lender) -> State:
    tz = getattr(values.dtype, "tz", None)
    raw = flat_bytes(values.asi8, stable=by.stable, owner=by.owner)
    kind = "M" if values.dtype.kind == "M" else "m"
    return ("times", kind, values.unit, tz, raw)


def _times_from(kind: str, unit: str, tz: Any, memory: memoryview) -> Any:
    data = from_memory(memory, np.dtype(f"{kind}8[{unit}]"))
    if tz is None:
        return data
    cls = pd.DatetimeTZDtype(unit, tz).construct_array_type()
    return cls._simple_new(data, dtype=pd.DatetimeTZDtype(unit, tz))


def _period_state(values: Any, by: Lender) -> State:
    raw = flat_bytes(values.asi8, stable=by.stable, owner=by.owner)
    return ("period", freq_state(values.freq), raw)


def _period_from(freq: State, memory: memoryview) -> Any:
    dtype = pd.PeriodDtype(freq_from(freq))
    return pd.arrays.PeriodArray(from_memory(memory, np.dtype(np.int64)), dtype=dtype)


def _categorical_state(values: Any, by: Lender) -> State:
    from cellgraph.codecs.pandas_index import index_state  # indexes hold arrays, arrays indexes

    codes = values.codes
    raw = flat_bytes(codes, stable=by.stable, owner=by.owner)
    return ("categorical", codes.dtype.str, raw, index_state(values.categories), values.ordered)


def _categorical_from(dtype: str, memory: memoryview, categories: State, ordered: bool) -> Any:
    from cellgraph.codecs.pandas_index import index_from  # as above

    codes = from_memory(memory, np.dtype(dtype))
    kind = pd.CategoricalDtype(index_from(categories), ordered)
    return pd.Categorical.from_codes(codes, dtype=kind, validate=careful())


def _masked_state(values: Any, by: Lender) -> State:
    data, mask = values._data, values._mask
    if mask.any():
        data = np.where(
            mask, np.zeros((), data.dtype), data
        )  # what lies under the mask is no content
    name = "boolean" if data.dtype == bool else "masked"
    return (
        name,
        data.dtype.str,
        flat_bytes(data, stable=by.stable, owner=by.owner),
        flat_bytes(mask, stable=by.stable, owner=by.owner),
    )


def _masked_from(dtype: str, memory: memoryview, mask: memoryview) -> Any:
    data = from_memory(memory, np.dtype(dtype))
    cls: Any = pd.arrays.FloatingArray if data.dtype.kind == "f" else pd.arrays.IntegerArray
    return cls(data, from_memory(mask, np.dtype(bool)))


def _boolean_from(dtype: str, memory: memoryview, mask: memoryview) -> Any:
    data = from_memory(memory, np.dtype(bool))
    return pd.arrays.BooleanArray(data, from_memory(mask, np.dtype(bool)))


def _interval_state(values: Any, by: Lender) -> State:
    sides = (values_state(_array_of(side), by) for side in (values.left, values.right))
    return ("interval", *sides, values.closed)


def _array_of(side: Any) -> Any:
    return side._values if isinstance(side, pd.Index) else side


def _interval_from(left: State, right: State, closed: Any) -> Any:
    sides = [pd.Index(values_from(side), copy=False) for side in (left, right)]
    return pd.arrays.IntervalArray.from_arrays(*sides, closed=closed)


def _sparse_state(values: Any, by: Lender) -> State:
    index = values.sp_index
    places = flat_bytes(index.to_int_index().indices, stable=by.stable, owner=by.owner)
    points = values_state(values.sp_values, by)
    return ("sparse", points, places, len(values), values.fill_value, values.kind)


def _sparse_from(points: State, places: memoryview, size: int, fill: Any, kind: str) -> Any:
    if careful():  # its parts are not checked against each other
        raise refuse_code("a sparse array of pandas")
    sparse: Any = importlib.import_module("pandas._libs.sparse")  # the only maker of an index
    index = sparse.IntIndex(size, from_memory(places, np.dtype(np.int32)))
    found = values_from(points)
    # The public ways to make one from an index differ between the versions of pandas.
    cls: Any = pd.arrays.SparseArray
    return cls._simple_new(
        found,
        index if kind == "integer" else index.to_block_index(),
        pd.SparseDtype(found.dtype, fill),
    )


# --- strings and Arrow --------------------------------------------------------------------------


def _string_dtype_state(dtype: Any) -> State:
    missing = getattr(dtype, "na_value", pd.NA)
    return (dtype.storage, missing is not pd.NA)


def _string_dtype(state: State) -> Any:
    storage, nan = state
    return pd.StringDtype(storage, na_value=np.nan) if nan else pd.StringDtype(storage)


def _string_state(values: Any, by: Lender) -> State:
    gaps = values.isna()
    items = np.asarray(values, object)
    if gaps.any():
        items = np.where(gaps, None, items)
    return ("string", _string_dtype_state(values.dtype), items.tolist())


def _string_from(dtype: State, items: list[Any]) -> Any:
    kind = _string_dtype(dtype)
    return kind.construct_array_type()._from_sequence(items, dtype=kind)


def _arrow_string_state(values: Any, by: Lender) -> State:
    from cellgraph.codecs.arrow import chunked_state  # only with Arrow installed

    return ("arrow string", _string_dtype_state(values.dtype), *chunked_state(values._pa_array))


def _arrow_string_from(dtype: State, kind: State, content: State) -> Any:
    from cellgraph.codecs.arrow import chunked_of  # as above

    made = _string_dtype(dtype)
    cls: Any = made.construct_array_type()
    chunked = chunked_of((kind, content))
    return cls(chunked, dtype=made) if _TYPED_STRINGS else cls(chunked)


_TYPED_STRINGS: Final = int(pd.__version__.partition(".")[0]) >= 3


def _arrow_state(values: Any, by: Lender) -> State:
    from cellgraph.codecs.arrow import chunked_state  # only with Arrow installed

    return ("arrow", *chunked_state(values._pa_array))


def _arrow_from(kind: State, content: State) -> Any:
    from cellgraph.codecs.arrow import chunked_of  # as above

    return pd.arrays.ArrowExtensionArray(chunked_of((kind, content)))


def _wrapped_state(values: Any, by: Lender) -> State:
    return ("wrapped", values_state(values.to_numpy(), by))


def _wrapped_from(state: State) -> Any:
    return pd.arrays.NumpyExtensionArray(values_from(state))


def _itself(values: Any) -> Any:
    return values


_STATES: Final[dict[type, Callable[[Any, Lender], State]]] = {
    pd.arrays.DatetimeArray: _times_state,
    pd.arrays.TimedeltaArray: _times_state,
    pd.arrays.PeriodArray: _period_state,
    pd.Categorical: _categorical_state,
    pd.arrays.IntegerArray: _masked_state,
    pd.arrays.FloatingArray: _masked_state,
    pd.arrays.BooleanArray: _masked_state,
    pd.arrays.IntervalArray: _interval_state,
    pd.arrays.SparseArray: _sparse_state,
    pd.arrays.StringArray: _string_state,
    pd.arrays.ArrowStringArray: _arrow_string_state,
    pd.arrays.ArrowExtensionArray: _arrow_state,
    pd.arrays.NumpyExtensionArray: _wrapped_state,
}
ARRAYS: Final[frozenset[type]] = frozenset(_STATES)
_MAKERS: Final[dict[str, Callable[..., Any]]] = {
    "object": _object_fast,
    "numpy": _numpy_from,
    "times": _times_from,
    "period": _period_from,
    "categorical": _categorical_from,
    "masked": _masked_from,
    "boolean": _boolean_from,
    "interval": _interval_from,
    "sparse": _sparse_from,
    "string": _string_from,
    "arrow string": _arrow_string_from,
    "arrow": _arrow_from,
    "wrapped": _wrapped_from,
    "other": _itself,
}


def extension_from(state: State) -> Any:
    """As `values_from`, for an ExtensionArray: times without a zone are stated as NumPy's."""
    found = values_from(state)
    if isinstance(found, np.ndarray):
        return pd.array(found, dtype=found.dtype, copy=False)
    return found
