"""Keys and payloads for tests of stores. Imports no test library, so child processes may use it."""

from collections.abc import Sequence

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.digest import digest

_SIZES = (0, 1, 63, 64, 65, 4096, 300_001)


def key_of(*parts: object) -> bytes:
    """A key for a test: the digest of the parts' text."""
    return digest(repr(parts).encode())


def sample_payload(tag: int, sizes: Sequence[int] = _SIZES) -> Payload:
    """A payload with one buffer of each size; another *tag* gives other bytes."""
    pattern = bytes((i * 7 + tag) % 256 for i in range(1024))
    buffers = ((pattern * (size // 1024 + 1))[:size] for size in sizes)
    return Payload(f"head of {tag}".encode(), tuple(Buffer.of(b) for b in buffers))


def contents(payload: Payload | None) -> tuple[bytes, list[bytes], list[bytes]] | None:
    """What a payload holds, to compare."""
    if payload is None:
        return None
    data = [bytes(b.data) for b in payload.buffers]
    return payload.head, data, [b.digest for b in payload.buffers]
