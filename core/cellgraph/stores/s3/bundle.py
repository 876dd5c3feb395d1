"""The bytes of a segment object: the local segments it becomes, one after the other, and a footer.

A section holds the records of one zone, in the order of their stamps, as frames salted with the
name of the local segment that it becomes: a reader cuts the object into files and looks keys up
there. The footer says where each section lies, where each key is, and where the payloads are that
were written with these records. It is checked against the object's name, so a renamed object, like
a renamed segment, is damage.

    sections  footer  footer length(8)  check(32)  magic(16)         numbers are little-endian
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from cellgraph.digest import DIGEST_BYTES, Bytes, digest
from cellgraph.stores.local.segment import frame, prefixes, salt_of, segment_id
from cellgraph.stores.s3.bucket import MOST_BYTES
from cellgraph.stores.s3.place import section_name

MAGIC: Final = b"cellgraph.segs.1"
# A flush is 8 MB, a compaction 128 MB, one record 1 GB: nothing larger is read into memory.
MAX_OBJECT_BYTES: Final = MOST_BYTES
MAX_PAYLOAD_BYTES: Final = 5 << 40  # the largest object of S3
_TRAILER: Final = struct.Struct(f"<Q{DIGEST_BYTES}s16s")
_INDEXED: Final = struct.Struct("<qQ")


class DamagedBundle(Exception):
    """The bytes are not those of the object they are named after; the message says why."""


class Stamped(NamedTuple):
    """A record with its stamp, on the way from one segment to another."""

    zone: int
    stamp: int
    key: bytes
    data: bytes


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a payload lies: in a pack, or, without one, in an object of its own."""

    digest: bytes
    pack: bytes
    start: int
    length: int
    put_s: int = 0  # when it was put there, in seconds since 1970; 0: not known


class _Section(msgspec.Struct, array_like=True, frozen=True):
    zone: int
    start: int
    end: int


class _Footer(msgspec.Struct, array_like=True, frozen=True):
    sections: tuple[_Section, ...]
    index: bytes  # (first 8 bytes of the key, offset of the frame), sorted
    places: tuple[Place, ...]
    seal: bytes = b""  # who wrote it (`signing.Seal`) and the signature under `Bundle.content`


class Bundle(NamedTuple):
    """An object taken apart: local segment names with their bytes, and places of payloads."""

    sections: tuple[tuple[str, int, memoryview], ...]  # name, zone, bytes
    places: tuple[Place, ...]
    content: bytes = b""  # digest of all but the seal, for an object that has one
    seal: bytes = b""


_decoder: Final = msgspec.msgpack.Decoder(_Footer)


def build(
    name: str,
    records: Iterable[Stamped],
    places: Sequence[Place],
    sign: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Encode the object *name* (relative to ``segments/``). Equal records are written once.

    *sign* returns the seal for a digest.
    """
    zones: dict[int, dict[tuple[int, bytes], bytes]] = {}
    for zone, stamp, key, data in records:
        zones.setdefault(zone, {})[stamp, key] = data
    out = bytearray()
    sections: list[_Section] = []
    index: list[tuple[int, int]] = []
    for zone in sorted(zones):
        salt = salt_of(segment_id(section_name(name, zone)))
        begin = len(out)
        ordered = sorted(zones[zone].items())
        for prefix, ((stamp, key), data) in zip(
            prefixes(key for (_, key), _ in ordered), ordered, strict=True
        ):
            index.append((prefix, len(out)))
            out += frame(salt, stamp, key, data)
        sections.append(_Section(zone, begin, len(out)))
    index.sort()
    packed = b"".join(_INDEXED.pack(*row) for row in index)
    said = _Footer(tuple(sections), packed, tuple(places))
    if sign is not None:
        said = msgspec.structs.replace(said, seal=sign(_content(name, out, said)))
    footer = msgspec.msgpack.encode(said)
    out += footer
    out += _TRAILER.pack(len(footer), _check(name, footer), MAGIC)
    return bytes(out)


def parse(name: str, raw: bytes) -> Bundle:
    """Take an object apart. Frames are not checked here: whoever reads a record checks it.

    Raises DamagedBundle unless the footer is intact and that of an object with this name.
    """
    body = len(raw) - _TRAILER.size
    if body < 0:
        raise DamagedBundle("shorter than its trailer")
    length, check, magic = _TRAILER.unpack_from(raw, body)
    if magic != MAGIC or length > body:
        raise DamagedBundle("its trailer is wrong")
    footer = raw[body - length : body]
    if _check(name, footer) != check:
        raise DamagedBundle("its footer is wrong, or it was renamed")
    try:
        found = _decoder.decode(footer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise DamagedBundle("its footer cannot be read") from error
    view = memoryview(raw)
    sections: dict[int, tuple[str, int, memoryview]] = {}
    at = 0
    for zone, start, end in ((s.zone, s.start, s.end) for s in found.sections):
        if zone in sections or not (0 <= zone <= 255 and at == start <= end <= body - length):
            raise DamagedBundle("its sections do not fit")
        sections[zone] = (section_name(name, zone), zone, view[start:end])
        at = end
    content = _content(name, view[: body - length], found) if found.seal else b""
    places = tuple(filter(_plausible, found.places))
    return Bundle(tuple(sections.values()), places, content, found.seal)


def _content(name: str, body: Bytes, footer: _Footer) -> bytes:
    """Digest of an object but for its seal."""
    said = msgspec.msgpack.encode(msgspec.structs.replace(footer, seal=b""))
    return digest(_check(name, said) + digest(body))


def _plausible(place: Place) -> bool:
    return (
        len(place.digest) == DIGEST_BYTES
        and len(place.pack) in (0, DIGEST_BYTES)
        and 0 <= place.start <= MAX_OBJECT_BYTES
        and 0 < place.length <= MAX_PAYLOAD_BYTES
    )


def _check(name: str, footer: bytes) -> bytes:
    return digest(b"cellgraph.segment-object.1" + name.encode() + b"\0" + footer)
