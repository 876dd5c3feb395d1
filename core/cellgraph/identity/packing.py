"""Sequences of one scalar type, packed: a million numbers or strings in one go.

A group of parts is written as ``g n part part ...`` or, when at least `PACK_MIN` parts have one of
the types below, as one array. Which form is used depends on the values alone. These types are the
ones that always travel as themselves: any other part may be a `Referenced` in one call and plain in
the next, and both must give one identity, so nothing else may ever be packed here.
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from cellgraph.errors import CodecError
from cellgraph.identity.reading import Reader, careful
from cellgraph.identity.wire import Encoded, Pass, blob, join, length

_Packer = Callable[[Any, Pass], Encoded | None]
_Unpacker = Callable[[Reader, int], list[Any]]

PACK_MIN: Final = 8
_MANY_NONES: Final = 1 << 20  # the only parts that cost no byte each
_NAN: Final = float("nan")


def pack(xs: Sequence[Any], p: Pass) -> Encoded | None:
    """Return the packed form of *xs* (at least `PACK_MIN` values), or None if it has none."""
    types: list[type[Any]] = list(map(type, xs))
    first = types[0]
    if types.count(first) == len(types):
        packer = _PACKERS.get(first)
        return None if packer is None else packer(xs, p)
    kinds = set(types)
    if len(kinds) != 2:
        return None
    if _NONE in kinds:
        return _with_nulls(xs, [x is None for x in xs], b"n", p)
    if kinds == {float, str}:  # a pandas object column of strings with gaps
        nulls = [type(x) is float for x in xs]
        if all(x != x for x, null in zip(xs, nulls, strict=True) if null):  # NaN
            return _with_nulls(xs, nulls, b"m", p)
    return None


_NONE: Final = type(None)


def _with_nulls(xs: Sequence[Any], nulls: list[bool], tag: bytes, p: Pass) -> Encoded | None:
    present: list[object] = [x for x, null in zip(xs, nulls, strict=True) if not null]
    packer = _PACKERS.get(type(present[0]))
    content = None if packer is None else packer(present, p)
    if content is None:
        return None
    return join((tag, length(len(xs)), blob(bytes(nulls), p), content))


def _little(values: "array[Any]") -> memoryview:
    if sys.byteorder == "big":
        values.byteswap()
    return memoryview(values).cast("B")


def _ints(xs: Sequence[int], p: Pass) -> Encoded | None:
    try:
        values = array("q", xs)
    except OverflowError:
        return None
    return join((b"q", length(len(xs)), blob(_little(values), p)))


def _floats(xs: Sequence[float], p: Pass) -> Encoded:
    total = sum(xs)
    if total != total:  # some are NaN, or both infinities occur
        xs = [x if x == x else _NAN for x in xs]  # the test for NaN
    return join((b"d", length(len(xs)), blob(_little(array("d", xs)), p)))


def _bools(xs: Sequence[bool], p: Pass) -> Encoded:
    return join((b"?", length(len(xs)), blob(bytes(xs), p)))


def _strs(xs: Sequence[str], p: Pass) -> Encoded | None:
    text = "\0".join(xs)
    if text.count("\0") != len(xs) - 1:  # some string holds a NUL itself
        return None
    return join((b"u", length(len(xs)), blob(text.encode("utf-8", "surrogatepass"), p)))


def _bytestrings(xs: Sequence[bytes], p: Pass) -> Encoded:
    sizes = _little(array("Q", map(len, xs)))
    return join((b"y", length(len(xs)), blob(sizes, p), blob(b"".join(xs), p)))


def _nones(xs: Sequence[None], p: Pass) -> Encoded:
    return b"0" + length(len(xs))


_PACKERS: Final[dict[type, _Packer]] = {
    int: _ints,
    float: _floats,
    bool: _bools,
    str: _strs,
    bytes: _bytestrings,
    _NONE: _nones,
}


_PARTS: Final = ord("g")


def unpack(r: Reader) -> list[Any] | None:
    """Read a packed group; None, with only its tag and count read, if parts follow one by one.

    The count of a group in parts is left for the caller to read.
    """
    code = r.data[r.pos]
    r.pos += 1
    if code == _PARTS:
        return None
    tag = bytes((code,))
    n = r.length()
    if tag == b"0":
        if n > _MANY_NONES and careful():
            raise CodecError("a stored value counts more than it holds: evaluate again")
        return [None] * n
    if tag in b"nm":
        return _read_nulls(r, None if tag == b"n" else _NAN)
    return _READERS[tag](r, n)


def _read_nulls(r: Reader, null: float | None) -> list[Any]:
    nulls = bytes(r.blob())
    present = unpack(r)
    assert present is not None  # written by `_with_nulls`
    values = iter(present)
    return [null if gap else next(values) for gap in nulls]


def _read_array(code: str) -> _Unpacker:
    def read(r: Reader, n: int) -> list[Any]:
        values: array[Any] = array(code)
        values.frombytes(r.blob())
        if sys.byteorder == "big":
            values.byteswap()
        return values.tolist()

    return read


def _read_strs(r: Reader, n: int) -> list[Any]:
    return str(r.blob(), "utf-8", "surrogatepass").split("\0")


def _read_bytestrings(r: Reader, n: int) -> list[Any]:
    sizes = _read_array("Q")(r, n)
    data = r.blob()
    out: list[Any] = []
    at = 0
    for size in sizes:
        out.append(bytes(data[at : at + size]))
        at += size
    return out


_READERS: Final[dict[bytes, _Unpacker]] = {
    b"q": _read_array("q"),
    b"d": _read_array("d"),
    b"?": lambda r, n: list(map(bool, r.blob())),
    b"u": _read_strs,
    b"y": _read_bytestrings,
}
