"""The one digest of the project: BLAKE3-256 over explicit bytes.

Chosen by measurement: 0.4 us for 40 bytes and several GB/s for large buffers, collision-resistant
(results are shared between people), one algorithm per store (`format.json` records it).
"""

from typing import Final

from blake3 import blake3

DIGEST_BYTES: Final = 32
# Above this many bytes the hash runs on all cores; below, starting threads costs more.
_PARALLEL_BYTES: Final = 4 << 20

Bytes = bytes | bytearray | memoryview


def digest(data: Bytes) -> bytes:
    """Return the 32-byte digest of *data*."""
    if len(data) >= _PARALLEL_BYTES:
        return blake3(data, max_threads=blake3.AUTO).digest()
    return blake3(data).digest()
