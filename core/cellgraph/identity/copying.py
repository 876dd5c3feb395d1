"""Copies that nobody else holds, as cheap as is safe: `private_copy`.

A task owns what it receives. What cannot change is handed on as it is, frames are copied on write,
arrays are copied, containers and plain instances are rebuilt. One object referred to twice stays
one object, as it does in what the store hands out.
"""

import copy
import enum
import sys
import weakref
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from cellgraph.errors import CodecError
from cellgraph.identity.kinds import kind_of
from cellgraph.identity.plain import (
    Shape,
    class_of,
    derives,
    new_tuple,
    read_state,
    shape_of,
    write_state,
)
from cellgraph.identity.values import restore, snapshot

# id -> copy, in the format of `copy.deepcopy`, which continues with it where we leave off.
_Memo = dict[int, Any]
_Copier = Callable[[Any, _Memo], Any]

_ATOMS: Final = frozenset({int, float, bool, str, bytes, complex, type(None)})


def private_copy(value: object) -> Any:
    """Return a copy of *value* that nobody else holds; *value* itself if it cannot change.

    Raises CodecError for a value that can neither be copied nor stored.
    """
    if type(value) in _ATOMS:
        return value
    try:
        return _copied(value, {})
    except Exception:  # too deep, or its own copying rules fail: by way of the store's form then
        return _through_store(value)


def _through_store(value: object) -> object:
    try:
        return restore(snapshot(value)[1])
    except Exception as error:
        raise CodecError(
            f"a {type(value).__qualname__} cannot be copied for a task ({error}): pass plain data, "
            "or teach Cellgraph the type with register_value(...)"
        ) from error


def _copied(value: object, memo: _Memo) -> Any:
    cls = type(value)
    if cls in _ATOMS:
        return value
    known = memo.get(id(value))
    if known is not None:
        return known
    copier = _COPIERS.get(cls) or _found.get(cls) or _find(cls, value)
    made = copier(value, memo)
    memo[id(value)] = made
    return made


def _same(value: Any, memo: _Memo) -> Any:
    return value


# --- containers -------------------------------------------------------------------------------


def _list(value: list[Any], memo: _Memo) -> list[Any]:
    if _ATOMS.issuperset(map(type, value)):
        return value.copy()
    made: list[Any] = []
    memo[id(value)] = made
    for x in value:
        made.append(_copied(x, memo))  # noqa: PERF401  # a part may refer back
    return made


def _tuple(value: tuple[Any, ...], memo: _Memo) -> tuple[Any, ...]:
    if _ATOMS.issuperset(map(type, value)):
        return value
    parts: list[Any] = [_copied(x, memo) for x in value]
    if id(value) in memo:  # a part referred back to the tuple, which was copied meanwhile
        made: tuple[Any, ...] = memo[id(value)]
        return made
    return value if all(a is b for a, b in zip(parts, value, strict=True)) else tuple(parts)


def _dict(value: dict[Any, Any], memo: _Memo) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    memo[id(value)] = made
    _fill(made, value, memo)
    return made


def _fill(made: Any, value: Any, memo: _Memo) -> None:
    if _ATOMS.issuperset(map(type, value)) and _ATOMS.issuperset(map(type, value.values())):
        made.update(value)
        return
    for k, v in value.items():
        made[_copied(k, memo)] = _copied(v, memo)


def _default_dict(value: Any, memo: _Memo) -> Any:
    made: defaultdict[Any, Any] = defaultdict(value.default_factory)
    memo[id(value)] = made
    _fill(made, value, memo)
    return made


def _other_dict(cls: Any) -> _Copier:
    def copier(value: Any, memo: _Memo) -> Any:
        made = cls()
        memo[id(value)] = made
        for k, v in value.items():
            made[_copied(k, memo)] = _copied(v, memo)
        return made

    return copier


def _set(value: set[Any], memo: _Memo) -> set[Any]:
    return (
        value.copy() if _ATOMS.issuperset(map(type, value)) else {_copied(x, memo) for x in value}
    )


def _frozenset(value: frozenset[Any], memo: _Memo) -> frozenset[Any]:
    if _ATOMS.issuperset(map(type, value)):
        return value
    parts = [_copied(x, memo) for x in value]
    return value if all(a is b for a, b in zip(parts, value, strict=True)) else frozenset(parts)


