"""NumPy dtypes as plain states, and back."""

import importlib
from itertools import pairwise
from typing import Any, Final

# Untyped on purpose: the stubs cannot follow dtypes of any kind.
np: Any = importlib.import_module("numpy")
DType = Any


def dtype_state(dtype: DType) -> object:
    """State a dtype: a string for a simple one, nested tuples for fields and sub-arrays."""
    if dtype.kind == "T":
        na = getattr(dtype, "na_object", _NO_NA)
        return ("T", dtype.coerce, na is not _NO_NA, None if na is _NO_NA else na)
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ("sub", dtype_state(base), shape)
    if dtype.fields is None:
        return dtype.str if dtype.metadata is None else ("meta", dtype.str, dict(dtype.metadata))
    fields = tuple(
        (name, dtype_state(field[0]), field[1], field[2] if len(field) > 2 else None)
        for name, field in ((n, dtype.fields[n]) for n in dtype.names or ())
    )
    return ("fields", fields, dtype.itemsize, dtype.isalignedstruct, dtype.type is np.record)


_NO_NA: Final = object()


def dtype_from(state: Any) -> DType:
    """The dtype that `dtype_state` stated."""
    if isinstance(state, str):
        return np.dtype(state)
    tag, *rest = state
    if tag == "T":
        coerce, has_na, na = rest
        made = np.dtypes.StringDType
        return made(na_object=na, coerce=coerce) if has_na else made(coerce=coerce)
    if tag == "meta":
        return np.dtype(rest[0], metadata=rest[1])
    if tag == "sub":
        return np.dtype((dtype_from(rest[0]), rest[1]))
    fields, itemsize, aligned, record = rest
    spec: dict[str, Any] = {
        "names": [f[0] for f in fields],
        "formats": [dtype_from(f[1]) for f in fields],
        "offsets": [f[2] for f in fields],
        "titles": [f[3] for f in fields],
        "itemsize": itemsize,
    }
    made_fields = np.dtype(spec, align=aligned)
    return np.dtype((np.record, made_fields)) if record else made_fields


def is_packed(dtype: DType) -> bool:
    """Whether every byte of an element is content, and of one field only."""
    if dtype.subdtype is not None:
        return is_packed(dtype.subdtype[0])
    if dtype.fields is None:
        return dtype.char not in "gG"  # long doubles have padding
    fields = [f[0] for f in dtype.fields.values()]
    names = len(dtype.names or ())
    total = sum(dtype[i].itemsize for i in range(names))
    return total == dtype.itemsize and all(map(is_packed, fields)) and not _overlap(dtype)


def _overlap(dtype: DType) -> bool:
    fields: dict[str, Any] = dtype.fields or {}
    spans: list[tuple[int, int]] = sorted(
        (fields[n][1], fields[n][0].itemsize) for n in dtype.names or ()
    )
    return any(start + size > after for (start, size), (after, _) in pairwise(spans))
