"""The bytes of a blob file. Pure.

`magic(16) head length(8) buffer count(8)`, then per buffer `length(8) digest(32)`, then the head,
then each buffer at the next multiple of 64 bytes, so that it can be mapped where it lies. Numbers
are little-endian. The file's name is the payload's digest, which covers the head and the buffers'
digests; the buffers are checked against theirs.
"""

import struct
from typing import Final

from cellgraph.codecs.payload import Buffer, Payload

MAGIC: Final = b"cellgraph.blob.1"
ALIGN: Final = 64
_HEADER: Final = struct.Struct("<16sQQ")
_BUFFER: Final = struct.Struct("<Q32s")
_ZEROS: Final = bytes(ALIGN)


class DamagedBlob(Exception):
    """The bytes are not those of the payload they are named after; the message says why."""


def parts(payload: Payload) -> tuple[list[bytes | memoryview], int]:
    """The pieces of the file in order, buffers uncopied, and its size in bytes."""
    table = b"".join(_BUFFER.pack(b.data.nbytes, b.digest) for b in payload.buffers)
    header = _HEADER.pack(MAGIC, len(payload.head), len(payload.buffers))
    pieces: list[bytes | memoryview] = [header + table + payload.head]
    size = len(pieces[0])
    for buffer in payload.buffers:
        padding = -size % ALIGN
        pieces += (_ZEROS[:padding], buffer.data)
        size += padding + buffer.data.nbytes
    return pieces, size


def parse(data: memoryview, name: bytes) -> Payload:
    """Take a file apart; the buffers are slices of *data*, not yet checked.

    Raises DamagedBlob unless head and buffer digests are those of *name* and the size is right. A
    wrong length of a buffer that padding hides shows when the buffer is checked against its digest.
    """
    if len(data) < _HEADER.size:
        raise DamagedBlob("shorter than its header")
    magic, head_bytes, count = _HEADER.unpack_from(data)
    head_at = _HEADER.size + count * _BUFFER.size
    at = head_at + head_bytes
    if magic != MAGIC or at > len(data):
        raise DamagedBlob("its header is wrong")
    buffers: list[Buffer] = []
    for length, digest in _BUFFER.iter_unpack(data[_HEADER.size : head_at]):
        at += -at % ALIGN
        buffers.append(Buffer(data[at : at + length], digest))
        at += length
    if at != len(data):
        raise DamagedBlob(f"{len(data)} bytes long instead of {at}")
    payload = Payload(bytes(data[head_at : head_at + head_bytes]), tuple(buffers))
    if payload.digest() != name:
        raise DamagedBlob("its head or the list of its buffers is wrong")
    return payload
