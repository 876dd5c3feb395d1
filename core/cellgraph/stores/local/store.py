"""The store in a local folder. Why it is laid out so: `docs/decisions/0002-local-segments.md`.

Composition only: segments are written by `writer`, found by `index` and `tails`, read by `reader`;
payloads are files (`blobs`); `upkeep` syncs and fills the index in the background.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.local import checking, datasets, history, sweep
from cellgraph.stores.local.blobs import GRACE_S, Blobs
from cellgraph.stores.local.durability import Unsynced
from cellgraph.stores.local.faults import Quarantine, store_error
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.layout import FORMAT, prepare
from cellgraph.stores.local.leases import LocalLeases
from cellgraph.stores.local.locks import Lock, locked
from cellgraph.stores.local.lookup import Lookup
from cellgraph.stores.local.named import NamedFiles
from cellgraph.stores.local.overlay import Overlay
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.rewriting import Rewriter
from cellgraph.stores.local.segment import segment_id
from cellgraph.stores.local.tails import Tails, list_segments
from cellgraph.stores.local.trust import Trust
from cellgraph.stores.local.upkeep import Upkeep
from cellgraph.stores.local.writer import SegmentWriter, Written
from cellgraph.stores.tended import Blob, Checked, Facts, Folder, Kept, Rewritten, Swept
from cellgraph.vouched import Judge, whole


class LocalStore:
    """A `Store` in the folder *root*, created if absent.

    Any number of processes and threads may use one folder. A process that ends without `close`,
    by any signal, loses nothing that `append` or `put_blob` returned from. A store opened before
    `os.fork` cannot be used in the child. *clock* returns nanoseconds since 1970. *grace_s* (see
    `Tended`) is the same for all who use a folder. *judge*: how records are believed (`vouched`).

    Raises StoreError if *root* is something else, has a newer format, or cannot be created.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        grace_s: float = GRACE_S,
        judge: Judge = whole,
    ) -> None:
        self.root = root.absolute()
        self.grace_s = grace_s
        self._clock = clock
        layout = prepare(self.root)
        self._forked = threading.Event()
        os.register_at_fork(after_in_child=_setter(self._forked))
        self._closed = False
        self._layout = layout
        self._segments = layout.segments
        self._quarantine = Quarantine(layout.quarantine)
        self._overlay = Overlay()
        self._unsynced = Unsynced()
        self._index_file = IndexFile(layout)
        self._upkeep = Upkeep(self._overlay, self._index_file, self._unsynced)
        self._judge = judge
        self._reader = SegmentReader(self._segments, self._quarantine, judge)
        self._writer = SegmentWriter(self._segments, self._reader.learn, clock)
        tails = Tails(self._segments, self._reader, self._overlay, self._writer.own, clock)
        self._lookup = Lookup(
            self._index_file, self._overlay, self._reader, tails, self._upkeep.drop
        )
        trust = Trust(self._index_file, self._unsynced, self._upkeep.wake)
        self._blobs = Blobs(layout.blobs, self._quarantine, trust, clock, grace_s)
        self._files = NamedFiles(self.root)
        self.leases = LocalLeases(self._sessions, self._lookup.hurry)

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
        return history.entries(self._segments, self._quarantine, self._judge)

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

    def segment_files(self) -> Iterator[tuple[str, Path]]:
        """Name and file of each segment, for whoever copies the store."""
        self._check()
        return ((name, self._segments / name) for name, _ in list_segments(self._segments))

    # --- care: see `Tended` -----------------------------------------------------------------

    def facts(self) -> Facts:
        """See `Tended`."""
        self._check()
        sizes = [size for _, size in list_segments(self._segments)]
        _, index_bytes = _sizes(self._index_file.get().path.parent)
        quarantine = _sizes(self._layout.quarantine)
        return Facts(str(self.root), FORMAT, len(sizes), sum(sizes), index_bytes, *quarantine)

    def kept(self) -> Iterator[Kept]:
        """See `Tended`."""
        self._check()
        return history.kept(self._segments, self._quarantine)

    def blobs(self) -> Iterator[Blob]:
        """See `Tended`."""
        self._check()
        return sweep.list_blobs(self._layout.blobs)

    def check(self) -> Checked:
        """See `Tended`."""
        self._check()
        return checking.check(self._segments, self._layout.blobs, self._blobs, self._quarantine)

    def rebuild(self) -> int:
        """See `Tended`. Other sessions keep the index they have open."""
        self._check()
        self._lookup.rebuild()
        return self._index_file.get().count()

    @contextmanager
    def collecting(self) -> Generator[None]:
        """See `Tended`."""
        self._check()
        with ExitStack() as held:
            try:
                found = held.enter_context(locked(self.root / ".collecting"))
            except OSError as error:
                raise store_error("collect", self.root, error) from error
            if found is Lock.BUSY:
                raise StoreError("the store is being collected already: wait for that to end")
            sweep.give_back_limbo(self._layout.blobs)
            datasets.give_back_limbo(self._layout.datasets)
            yield

    def rewrite(self, dead: Mapping[str, Collection[int]]) -> Rewritten:
        """See `Tended`. Raises StoreError."""
        self._check()
        made = Rewriter(self._segments, self._index_file, self._clock()).rewrite(dead)
        self._lookup.let_go([segment_id(name) for name in made.done])
        return made

    def remove_blobs(
        self, digests: Collection[bytes], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """See `Tended`. Raises StoreError."""
        self._check()
        if not remove:
            wanted = frozenset(digests)
            found = [blob.nbytes for blob in self.blobs() if blob.digest in wanted]
            return Swept(len(found), sum(found))
        gone = sweep.remove_blobs(self._layout.blobs, digests, self._before(grace_s))
        self._index_file.get().leave((), (), [blob.digest for blob in gone])
        return Swept(len(gone), sum(blob.nbytes for blob in gone))

    def datasets(self) -> Iterator[Folder]:
        """See `Tended`."""
        self._check()
        return datasets.list_datasets(self._layout.datasets)

    def shards(self, name: str) -> Mapping[str, bytes]:
        """See `Tended`. Raises StoreError."""
        self._check()
        return datasets.contents(self._layout.datasets, name)

    def remove_datasets(
        self, names: Collection[str], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """See `Tended`. Raises StoreError."""
        self._check()
        if not remove:
            found = [each.nbytes for each in self.datasets() if each.name in names]
            return Swept(len(found), sum(found))
        gone = datasets.remove_datasets(self._layout.datasets, names, self._before(grace_s))
        return Swept(len(gone), sum(each.nbytes for each in gone))

    def leftovers(self, grace_s: float, *, remove: bool) -> Swept:
        """See `Tended`. Raises StoreError."""
        self._check()
        before = self._before(grace_s)
        here = sweep.leftovers(self._layout.blobs, self._segments, before, remove=remove)
        drafts = datasets.leftovers(self._layout.datasets, before, remove=remove)
        return Swept(here.files + drafts.files, here.nbytes + drafts.nbytes)

    def remove_file(self, name: str) -> None:
        """See `Tended`. Raises StoreError."""
        self._check()
        self._files.remove(name)

    def _before(self, grace_s: float) -> int:
        return self._clock() - int(max(grace_s, self.grace_s) * 1_000_000_000)

    # --- life -------------------------------------------------------------------------------

    def close(self) -> None:
        """See `Store`."""
        if self._closed or self._forked.is_set():
            return
        self._closed = True
        self.leases.rest()
        self._upkeep.close()
        self._lookup.close()
        self._writer.close()
        self._index_file.close()

    def _sessions(self) -> Path | None:
        """Where sessions on this machine say what they compute; None where nothing is kept."""
        if self._closed or self._forked.is_set() or not os.access(self.root, os.W_OK):
            return None
        return self._index_file.get().path.parent / "sessions"

    def _wrote(self, written: Written) -> None:
        self._overlay.add(written.rows, written.covered)
        self._unsynced.note_segment(written.path)
        self._upkeep.wake()

    def _check(self) -> None:
        if self._closed:
            raise StoreError("the store is closed: open it again to use it")
        if self._forked.is_set():
            raise StoreError("a store cannot be used after fork: open it again in this process")


def _sizes(folder: Path) -> tuple[int, int]:
    """How many files a folder holds, and their size in bytes."""
    try:
        sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    except FileNotFoundError:
        return 0, 0
    return len(sizes), sum(sizes)


def _setter(flag: threading.Event) -> Callable[[], None]:
    """A function that sets *flag* as long as someone holds it: hooks of `fork` are for ever."""
    held = weakref.ref(flag)

    def set_it() -> None:
        found = held()
        if found is not None:
            found.set()

    return set_it
