"""NumPy: arrays, scalars, dtypes, masked arrays, records.

Identity: dtype with its byte order, shape, and the logical bytes in C order. Strides, memory order
and whether memory is mapped do not count. Padding between the fields of a structured dtype is not
content and is left out. An array read back is writable and in C order, whatever it was before.
"""

import importlib
import math
from typing import Any, Final, cast

from cellgraph.codecs.numpy_dtypes import DType, dtype_from, dtype_state, is_packed
from cellgraph.errors import CodecError
from cellgraph.identity.kinds import declare, define
from cellgraph.identity.plain import class_of, owner_of
from cellgraph.identity.tables import Encoder, Kind, Pickled, Raw, encoders
from cellgraph.identity.wire import Encoded, Pass

# Untyped on purpose: values here are of any dtype, which the stubs cannot follow.
np: Any = importlib.import_module("numpy")
Array = Any
State = tuple[Any, ...]

_DTYPE: Final = declare(Kind("numpy.dtype", 1, dtype_state, dtype_from, mutable=False, data=True))

# --- arrays -----------------------------------------------------------------------------------


def array_state(a: Array, *, stable: bool = False) -> State:
    """State an array. `stable`: nobody can change its memory any more."""
    dtype = a.dtype
    if dtype.isbuiltin == 1 and not dtype.hasobject:  # a plain C type in this machine's byte order
        return (dtype.str, a.shape, flat_bytes(a, stable=stable))
    return (dtype_state(dtype), a.shape, _content(a, stable=stable))


class _Lent(np.ndarray):  # type: ignore[misc]  # a base of type Any
    """Memory together with what must live as long as anybody looks at it."""

    owner: object


def flat_bytes(a: Array, *, stable: bool = False, owner: object = None) -> Raw:
    """The logical bytes of *a* in C order; copied only when they do not lie like that.

    *owner* lives as long as they do (a frame whose copy-on-write keeps them as they are).
    """
    if not a.nbytes:
        return Raw(b"", stable=True)
    flat = np.ascontiguousarray(a)
    if a.dtype.char in "gG":
        flat = _without_padding(flat)
    flat = flat.reshape(-1).view(np.uint8)
    if not np.may_share_memory(flat, a):
        return Raw(memoryview(flat), stable=True)
    if owner is not None:
        flat = flat.view(_Lent)
        flat.owner = owner
    return Raw(memoryview(flat), stable, _copied)


def _copied(memory: Any) -> memoryview:
    # NumPy asks for huge pages, which makes a large copy several times faster than `bytes`.
    return memoryview(np.frombuffer(memory, np.uint8).copy())


def _without_padding(a: Array) -> Array:
    """Long doubles of x86 have 10 bytes of content in 12 or 16; the rest is whatever lay there."""
    if np.finfo(np.longdouble).nmant != 63:
        return a
    made = a.copy()
    size = np.dtype(np.longdouble).itemsize
    made.reshape(-1).view(np.uint8).reshape(-1, size)[:, 10:] = 0
    return made


def _content(a: Array, *, stable: bool) -> object:
    """What an array of other than a plain C type holds: bytes, elements, or its fields."""
    dtype = a.dtype
    if dtype.subdtype is None and dtype.fields is None:
        if dtype.hasobject or dtype.kind == "T":
            return a.ravel().tolist() if dtype.kind != "T" else list(a.ravel())
        return flat_bytes(a, stable=stable)
    if not dtype.hasobject and is_packed(dtype):
        return flat_bytes(a.view(np.ndarray), stable=stable)
    plain = a.view(np.ndarray)
    return tuple(array_state(plain[name], stable=stable) for name in dtype.names or ())


def array_from(state: Any) -> Array:
    """A fresh, writable array from its state."""
    how, shape, content = state
    dtype = dtype_from(how)
    count = math.prod(shape)
    if type(content) is memoryview:
        if content:
            return from_memory(content, dtype).reshape(shape)
        _check_count(0, count * dtype.itemsize)
        return np.zeros(shape, dtype)
    if dtype.names is not None and type(content) is not list:
        states: Any = content
        fields = [array_from(field) for field in states]
        _check_count(count, *(math.prod(field.shape[: len(shape)]) for field in fields))
        made = np.empty(shape, dtype)
        for name, field in zip(dtype.names, fields, strict=True):
            made[name] = field
        return made
    items = cast("list[Any]", content)
    _check_count(count, len(items))
    made = np.empty(shape, dtype)
    flat = made.reshape(-1)
    if dtype.kind == "T":
        flat[:] = items
    else:
        for i, item in enumerate(items):  # assigning a list would unpack nested sequences
            flat[i] = item
    return made


def _check_count(count: int, *counts: int) -> None:
    """Hold a shape to what there is, before memory is asked for."""
    if any(other != count for other in counts):
        raise CodecError("a stored array has another size than its shape says: evaluate again")


def from_memory(memory: memoryview, dtype: DType) -> Array:
    """A writable array over *memory*: the memory itself where it is writable and aligned."""
    if not memory.nbytes:
        return np.empty(0, dtype)
    found = np.frombuffer(memory, dtype)
    return found if found.flags.writeable and found.flags.aligned else found.copy()


