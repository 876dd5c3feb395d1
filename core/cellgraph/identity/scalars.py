"""Encoding of the immutable built-in values, by exact type, and of raw memory.

`1`, `True`, `1.0` differ by their tags. Floats count by their bits, so `-0.0` differs from `0.0`;
every NaN is the one canonical NaN (on x86 `inf - inf` has the sign bit set, `float("nan")` not).
"""

import struct
from typing import Final

from cellgraph.identity.reading import Build, Decoder, Reader, decoders, openers, ready
from cellgraph.identity.tables import Raw, Split, encoders, splitters
from cellgraph.identity.wire import FOLD_BYTES, Encoded, Pass, blob, fold, join, length

_INT: Final = struct.Struct("<cq").pack
_FLOAT: Final = struct.Struct("<cd").pack
_COMPLEX: Final = struct.Struct("<cdd").pack
_NAN: Final = float("nan")
_STR_HEADS: Final = [b"s" + length(n) for n in range(FOLD_BYTES)]
_BYTES_HEADS: Final = [b"b" + length(n) for n in range(FOLD_BYTES)]
# Up to here tag, length and content together fit without folding.
_SHORT: Final = FOLD_BYTES - 4


# Immutable, and encoded without looking at anything else.
ATOMS: Final = frozenset({int, float, bool, str, bytes, complex, type(None)})


def _none(value: None, depth: int, p: Pass) -> Encoded:
    return b"N"


def _bool(value: bool, depth: int, p: Pass) -> Encoded:
    return b"T" if value else b"F"


def _int(value: int, depth: int, p: Pass) -> Encoded:
    try:
        return _INT(b"i", value)
    except struct.error:
        size = value.bit_length() // 8 + 1
        data = value.to_bytes(size, "little", signed=True)
        return fold(join((b"I", blob(data, p))), p)


def _float(value: float, depth: int, p: Pass) -> Encoded:
    return _FLOAT(b"f", value if value == value else _NAN)  # the test for NaN


def _complex(value: complex, depth: int, p: Pass) -> Encoded:
    real, imag = value.real, value.imag
    return _COMPLEX(
        b"c",
        real if real == real else _NAN,  # the test for NaN
        imag if imag == imag else _NAN,  # the test for NaN
    )


def _str(value: str, depth: int, p: Pass) -> Encoded:
    data = value.encode("utf-8", "surrogatepass")
    n = len(data)
    if n <= _SHORT:
        return _STR_HEADS[n] + data
    return fold(join((b"s", blob(data, p))), p)


def _bytes(value: bytes, depth: int, p: Pass) -> Encoded:
    n = len(value)
    if n <= _SHORT:
        return _BYTES_HEADS[n] + value
    return fold(join((b"b", blob(value, p))), p)


def _bytearray(value: bytearray, depth: int, p: Pass) -> Encoded:
    p.once(value)
    return _whole_bytearray(value, p)


def _whole_bytearray(value: bytearray, p: Pass) -> Encoded:
    return fold(join((b"a", blob(value if p.buffers is None else bytes(value), p))), p)


def _split_bytearray(value: bytearray, p: Pass) -> Split:
    whole = _whole_bytearray(value, p)
    if isinstance(whole, bytes):
        return Split(whole, whole, ())
    return Split(whole[0], whole[1], ())


def _raw(value: Raw, depth: int, p: Pass) -> Encoded:
    data = value.data
    if not value.stable and p.buffers is not None:
        data = value.copied(data)
    return fold(join((b"r", blob(data, p))), p)


encoders.update(
    {
        type(None): _none,
        bool: _bool,
        int: _int,
        float: _float,
        complex: _complex,
        str: _str,
        bytes: _bytes,
        bytearray: _bytearray,
        Raw: _raw,
    }
)
splitters[bytearray] = _split_bytearray


def _read_big(r: Reader) -> int:
    return int.from_bytes(r.blob(), "little", signed=True)


_READ_INT: Final = struct.Struct("<q").unpack_from
_READ_FLOAT: Final = struct.Struct("<d").unpack_from


def _read_int(r: Reader) -> int:
    start = r.pos
    r.pos = start + 8
    value: int = _READ_INT(r.data, start)[0]
    return value


def _read_float(r: Reader) -> float:
    start = r.pos
    r.pos = start + 8
    value: float = _READ_FLOAT(r.data, start)[0]
    return value


def _read_complex(r: Reader) -> complex:
    return complex(_read_float(r), _read_float(r))


def _read_str(r: Reader) -> str:
    start = r.pos + 1
    n = r.data[start - 1]
    if n < 128:  # the length is this one byte
        r.pos = start + n
        return str(r.data[start : r.pos], "utf-8", "surrogatepass")
    return str(r.blob(), "utf-8", "surrogatepass")


def _read_bytes(r: Reader) -> bytes:
    return bytes(r.blob())


def _read_bytearray(r: Reader) -> bytearray:
    return bytearray(r.blob())


def _open_bytearray(r: Reader) -> Build:
    return ready(_read_bytearray(r))


openers[ord("a")] = _open_bytearray
_decoders: Final[dict[bytes, Decoder]] = {
    b"N": lambda r: None,
    b"T": lambda r: True,
    b"F": lambda r: False,
    b"i": _read_int,
    b"I": _read_big,
    b"f": _read_float,
    b"c": _read_complex,
    b"s": _read_str,
    b"b": _read_bytes,
    b"a": _read_bytearray,
    b"r": Reader.own,
}

for _tag, _decode in _decoders.items():
    decoders[_tag[0]] = _decode
