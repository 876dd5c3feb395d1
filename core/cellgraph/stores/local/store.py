"""The store in a local folder. Why it is laid out so: `docs/decisions/0002-local-segments.md`.

Composition only: segments are written by `writer`, found by `index` and `tails`, read by `reader`;
payloads are files (`blobs`); `upkeep` syncs and fills the index in the background.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.local import history
from cellgraph.stores.local.blobs import Blobs
from cellgraph.stores.local.durability import Unsynced
from cellgraph.stores.local.faults import Quarantine, store_error
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.layout import prepare
from cellgraph.stores.local.lookup import Lookup
from cellgraph.stores.local.named import NamedFiles
from cellgraph.stores.local.overlay import Overlay
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.tails import Tails
from cellgraph.stores.local.trust import Trust
from cellgraph.stores.local.upkeep import Upkeep
from cellgraph.stores.local.writer import SegmentWriter, Written


class LocalStore:
    """A `Store` in the folder *root*, created if absent.

    Any number of processes and threads may use one folder. A process that ends without `close`,
    by any signal, loses nothing that `append` or `put_blob` returned from. A store opened before
    `os.fork` cannot be used in the child. *clock* returns nanoseconds since 1970.

    Raises StoreError if *root* is something else, has a newer format, or cannot be created.
    """

    def __init__(self, root: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.root = root.absolute()
        layout = prepare(self.root)
        self._forked = threading.Event()
        os.register_at_fork(after_in_child=_setter(self._forked))
        self._closed = False
        self._segments = layout.segments
        self._quarantine = Quarantine(layout.quarantine)
        self._overlay = Overlay()
        self._unsynced = Unsynced()
        self._index_file = IndexFile(layout)
        self._upkeep = Upkeep(self._overlay, self._index_file, self._unsynced)
        self._reader = SegmentReader(self._segments, self._quarantine)
        self._writer = SegmentWriter(self._segments, self._reader.learn, clock)
        tails = Tails(self._segments, self._reader, self._overlay, self._writer.own, clock)
        self._lookup = Lookup(
            self._index_file, self._overlay, self._reader, tails, self._upkeep.drop
        )
        trust = Trust(self._index_file, self._unsynced, self._upkeep.wake)
        self._blobs = Blobs(layout.blobs, self._quarantine, trust, clock)
        self._files = NamedFiles(self.root)

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """See `Store`. Raises StoreError when the index cannot be read or built anywhere."""
        self._check()
        return self._lookup.get_many(keys)

    def append(self, entries: Sequence[Entry]) -> None:
        """See `Store`. Raises StoreError when the records cannot be written."""
        self._check()
        self._writer.append(entries, self._wrote)

    def put_blob(self, payload: Payload) -> bytes:
        """See `Store`. Raises StoreError when the file cannot be written."""
        self._check()
        return self._blobs.put(payload)

    def get_blob(self, digest: bytes) -> Payload | None:
        """See `Store`. Raises StoreError when the file is there but cannot be opened."""
        self._check()
        return self._blobs.get(digest)

    def has_blob(self, digest: bytes) -> bool:
        """See `Store`."""
        self._check()
        return self._blobs.has(digest)

    def scan(self) -> Iterator[Entry]:
        """See `Store`. What is appended during the scan may or may not come."""
        self._check()
        return history.entries(self._segments, self._quarantine)

    def write_file(self, name: str, data: bytes) -> None:
        """See `Store`. Raises StoreError when the file cannot be written."""
        self._check()
        self._files.write(name, data)

    def read_file(self, name: str) -> bytes | None:
        """See `Store`."""
        self._check()
        return self._files.read(name)

    def list_files(self, folder: str) -> list[str]:
        """See `Store`."""
        self._check()
        return self._files.names(folder)

    def sync(self) -> None:
        """See `Store`. Raises StoreError when the disk refuses."""
        self._check()
        try:
            self._upkeep.sync()
        except OSError as error:
            raise store_error("sync", self.root, error) from error

    def close(self) -> None:
        """See `Store`."""
        if self._closed or self._forked.is_set():
            return
        self._closed = True
        self._upkeep.close()
        self._lookup.close()
        self._writer.close()
        self._index_file.close()

    def _wrote(self, written: Written) -> None:
        self._overlay.add(written.rows, written.covered)
        self._unsynced.note_segment(written.path)
        self._upkeep.wake()

    def _check(self) -> None:
        if self._closed:
            raise StoreError("the store is closed: open it again to use it")
        if self._forked.is_set():
            raise StoreError("a store cannot be used after fork: open it again in this process")


def _setter(flag: threading.Event) -> Callable[[], None]:
    """A function that sets *flag* as long as someone holds it: hooks of `fork` are for ever."""
    held = weakref.ref(flag)

    def set_it() -> None:
        found = held()
        if found is not None:
            found.set()

    return set_it