define(np.ndarray, Kind("numpy.array", 1, array_state, array_from, data=True))
define(
    np.memmap,
    Kind("numpy.array", 1, lambda a: array_state(a.view(np.ndarray)), array_from, data=True),
)

# --- other arrays -----------------------------------------------------------------------------


def _masked_state(a: Any) -> State:
    # The memory under the mask can be looked at and comes back with it.
    mask = None if a.mask is np.ma.nomask else array_state(np.asarray(a.mask))
    fill = a._fill_value  # None unless somebody has set it
    return (
        array_state(a.data.view(np.ndarray)),
        mask,
        None if fill is None else array_state(np.asarray(fill)),
        a.hardmask,
    )


def _masked_from(state: Any) -> Any:
    data, mask, fill, hard = state
    made = np.ma.MaskedArray(
        array_from(data),
        mask=np.ma.nomask if mask is None else array_from(mask),
        hard_mask=hard,
        copy=False,
    )
    if fill is not None:
        made._fill_value = array_from(fill)[()] if made.dtype.fields else array_from(fill)
    return made


define(np.ma.MaskedArray, Kind("numpy.masked", 1, _masked_state, _masked_from, data=True))


def _viewed(cls: Any) -> Kind:
    return Kind(
        f"numpy.{cls.__name__}",
        1,
        lambda a: array_state(a.view(np.ndarray)),
        lambda s: array_from(s).view(cls),
        data=True,
    )


define(np.matrix, _viewed(np.matrix))
define(
    np.recarray,
    Kind(
        "numpy.recarray",
        1,
        lambda a: array_state(a.view(np.ndarray)),
        lambda s: array_from(s).view(np.recarray),
        data=True,
    ),
)

# --- scalars ----------------------------------------------------------------------------------


def _scalar_state(value: Any) -> State:
    a = np.asarray(value)
    if a.dtype.kind in "fc" and value != value:  # NaN: one canonical one, as for floats
        a = _canonical(a)
    if a.dtype.char in "gG" or a.dtype.fields is not None:
        return array_state(a)
    return (dtype_state(a.dtype), a.tobytes())


def _canonical(a: Array) -> Array:
    if a.dtype.kind == "f":
        return np.full_like(a, np.nan)
    made = a.copy()
    for part in (made.real, made.imag):
        part[np.isnan(part)] = np.nan
    return made


def _scalar_from(state: Any) -> Any:
    if len(state) == 3:
        return array_from(state)[()]
    dtype = dtype_from(state[0])
    return np.frombuffer(state[1], dtype)[0] if dtype.itemsize else np.zeros((), dtype)[()]


_SCALAR: Final = declare(
    Kind("numpy.scalar", 1, _scalar_state, _scalar_from, mutable=False, data=True)
)


def resolve(cls: type) -> Kind | None:
    """Kinds of scalar types, dtype classes, and users' subclasses of arrays."""
    if issubclass(cls, np.dtype):
        return _DTYPE
    if issubclass(cls, np.generic) and cls.__module__.partition(".")[0] == "numpy":
        return _SCALAR if cls is not np.void and cls is not np.record else _VOID
    if not issubclass(cls, np.ndarray):
        return None
    rules = ("__reduce__", "__reduce_ex__", "__setstate__")
    own_rules = any(owner_of(cls, name) is not np.ndarray for name in rules)
    return _SUBCLASS_PICKLED if own_rules else _SUBCLASS


def _subclass_state(a: Any) -> State:
    return class_of(a), a.view(np.ndarray), dict(getattr(a, "__dict__", None) or {})


def _subclass_from(state: Any) -> Any:
    cls, plain, attributes = state
    made = plain.view(cls)
    if attributes:
        made.__dict__.update(attributes)
    return made


# NumPy's pickles leave out the attributes of a subclass; those with rules of their own know better.
_SUBCLASS: Final = declare(Kind("numpy.subclass", 1, _subclass_state, _subclass_from))
_SUBCLASS_PICKLED: Final = declare(
    Kind("numpy.subclass.pickled", 1, Pickled, lambda s: s, identity=_subclass_state)
)


# A structured scalar is a view of memory that can be written to.
_VOID: Final = declare(
    Kind(
        "numpy.void",
        1,
        lambda v: array_state(np.array([v], v.dtype)),
        lambda s: array_from(s)[0],
        data=True,
    )
)

# --- numbers, in short ------------------------------------------------------------------------


def _number_encoder(cls: Any) -> Encoder:
    """The encoder of the kind for one type of number, with everything but the bytes made before.

    Lists of them are not packed: a task's result may stand for each of them.
    """
    dtype = np.dtype(cls)
    whole = encoders[tuple](_scalar_state(cls(0)), 0, Pass(storing=False))
    assert isinstance(whole, bytes)  # a pass for identity only makes no pairs
    prefix = _SCALAR.head + b"g\x01" + whole[: -dtype.itemsize]

    def encode(value: Any, depth: int, p: Pass) -> Encoded:
        if value != value:  # NaN
            value = nan
        data: bytes = value.tobytes()
        return prefix + data

    nan = cls(float("nan")) if dtype.kind == "f" else None
    return encode


for (
    _name
) in "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split():
    _cls = getattr(np, _name)
    define(_cls, _SCALAR)
    encoders[_cls] = _number_encoder(_cls)
