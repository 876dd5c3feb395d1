"""What the children of a job run: one object, of which each child reads its own part. Pure.

    magic(8)  head length(8)  head  chunk  chunk  ...

The digest of the manifest is the digest of its head, and stands in the job's command line. The head
says what is common to all calls and where each chunk is, with its digest; a chunk holds the entries
of a few children that follow each other. So a child makes one request for a small manifest and two
for a large one, verifies what it read, and decodes its own entry alone.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from cellgraph.digest import digest
from cellgraph.errors import ExecutorError
from cellgraph.stores.s3.bundle import Place

MAGIC: Final = b"cgarray1"
FIRST_BYTES: Final = 32 << 10  # what a child reads at first
_CHUNK_BYTES: Final = 16 << 10
_CHUNK_ENTRIES: Final = 100
_PREFIX: Final = struct.Struct("<8sQ")


class CallEntry(msgspec.Struct, array_like=True, frozen=True):
    """One call: its key (empty: nobody else may answer for it), pickled arguments, payloads."""

    key: bytes
    arguments: bytes
    places: tuple[Place, ...] = ()


class Chunk(msgspec.Struct, array_like=True, frozen=True):
    """Where the entries of some children are: the first child, bytes from the first chunk."""

    first: int
    start: int
    length: int
    digest: bytes


class Needs(msgspec.Struct, array_like=True, frozen=True):
    """What the calls of a job are named by, beside their code and arguments: what they find."""

    place: str = ""  # the environment, as people know it; empty: nothing is known of one
    packages: tuple[tuple[str, str], ...] = ()  # with as much of the versions as counts
    counted: str = "exact"
    describe: bool = False  # it is not on record


class Head(msgspec.Struct, array_like=True, frozen=True):
    """What is common to the calls of a job."""

    array: str
    task: str
    code: Place  # of the payload that holds the function
    calls: int
    calls_per_child: int
    timeout_s: float  # of one call; 0: none
    chunks: tuple[Chunk, ...]
    needs: Needs = Needs()


_entry = msgspec.msgpack.Decoder(list[msgspec.Raw])
_calls = msgspec.msgpack.Decoder(list[CallEntry])
_head = msgspec.msgpack.Decoder(Head)


def build(
    array: str,
    task: str,
    code: Place,
    calls: Sequence[CallEntry],
    calls_per_child: int,
    timeout_s: float = 0.0,
    needs: Needs | None = None,
) -> tuple[bytes, bytes]:
    """Return the bytes of a manifest and its digest."""
    chunks: list[Chunk] = []
    body = bytearray()
    batch: list[msgspec.Raw] = []
    size = first = 0

    def close() -> None:
        nonlocal size, first
        raw = msgspec.msgpack.encode(batch)
        chunks.append(Chunk(first, len(body), len(raw), digest(raw)))
        body.extend(raw)
        first += len(batch)
        batch.clear()
        size = 0

    for at in range(0, len(calls), calls_per_child):
        raw = msgspec.msgpack.encode(list(calls[at : at + calls_per_child]))
        if batch and (size + len(raw) > _CHUNK_BYTES or len(batch) >= _CHUNK_ENTRIES):
            close()
        batch.append(msgspec.Raw(raw))
        size += len(raw)
    if batch:
        close()
    made = Head(
        array,
        task,
        code,
        len(calls),
        calls_per_child,
        timeout_s,
        tuple(chunks),
        needs or Needs(),
    )
    head = msgspec.msgpack.encode(made)
    return _PREFIX.pack(MAGIC, len(head)) + head + bytes(body), digest(head)


def read(
    get: Callable[[int, int], bytes], expected: bytes, child: int
) -> tuple[Head, list[CallEntry]]:
    """Read one child's calls. *get* returns bytes from an offset, fewer at the end.

    Raises ExecutorError when what is there is not what *expected*, the digest, promises.
    """
    start = get(0, FIRST_BYTES)
    if len(start) < _PREFIX.size:
        raise _damaged("it is too short")
    magic, length = _PREFIX.unpack_from(start)
    if magic != MAGIC:
        raise _damaged("it is of another kind")
    body_at = _PREFIX.size + length
    if len(start) < body_at:
        start += get(len(start), body_at - len(start))
    raw = start[_PREFIX.size : body_at]
    if digest(raw) != expected:
        raise _damaged("its head has another digest")
    head = _head.decode(raw)
    chunk = _chunk_of(head, child)
    at = body_at + chunk.start
    data = start[at : at + chunk.length]
    if len(data) < chunk.length:
        data = get(at, chunk.length)
    if digest(data) != chunk.digest:
        raise _damaged("a part of it has another digest")
    return head, _calls.decode(_entry.decode(data)[child - chunk.first])


def _chunk_of(head: Head, child: int) -> Chunk:
    if not 0 <= child * head.calls_per_child < head.calls:
        raise _damaged(f"it has no child {child}")
    return next(chunk for chunk in reversed(head.chunks) if chunk.first <= child)


def _damaged(why: str) -> ExecutorError:
    return ExecutorError(
        f"the manifest of this job is not the one that was submitted ({why}): evaluate again"
    )
