"""The storage form of one value: a small head and large buffers.

`head` is the flat encoding of containers, scalars and the metadata of leaves. Arrays, columns and
pickled objects put their bytes into `buffers`, which the head refers to in order. Each buffer is
hashed once: its digest serves both the canonical identity of the leaf and the digest of the blob.
"""

from dataclasses import dataclass

from cellgraph.digest import digest

# A payload up to this size travels inside its record; above, it is a blob of its own.
INLINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Buffer:
    """Flat read-only bytes (`data.format == "B"`, one dimension, contiguous) and their digest."""

    data: memoryview
    digest: bytes

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> "Buffer":
        """Hash *data* (any contiguous buffer) once."""
        view = memoryview(data)
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        return cls(view, digest(view))


@dataclass(frozen=True, slots=True)
class Payload:
    """What a store keeps of a value."""

    head: bytes
    buffers: tuple[Buffer, ...] = ()

    @property
    def nbytes(self) -> int:
        """Size of head and buffers together."""
        return len(self.head) + sum(b.data.nbytes for b in self.buffers)

    def digest(self) -> bytes:
        """Blob digest: Merkle over head and buffer digests, so that no byte is hashed twice."""
        return digest(
            b"cellgraph.payload.1"
            + len(self.head).to_bytes(8, "little")
            + self.head
            + b"".join(b.digest for b in self.buffers)
        )
