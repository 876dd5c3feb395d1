"""The background thread of a store: syncs files within 50 ms, fills the index in batches.

It starts with the first write, sleeps while there is nothing to do, and is a daemon: if the process
ends without `close`, the next one finds in the segments what the index lacks.

Threading: any thread calls. Errors in the background are logged and the work is tried again: the
segments are the truth, nothing is lost.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.local.durability import Unsynced
from cellgraph.stores.local.index import Mark
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.overlay import Overlay
from cellgraph.stores.local.segment import Row
from cellgraph.stores.local.trust import MARK_BYTES

SYNC_EVERY_S: Final = 0.05
INDEX_EVERY_S: Final = 0.25
INDEX_AT_ROWS: Final = 5000
RETRY_AFTER_S: Final = 2.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Owns the thread, and what waits for the index besides the overlay."""

    def __init__(self, overlay: Overlay, index_file: IndexFile, unsynced: Unsynced) -> None:
        self._overlay = overlay
        self._index_file = index_file
        self._unsynced = unsynced
        self._lock = threading.Lock()  # guards the next two and the start of the thread
        self._marks: dict[bytes, Mark] = {}
        self._dropped: list[Row] = []
        self._indexing = threading.Lock()
        self._complaints: set[str] = set()
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread: list[threading.Thread] = []

    def wake(self) -> None:
        """There is something to do. Cheap when the thread is awake."""
        if not self._work.is_set():
            self._start()
            self._work.set()

    def drop(self, rows: Iterable[Row]) -> None:
        """Take *rows* out of the index, later."""
        with self._lock:
            self._dropped += rows
        self.wake()

    def sync(self) -> None:
        """Put everything written so far on the disk, now. Raises OSError."""
        marks = self._unsynced.sync()
        kept = {digest: mark for digest, mark in marks.items() if mark.size >= MARK_BYTES}
        with self._lock:
            self._marks |= kept

    def fill_index(self) -> None:
        """Put into the index what waits for it. Raises sqlite3.Error or StoreError."""
        with self._indexing:
            batch = self._overlay.take()
            with self._lock:
                marks, self._marks = self._marks, {}
                dropped, self._dropped = self._dropped, []
            if not (batch.covered or marks or dropped):
                return
            index = self._index_file.get()
            try:
                index.add(batch, marks)
                if dropped:
                    index.drop(dropped)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                # Broken: the next lookup fills a new one from the segments, this batch included.
                index = self._index_file.replace(index)
                index.add(batch, marks)
            self._overlay.done()

    def close(self) -> None:
        """Do what is left and end the thread. Safe to call twice."""
        self._stop.set()
        self._work.set()
        with self._lock:
            threads = list(self._thread)
        for thread in threads:
            thread.join()
        self._tidy(index=True)

    def _start(self) -> None:
        with self._lock:
            if self._thread or self._stop.is_set():
                return
            thread = threading.Thread(target=self._run, name="cellgraph-store", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the interpreter is ending, or no more threads
                _log.debug("no background thread for the store: %s", error)
                return
            self._thread.append(thread)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.wait()
            indexed_at = time.monotonic()
            pause = SYNC_EVERY_S
            while not self._stop.wait(pause):
                now = time.monotonic()
                due = self._overlay.pending >= INDEX_AT_ROWS or now - indexed_at >= INDEX_EVERY_S
                pause = SYNC_EVERY_S if self._tidy(index=due) else RETRY_AFTER_S
                if due:
                    indexed_at = now
                    # Cleared before the look: what comes after it sets it again.
                    self._work.clear()
                    if not self._busy():
                        break
                    self._work.set()

    def _tidy(self, *, index: bool) -> bool:
        """Sync, and fill the index if asked to. Returns whether all went well."""
        well = True
        try:
            self.sync()
        except OSError as error:
            well = False
            self._complain(f"the store's files cannot be synced: {error}")
        if index:
            try:
                self.fill_index()
            except (OSError, sqlite3.Error, StoreError) as error:
                well = False
                self._complain(f"the index cannot be written, a later session fills it: {error}")
        return well

    def _complain(self, message: str) -> None:
        """Log a failure once, however often it is tried again."""
        if message not in self._complaints:
            self._complaints.add(message)
            _log.warning(message)

    def _busy(self) -> bool:
        return bool(self._unsynced or self._overlay or self._marks or self._dropped)
