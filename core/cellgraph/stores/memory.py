"""A store in the memory of this process: for tests, and for sessions that should leave no trace."""

import threading
from collections.abc import Iterator, Sequence

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.digest import DIGEST_BYTES
from cellgraph.errors import StoreError
from cellgraph.stores.base import KEEP_PER_KEY, Entry
from cellgraph.stores.names import split_name


class MemoryStore:
    """A `Store` that ends with the process. Payloads are copied in and copied out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._records: dict[bytes, list[bytes]] = {}
        self._blobs: dict[bytes, Payload] = {}
        self._files: dict[str, bytes] = {}
        self._closed = False

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """See `Store`."""
        self._check()
        found: dict[bytes, tuple[bytes, ...]] = {}
        with self._lock:
            for key in keys:
                records = self._records.get(key)
                if records:
                    found[key] = tuple(records[: -KEEP_PER_KEY - 1 : -1])
        return found

    def append(self, entries: Sequence[Entry]) -> None:
        """See `Store`."""
        self._check()
        for entry in entries:
            if len(entry.key) != DIGEST_BYTES:
                raise StoreError(f"a key must be a digest of {DIGEST_BYTES} bytes")
        with self._lock:
            self._entries += entries
            for entry in entries:
                self._records.setdefault(entry.key, []).append(entry.data)

    def put_blob(self, payload: Payload) -> bytes:
        """See `Store`."""
        self._check()
        name = payload.digest()
        with self._lock:
            if name not in self._blobs:
                self._blobs[name] = _copy(payload)
        return name

    def get_blob(self, digest: bytes) -> Payload | None:
        """See `Store`."""
        self._check()
        payload = self._blobs.get(digest)
        return None if payload is None else _copy(payload)

    def has_blob(self, digest: bytes) -> bool:
        """See `Store`."""
        self._check()
        return digest in self._blobs

    def scan(self) -> Iterator[Entry]:
        """See `Store`."""
        self._check()
        with self._lock:
            return iter(list(self._entries))

    def write_file(self, name: str, data: bytes) -> None:
        """See `Store`."""
        self._check()
        split_name(name)
        with self._lock:
            self._files[name] = bytes(data)

    def read_file(self, name: str) -> bytes | None:
        """See `Store`."""
        self._check()
        split_name(name)
        return self._files.get(name)

    def list_files(self, folder: str) -> list[str]:
        """See `Store`."""
        self._check()
        with self._lock:
            return sorted(name for name in self._files if name.startswith(f"{folder}/"))

    def sync(self) -> None:
        """See `Store`. Memory survives nothing; there is nothing to do."""
        self._check()

    def close(self) -> None:
        """See `Store`."""
        with self._lock:
            self._closed = True
            self._entries, self._records, self._blobs, self._files = [], {}, {}, {}

    def _check(self) -> None:
        if self._closed:
            raise StoreError("the store is closed: open another")


def _copy(payload: Payload) -> Payload:
    buffers = (Buffer(memoryview(bytearray(b.data)), b.digest) for b in payload.buffers)
    return Payload(payload.head, tuple(buffers))
