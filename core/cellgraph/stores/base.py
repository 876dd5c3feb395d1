"""What the engine needs of a store: records by key, payloads by digest.

Threading: every method may be called from any thread. `append` and `put_blob` return after the
bytes are with the operating system (they survive `kill -9`); `sync` makes them survive power loss.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from cellgraph.codecs.payload import Payload

KEEP_PER_KEY = 16


class Entry(NamedTuple):
    """One record on its way into the store."""

    key: bytes  # 32-byte digest
    zone: int  # 0..255: first byte of the digest of the task's name
    data: bytes  # an encoded record, opaque to the store


class Store(Protocol):
    """Records under keys (several per key, newest first) and payloads under their digests."""

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """Return the newest `KEEP_PER_KEY` records of each key that has any, newest first.

        A damaged record is quarantined and left out. Unknown keys are left out.
        """
        ...

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records. When this returns they survive the death of the process."""
        ...

    def put_blob(self, payload: Payload) -> bytes:
        """Write *payload* unless it is there; return its digest (`payload.digest()`)."""
        ...

    def get_blob(self, digest: bytes) -> Payload | None:
        """Return the payload, verified, its buffers as private writable maps; None if absent.

        A damaged blob is quarantined and absent.
        """
        ...

    def has_blob(self, digest: bytes) -> bool:
        """Say whether the payload is there, without reading it."""
        ...

    def scan(self) -> Iterable[Entry]:
        """Yield every record, oldest first (for `runs`, `explain`, gc; never on the hot path)."""
        ...

    def write_file(self, name: str, data: bytes) -> None:
        """Write a small named object whole (``runs/<utc>-<id>.json``), replacing an earlier one."""
        ...

    def read_file(self, name: str) -> bytes | None:
        """Return a named object, or None."""
        ...

    def list_files(self, folder: str) -> list[str]:
        """Names of the objects in *folder*, sorted."""
        ...

    def sync(self) -> None:
        """Make everything appended so far survive power loss."""
        ...

    def close(self) -> None:
        """Flush the index, sync, and let go. Safe to call twice."""
        ...
