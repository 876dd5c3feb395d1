"""Finds what segments hold beyond what the index knows: after a crash, and from other processes.

Opening looks at every segment (one `stat` each). Later, at most once in `REFRESH_S` and only when a
key was missed, the folders of the current epoch are listed; all of them, when a segment was gone. A
torn last record stays unread; the process that wrote it is gone, and a new process writes a new
segment.

Threading: the caller holds one lock around all calls of an instance.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cellgraph.stores.local.index import Index
from cellgraph.stores.local.layout import epoch_of
from cellgraph.stores.local.overlay import Batch, Covered, Overlay
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.segment import Scan, scan

REFRESH_S: Final = 0.5
# A slow listing (many segments, network) takes at most a twentieth of the time.
_PAUSE_PER_LISTING: Final = 20
# Writers change folders at midnight; one may still be on its way into yesterday's.
_GRACE_NS: Final = 600 * 1_000_000_000


class Tails:
    """What this process knows of the length of each segment."""

    def __init__(
        self,
        folder: Path,
        reader: SegmentReader,
        overlay: Overlay,
        own: Collection[int],
        clock: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._reader = reader
        self._overlay = overlay
        self._own = own
        self._clock = clock
        self._known: dict[int, int] = {}  # segment id -> length covered by index or overlay
        self._met_gone: set[int] = set()
        self._caught_up: Index | None = None
        self._next_refresh = 0.0

    def catch_up(self, index: Index) -> None:
        """Bring *index* up to the segments on the disk, once per index."""
        if index is self._caught_up:
            return
        self._reader.take_gone()
        while not self._cover_all(index):
            pass  # a collector replaced segments between the listing and the look at them
        self._caught_up = index
        self._next_refresh = time.monotonic() + REFRESH_S

    def _cover_all(self, index: Index) -> bool:
        """Index what lies behind the index; false if a segment went while it was looked at."""
        # The index first: a segment it names was there before the listing.
        indexed = index.indexed()
        self._known = {}
        forgotten = dict.fromkeys(indexed)
        for name, size in list_segments(self._folder):
            segment = self._reader.learn(name)
            forgotten.pop(segment, None)
            _, have = indexed.get(segment, ("", 0))
            if size < have:  # power loss took the end of it
                index.forget([segment])
                have = 0
            self._known[segment] = self._into_index(index, name, have) if size > have else have
        if forgotten:
            index.forget(forgotten)
        return all(self._reader.exists(segment) for segment in self._reader.take_gone())

    def replaced(self, index: Index, gone: set[int]) -> bool:
        """Look for what stands in the place of segments that were not there when read.

        Returns whether another look is worth it; once for each segment.
        """
        fresh = gone - self._met_gone
        if not fresh:
            return False
        self._met_gone |= fresh
        removed = {segment for segment in fresh if not self._reader.exists(segment)}
        known = [segment for segment in removed if index.segment_name(segment) is not None]
        if known:
            index.forget(known)
        self._reader.let_go(removed)
        for segment in fresh:
            self._known.pop(segment, None)
        for name, size in list_segments(self._folder):
            segment = self._reader.learn(name)
            if segment not in self._own and size > self._known.get(segment, 0):
                self._into_overlay(index, name, segment, size)
        return True

    def hurry(self) -> None:
        """Let the next `refresh` happen at once. Any thread."""
        self._next_refresh = 0.0

    def refresh(self, index: Index) -> bool:
        """Look for records of other processes, unless that was done just now.

        Returns whether a missed key is worth another look.
        """
        started = time.monotonic()
        if started < self._next_refresh:
            return False
        grown = False
        for name, size in list_segments(self._folder, self._current_epochs()):
            segment = self._reader.learn(name)
            if segment not in self._own and size > self._known.get(segment, 0):
                grown |= self._into_overlay(index, name, segment, size)
        finished = time.monotonic()
        self._next_refresh = finished + max(REFRESH_S, _PAUSE_PER_LISTING * (finished - started))
        return grown

    def _current_epochs(self) -> tuple[str, ...]:
        now = self._clock()
        return tuple({str(epoch_of(now)), str(epoch_of(now - _GRACE_NS))})

    def _into_index(self, index: Index, name: str, start: int) -> int:
        """Index the tail of a segment; return the length covered now."""
        found, covered = self._scan_tail(name, start)
        if not found.rows and covered.end == start:
            return start
        try:
            index.add(Batch(found.rows, [covered]), {})
        except sqlite3.OperationalError:
            # Full or locked for long: the index gets them later, the process has them now.
            self._overlay.add(found.rows, covered)
        return covered.end

    def _into_overlay(self, index: Index, name: str, segment: int, size: int) -> bool:
        before = self._known.get(segment, 0)
        start = max(before, index.indexed_length(segment))
        end = start
        if size > start:
            found, covered = self._scan_tail(name, start)
            end = covered.end
            if found.rows:
                self._overlay.add(found.rows, covered)
        self._known[segment] = end
        return end > before

    def _scan_tail(self, name: str, start: int) -> tuple[Scan, Covered]:
        segment = self._reader.learn(name)
        raw = self._reader.tail(name, start)
        found = scan(raw, start, segment)
        self._reader.keep_damage(name, start, raw, found.damaged)
        end = found.end
        if int(name.partition("/")[0]) < epoch_of(self._clock()) - 1:
            end = start + len(raw)  # nobody writes there any more: its torn end is final
        return found, Covered(segment, name, start, end)


def list_segments(folder: Path, epochs: Collection[str] | None = None) -> Iterator[tuple[str, int]]:
    """Yield (name relative to *folder*, size) of the segments, of some epochs or of all."""
    if epochs is None:
        epochs = sorted((e.name for e in _entries(folder) if e.name.isdecimal()), key=int)
    for epoch in epochs:
        for zone in _entries(folder / epoch):
            for entry in _entries(folder / epoch / zone.name):
                if entry.name.endswith(".seg"):
                    with suppress(FileNotFoundError):
                        yield f"{epoch}/{zone.name}/{entry.name}", entry.stat().st_size


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
