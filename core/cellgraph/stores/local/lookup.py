"""Answers `get_many`: overlay, index, segments, and a look at other processes for what is missing.

Threading: any thread; one lock.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.base import KEEP_PER_KEY
from cellgraph.stores.local.index import Index
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.overlay import Overlay
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.segment import Row, prefixes
from cellgraph.stores.local.tails import Tails

# A key with more records than this loses its oldest from the index (never from the segments).
_PRUNE_ABOVE: Final = 4 * KEEP_PER_KEY

Versions = list[tuple[Row, bytes]]


class Lookup:
    """Reads records. *drop* takes rows that are to leave the index: damaged, gone or too old."""

    def __init__(
        self,
        index_file: IndexFile,
        overlay: Overlay,
        reader: SegmentReader,
        tails: Tails,
        drop: Callable[[list[Row]], None],
    ) -> None:
        self._index_file = index_file
        self._overlay = overlay
        self._reader = reader
        self._tails = tails
        self._drop = drop
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """As `Store.get_many`. Raises StoreError when no index can be had."""
        with self._lock:
            index = self._index_file.get()
            try:
                return self._find_or_refresh(index, keys)
            except sqlite3.OperationalError as error:
                raise _unreadable(index, error) from error
            except sqlite3.DatabaseError:
                # A broken index is no loss: a new one is filled from the segments.
                index = self._index_file.replace(index)
                try:
                    return self._find_or_refresh(index, keys)
                except sqlite3.Error as error:
                    raise _unreadable(index, error) from error

    def rebuild(self) -> None:
        """Leave the index and fill a new one from the segments. Raises StoreError."""
        with self._lock:
            index = self._index_file.replace(self._index_file.get())
            try:
                self._tails.catch_up(index)
            except sqlite3.Error as error:
                raise _unreadable(index, error) from error

    def hurry(self) -> None:
        """Other processes have just written: let the next miss look for it."""
        self._tails.hurry()

    def let_go(self, segments: Iterable[int]) -> None:
        """Close the files of removed segments, which would hold their space on the disk."""
        with self._lock:
            self._reader.let_go(segments)

    def close(self) -> None:
        """Let go of the segments. Safe to call twice."""
        with self._lock:
            self._reader.close()

    def _find_or_refresh(
        self, index: Index, keys: Sequence[bytes]
    ) -> dict[bytes, tuple[bytes, ...]]:
        self._tails.catch_up(index)
        wanted = set(keys)
        found = self._find_anew(index, wanted)
        if len(found) < len(wanted) and self._tails.refresh(index):
            found.update(self._find_anew(index, wanted.difference(found)))
        return found

    def _find_anew(self, index: Index, wanted: set[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """What is known; looked for again as long as segments are replaced under the look."""
        while True:
            found = self._find(index, wanted)
            gone = self._reader.take_gone()
            if not (gone and self._tails.replaced(index, gone)):
                return found

    def _find(self, index: Index, wanted: set[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        heads = prefixes(wanted)
        # The overlay before the index: what leaves the one is in the other by then.
        fresh = self._overlay.find(heads)
        rows = index.find(heads)
        if fresh:
            rows = list({*rows, *fresh})
        if not rows:
            return {}
        rows = self._with_names(index, rows)
        lost: list[Row] = []
        versions: dict[bytes, Versions] = {}
        for row, key, data in self._reader.read(rows, lost):
            if key in wanted:  # else its first 8 bytes are those of another key
                known = versions.get(key)
                if known is None:
                    versions[key] = [(row, data)]
                else:
                    known.append((row, data))
        if lost:
            self._drop(lost)
        return {
            key: (known[0][1],) if len(known) == 1 else self._newest(known)
            for key, known in versions.items()
        }

    def _newest(self, versions: Versions) -> tuple[bytes, ...]:
        versions.sort(reverse=True)  # rows of one key sort by stamp, then segment
        # A collector that was killed leaves a record in two segments.
        twins: dict[tuple[int, bytes], Row] = {}
        for row, data in versions:
            if (row[1], data) not in twins or type(data) is bytes:  # the one that is believed whole
                twins[row[1], data] = row
        if len(twins) < len(versions):
            versions = [(row, data) for row, data in versions if twins[row[1], data] == row]
        if len(versions) > _PRUNE_ABOVE:
            self._drop([row for row, _ in versions[KEEP_PER_KEY:]])
        return tuple(data for _, data in versions[:KEEP_PER_KEY])

    def _with_names(self, index: Index, rows: list[Row]) -> list[Row]:
        """Learn the names of segments that another process wrote and indexed by now; leave out the
        rows of those that a collector took out of the index since."""
        gone: set[int] = set()
        for segment in {row[2] for row in rows}:
            if not self._reader.knows(segment):
                name = index.segment_name(segment)
                if name is not None:
                    self._reader.learn(name)
                else:
                    gone.add(segment)
        if gone:
            self._reader.miss(gone)
            return [row for row in rows if row[2] not in gone]
        return rows


def _unreadable(index: Index, error: sqlite3.Error) -> StoreError:
    return StoreError(
        f"the index {index.path} cannot be read ({error}): free space there and try again; it may "
        "be deleted while no session is open and is rebuilt then"
    )
