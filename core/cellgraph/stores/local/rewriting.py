"""Replaces segments by others without their dead records, beside any number of readers and writers.

A segment is rewritten only while its lock is held here, so nobody appends to it. Where there are no
locks, segments of the last two days are left alone. The new segment is on the disk and in the index
before the old one goes. In between, and after a kill, a record stands in two segments with one
stamp: readers count it once, and the next collection drops one of them. A reader that finds the old
segment gone looks at the index again.

Threading: the caller holds the collector's lock of the store.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.errors import StoreError
from cellgraph.stores.local.faults import store_error
from cellgraph.stores.local.indexfile import IndexFile
from cellgraph.stores.local.layout import (
    FETCHED_WRITER_DIGITS,
    epoch_of,
    local_writer,
    segment_name,
    written_here,
)
from cellgraph.stores.local.locks import Lock, lock
from cellgraph.stores.local.overlay import Batch, Covered
from cellgraph.stores.local.segment import (
    Row,
    frame,
    prefixes,
    salt_of,
    scan,
    segment_id,
    stamp_of,
    unframe,
)
from cellgraph.stores.local.writer import MAX_SEGMENT_BYTES
from cellgraph.stores.tended import Rewritten

# Where there are no locks: a writer leaves a segment at midnight, its clock may be wrong by a day.
_SETTLED_EPOCHS: Final = 2


class _Source(NamedTuple):
    """A segment that is replaced, its lock held by `fd`."""

    name: str
    fd: int
    raw: bytes
    rows: list[Row]


class Rewriter:
    """Replaces segments by others without their dead records."""

    def __init__(self, folder: Path, index_file: IndexFile, now_ns: int) -> None:
        self._folder = folder
        self._index_file = index_file
        self._now_ns = now_ns
        self._writer = local_writer()
        self._made = 0

    def rewrite(self, dead: Mapping[str, Collection[int]]) -> Rewritten:
        """As `Tended.rewrite`. Raises StoreError."""
        done: set[str] = set()
        freed = 0
        for batch in _batches(self._folder, dead):
            with ExitStack() as held:
                try:
                    sources = [s for s in (self._take(name, held) for name in batch) if s]
                    freed += self._replace(sources, dead)
                except OSError as error:
                    raise store_error("rewrite segments in", self._folder, error) from error
                except sqlite3.Error as error:
                    raise StoreError(
                        f"the index cannot be written ({error}), so nothing more was removed: "
                        "free space there and collect again"
                    ) from error
                done.update(source.name for source in sources)
        return Rewritten(frozenset(done), frozenset(dead) - done, freed)

    def _take(self, name: str, held: ExitStack) -> _Source | None:
        """Lock and read a segment; None if someone may still write to it."""
        try:
            fd = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        held.callback(os.close, fd)
        found = lock(fd)
        settled = int(name.partition("/")[0]) <= epoch_of(self._now_ns) - _SETTLED_EPOCHS
        if found is Lock.BUSY or (found is Lock.NONE and not settled):
            return None
        with os.fdopen(os.dup(fd), "rb") as file:
            raw = file.read()
        return _Source(name, fd, raw, scan(raw, 0, segment_id(name)).rows)

    def _replace(self, sources: list[_Source], dead: Mapping[str, Collection[int]]) -> int:
        """Write what stays, show it, then remove the sources; return the bytes won."""
        staying: list[tuple[int, bytes, bytes]] = []
        for source in sources:
            salt = salt_of(segment_id(source.name))
            for row in source.rows:
                raw = source.raw[row[3] : row[3] + row[4]]
                record = unframe(salt, raw)
                if record is not None and row[3] not in dead[source.name]:
                    staying.append((stamp_of(raw), *record))
        staying.sort(key=lambda record: record[0])
        size = self._write(sources, staying) if staying else 0
        for source in sources:
            (self._folder / source.name).unlink()
        self._index_file.get().leave(
            [row for source in sources for row in source.rows],
            [segment_id(source.name) for source in sources],
            (),
        )
        return sum(len(source.raw) for source in sources) - size

    def _write(self, sources: list[_Source], records: list[tuple[int, bytes, bytes]]) -> int:
        """Write a segment in the folder of the first source and index it; return its size."""
        epoch, zone, _ = sources[0].name.split("/")
        own = all(written_here(source.name) for source in sources)
        # What was fetched stays what was fetched.
        writer = self._writer if own else self._writer[:FETCHED_WRITER_DIGITS]
        made = segment_name(self._now_ns, int(zone, 16), writer, self._made)
        self._made += 1
        name = f"{epoch}/{zone}/{made.rpartition('/')[2]}"
        segment = segment_id(name)
        salt = salt_of(segment)
        frames = [frame(salt, *record) for record in records]
        rows: list[Row] = []
        at = 0
        for prefix, record, raw in zip(
            prefixes([record[1] for record in records]), records, frames, strict=True
        ):
            rows.append((prefix, record[0], segment, at, len(raw)))
            at += len(raw)
        path = self._folder / name
        temporary = path.with_suffix(".new")
        try:
            _write_through(temporary, b"".join(frames))
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        self._index_file.get().add(Batch(rows, [Covered(segment, name, 0, at)]), {})
        return at


def _batches(folder: Path, names: Iterable[str]) -> Iterator[list[str]]:
    """Segments of one day and zone that fit into one together."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for name in sorted(names):
        with suppress(FileNotFoundError):
            size = (folder / name).stat().st_size
            groups.setdefault(name.rpartition("/")[0], []).append((name, size))
    for group in groups.values():
        batch: list[str] = []
        total = 0
        for name, size in group:
            if batch and total + size > MAX_SEGMENT_BYTES:
                yield batch
                batch, total = [], 0
            batch.append(name)
            total += size
        yield batch


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # folders of some network file systems cannot be synced
            os.fsync(fd)
    finally:
        os.close(fd)
