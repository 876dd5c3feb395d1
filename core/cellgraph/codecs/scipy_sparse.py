"""SciPy's sparse matrices and arrays: class, shape and their arrays.

What SciPy notes about an object's own order (`has_sorted_indices`, `has_canonical_format`) is found
again when it is asked for, and is no part of the identity. Formats that keep Python objects (lists
of lists, dictionaries of keys) are instances like any other.
"""

import importlib
from typing import Any, Final

from cellgraph.identity.kinds import declare
from cellgraph.identity.tables import Kind

State = tuple[Any, ...]

# Format -> the attributes that hold its content.
_ARRAYS: Final = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
    "coo": ("data", "coords"),
}


def _identity(value: Any) -> State:
    name = type(value).__name__
    return name, tuple(value.shape), *(getattr(value, part) for part in _parts(name))


def _state(value: Any) -> State:
    # A flag of its own in this format, never looked up again.
    noted = value.has_canonical_format if value.format == "coo" else None
    return (*_identity(value), noted)


def _from_state(state: State) -> Any:
    name, shape, *arrays, noted = state
    sparse: Any = importlib.import_module("scipy.sparse")
    cls = getattr(sparse, name)
    options = {"blocksize": arrays[0].shape[1:]} if name.startswith("bsr") else {}
    made = cls(shape, dtype=arrays[0].dtype, **options)
    for part, array in zip(_parts(name), arrays, strict=True):
        setattr(made, part, array)  # the constructor would choose the type of indices anew
    if noted is not None:
        made.has_canonical_format = noted
    return made


def _parts(name: str) -> tuple[str, ...]:
    return _ARRAYS[name.partition("_")[0]]


_SPARSE: Final = declare(Kind("scipy.sparse", 1, _state, _from_state, _identity))


def resolve(cls: type) -> Kind | None:
    """The kind of SciPy's own compressed, diagonal and coordinate formats."""
    own = cls.__module__.startswith("scipy.sparse.")
    return _SPARSE if own and cls.__name__.partition("_")[0] in _ARRAYS else None