_COPIERS: Final[dict[type, _Copier]] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    bytearray: lambda value, memo: bytearray(value),
    defaultdict: _default_dict,
    OrderedDict: _other_dict(OrderedDict),
    Counter: _other_dict(Counter),
    FunctionType: _same,
    BuiltinFunctionType: _same,
    ModuleType: _same,
}
# The copiers of all other types. A pure memo: an entry dies with its class.
_found: Final[weakref.WeakKeyDictionary[type, _Copier]] = weakref.WeakKeyDictionary()


def _find(cls: type[Any], value: object) -> _Copier:
    """Choose how values of *cls* are copied."""
    copier = _choose(cls, value)
    _found[cls] = copier
    return copier


def _choose(cls: type[Any], value: object) -> _Copier:
    library = _LIBRARY.get(f"{cls.__module__.partition('.')[0]}.{cls.__name__}")
    if library is not None:
        return library
    kind = kind_of(cls)
    if isinstance(value, (type, enum.Enum)) or (kind is not None and not kind.mutable):
        return _same
    if kind is not None or hasattr(cls, "__deepcopy__"):
        # NumPy's own leaves out the attributes of a user's subclass.
        forgets = kind is not None and kind.name == "numpy.subclass"
        return _stored if forgets else copy.deepcopy
    if derives(cls, tuple) and hasattr(cls, "_fields") and not hasattr(value, "__dict__"):
        return _namedtuple
    shape = shape_of(cls, value)
    return copy.deepcopy if shape is None else _instance_copier(cls, shape)


# --- instances --------------------------------------------------------------------------------


def _stored(value: Any, memo: _Memo) -> Any:
    return restore(snapshot(value)[1])


def _namedtuple(value: Any, memo: _Memo) -> Any:
    return new_tuple(class_of(value), [_copied(x, memo) for x in value])


def _instance_copier(cls: type[Any], shape: Shape) -> _Copier:
    def copier(value: Any, memo: _Memo) -> Any:
        own, filled, content = read_state(value, shape)
        made: Any = object.__new__(cls)
        memo[id(value)] = made
        write_state(made, own, filled, [_copied(x, memo) for x in content])
        return made

    return copier


# --- libraries --------------------------------------------------------------------------------


def _array(value: Any, memo: _Memo) -> Any:
    return copy.deepcopy(value, memo) if value.dtype.hasobject else value.copy()


def _mapped_array(value: Any, memo: _Memo) -> Any:
    import numpy as np  # loaded: the value is of it

    return np.array(value)


# What pandas says of an object column whose elements cannot change.
_UNCHANGING: Final = frozenset(
    "string bytes floating integer mixed-integer-float decimal complex boolean date datetime64 "
    "datetime time timedelta timedelta64 period interval empty".split()
)


def _frame(value: Any, memo: _Memo) -> Any:
    made = _shallow(value)
    for place, dtype in enumerate(value.dtypes):
        if (
            _holds_objects(dtype)
            and (fresh := _object_column(value.iloc[:, place], memo)) is not None
        ):
            made.isetitem(place, fresh)
    return made


def _holds_objects(dtype: Any) -> bool:
    return str(dtype) == "object"


def _series(value: Any, memo: _Memo) -> Any:
    if _holds_objects(value.dtype) and (fresh := _object_column(value, memo)) is not None:
        return fresh
    return _shallow(value)


def _shallow(value: Any) -> Any:
    from cellgraph.codecs.pandas_arrays import copy_on_write  # pandas is loaded

    return value.copy(deep=not copy_on_write())


def _object_column(series: Any, memo: _Memo) -> Any:
    """A series with copied elements, or None if none of them can change."""
    pd = sys.modules["pandas"]
    if pd.api.types.infer_dtype(series, skipna=True) in _UNCHANGING:
        return None
    elements = [_copied(x, memo) for x in series.array]
    fresh = series.copy(deep=True)
    for place, x in enumerate(elements):
        fresh.array[place] = x
    return fresh


_LIBRARY: Final[dict[str, _Copier]] = {
    "numpy.ndarray": _array,
    "numpy.memmap": _mapped_array,
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
}
