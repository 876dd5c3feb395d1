"""The bytes of a segment: frames one after the other, each with a check of its own. Pure.

A frame is `magic(4) length(4) check(8) | stamp(8) key(32) data`, little-endian; `length` counts
what follows the check. The check is the first 8 bytes of BLAKE3 over the segment's salt and
the rest, so a frame counts only in the segment it was written to: bytes inside a record's data that
look like a frame are never taken for one. The salt comes from the file's name, hence no byte of
the file is needed to read any record but the record's own. `stamp` orders records between
segments and processes (nanoseconds since 1970, strictly increasing within a writer).
"""

import struct
from collections.abc import Iterable
from mmap import mmap
from typing import Final, NamedTuple, cast

from cellgraph.digest import DIGEST_BYTES, digest
from cellgraph.errors import StoreError

MAGIC: Final = b"\xf1cg1"
_HEAD: Final = struct.Struct("<4sI8s")
_STAMP: Final = struct.Struct("<Q")
_STAMP_AND_PREFIX: Final = struct.Struct("<Qq")
_KEY_PREFIX: Final = struct.Struct(f"<q{DIGEST_BYTES - 8}x")
_CHECK_AT: Final = 8
_KEY_AT: Final = _HEAD.size + _STAMP.size
_DATA_AT: Final = _KEY_AT + DIGEST_BYTES
_BODY_MIN: Final = _DATA_AT - _HEAD.size
_MAX_STAMP: Final = (1 << 63) - 1  # what an index holds; a clock says so in 2262
MAX_DATA_BYTES: Final = 1 << 30

# Where a record is: first 8 bytes of its key, stamp, segment id, offset, length of the frame.
# A plain tuple, because one is made for every record on the hot path.
Row = tuple[int, int, int, int, int]


class Scan(NamedTuple):
    """What a stretch of a segment holds."""

    rows: list[Row]
    end: int  # offset in the file up to which every byte is accounted for
    damaged: list[tuple[int, int]]  # [start, stop) in the file, each followed by an intact frame


def segment_id(name: str) -> int:
    """The 63-bit number of a segment, from its name: the same in every process and index."""
    return int.from_bytes(digest(name.encode())[:8], "little") >> 1


def salt_of(segment: int) -> bytes:
    """What joins the check of each frame of *segment*."""
    return segment.to_bytes(8, "little")


def prefixes(keys: Iterable[bytes]) -> list[int]:
    """First 8 bytes of each key as signed integers, in order.

    Raises StoreError when a key is not a digest.
    """
    joined = b"".join(keys)
    if len(joined) % DIGEST_BYTES:
        raise StoreError(f"a key must be a digest of {DIGEST_BYTES} bytes: use cellgraph.digest")
    return [prefix for (prefix,) in _KEY_PREFIX.iter_unpack(joined)]


def frame(salt: bytes, stamp: int, key: bytes, data: bytes) -> bytes:
    """Encode one record."""
    body = _STAMP.pack(stamp) + key + data
    return _HEAD.pack(MAGIC, len(body), digest(salt + body)[:8]) + body


def unframe(salt: bytes, raw: bytes) -> tuple[bytes, bytes] | None:
    """Return (key, data) of one whole frame, or None when it is damaged.

    Its magic and length served to find it; the check covers all that is returned.
    """
    if len(raw) < _DATA_AT or digest(salt + raw[_HEAD.size :])[:8] != raw[_CHECK_AT : _HEAD.size]:
        return None
    return raw[_KEY_AT:_DATA_AT], raw[_DATA_AT:]


def scan(raw: bytes, base: int, segment: int) -> Scan:
    """Find the frames in *raw*, which starts at offset *base* of the file of *segment*.

    Bytes that are no frame but are followed by one are damage. Bytes that are followed by none are
    left for later: the last record of a writer that was killed, or one that is being written.
    """
    salt = salt_of(segment)
    rows: list[Row] = []
    damaged: list[tuple[int, int]] = []
    at = 0
    while span := first_frame(raw, at, salt):
        start, end = span
        if start > at:
            damaged.append((base + at, base + start))
        stamp, prefix = _STAMP_AND_PREFIX.unpack_from(raw, start + _HEAD.size)
        if stamp <= _MAX_STAMP:
            rows.append((prefix, stamp, segment, base + start, end - start))
        at = end
    return Scan(rows, base + at, damaged)


def first_frame(raw: bytes | mmap, at: int, salt: bytes) -> tuple[int, int] | None:
    """[start, end) of the first intact frame at or behind *at*, or None."""
    end = _end_of_frame(raw, at, salt)
    while not end:
        at = raw.find(MAGIC, at + 1)
        if at < 0:
            return None
        end = _end_of_frame(raw, at, salt)
    return at, end


def stamp_of(raw: bytes) -> int:
    """The stamp of one whole frame."""
    (stamp,) = _STAMP.unpack_from(raw, _HEAD.size)
    return cast("int", stamp)


def _end_of_frame(raw: bytes | mmap, at: int, salt: bytes) -> int:
    """Offset behind the intact frame at *at*, or 0 if there is none."""
    body_at = at + _HEAD.size
    if body_at > len(raw):
        return 0
    magic, length, check = _HEAD.unpack_from(raw, at)
    end = body_at + length
    if magic != MAGIC or length < _BODY_MIN or end > len(raw):
        return 0
    return end if digest(salt + raw[body_at:end])[:8] == check else 0
