"""The records that are in segments but not yet in the index, kept in memory for the process.

Threading: any thread adds and finds; one thread at a time takes. What was taken stays findable
until `done`, so a reader that looks here first and in the index second misses nothing.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from cellgraph.stores.local.segment import Row


@dataclass(slots=True)
class Covered:
    """A stretch of a segment all of whose records are in the same batch."""

    segment: int
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way into the index, and what they cover."""

    rows: list[Row] = field(default_factory=list["Row"])
    covered: list[Covered] = field(default_factory=list[Covered])


class Overlay:
    """Rows by key prefix, in two generations: fresh, and on its way into the index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: dict[int, tuple[Row, ...]] = {}
        self._covered: list[Covered] = []
        self._last: dict[int, Covered] = {}  # by segment, the last of its stretches
        self._taken: dict[int, tuple[Row, ...]] = {}
        self._batch = Batch()
        self.pending = 0  # rows not yet taken

    def add(self, rows: Sequence[Row], covered: Covered) -> None:
        """Add the rows found in one stretch of one segment."""
        with self._lock:
            fresh = self._fresh
            heads = [row[0] for row in rows]
            if len(set(heads)) == len(heads) and fresh.keys().isdisjoint(heads):
                fresh.update(zip(heads, zip(rows, strict=True), strict=True))
            else:
                for row in rows:
                    fresh[row[0]] = (*fresh.get(row[0], ()), row)
            self.pending += len(rows)
            last = self._last.get(covered.segment)
            if last is not None and last.end == covered.start:
                last.end = covered.end
            else:
                self._last[covered.segment] = covered
                self._covered.append(covered)

    def find(self, prefixes: Sequence[int]) -> list[Row]:
        """Rows of the keys with these prefixes, in any order, possibly twice."""
        # Fresh first: `take` moves rows from fresh to taken, never back.
        found: list[Row] = []
        for generation in (self._fresh, self._taken):
            if generation:
                for prefix in prefixes:
                    found += generation.get(prefix, ())
        return found

    def take(self) -> Batch:
        """Everything that has to go into the index; the same again until `done` is called."""
        with self._lock:
            if not self._batch.covered and self._covered:
                self._taken, self._fresh = self._fresh, {}
                rows = [row for versions in self._taken.values() for row in versions]
                self._batch = Batch(rows, self._covered)
                self._covered, self._last = [], {}
                self.pending = 0
            return self._batch

    def __bool__(self) -> bool:
        """Whether anything is not in the index yet."""
        return bool(self._covered or self._batch.covered)

    def done(self) -> None:
        """What was taken is in the index."""
        with self._lock:
            self._taken = {}
            self._batch = Batch()
