"""The index of a store on one machine: key -> places of its records. Rebuildable, not the truth.

SQLite in WAL mode. Python's sqlite3 gives up the interpreter lock at every row it steps over, and
beside a thread that computes each return costs up to 5 ms. So a batch is one statement in
(`VALUES` with thousands of rows) and one row out (all locations in one string of hex): measured
beside a busy thread, 17 instead of 2,800 us per record written, 6 instead of 2,800 per key read.

Threading: any thread; one connection reads, one writes, a lock each. Errors of SQLite pass through:
the caller decides between a new index and a StoreError.
"""

import sqlite3
import struct
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, cast

from cellgraph.stores.local.overlay import Batch, Covered
from cellgraph.stores.local.segment import Row

_T = TypeVar("_T")
# Part of the file's name: an index of another schema is not opened at all.
SCHEMA: Final = 1
_CREATE: Final = """
CREATE TABLE records (prefix INTEGER, place BLOB, PRIMARY KEY (prefix, place)) WITHOUT ROWID;
CREATE TABLE segments (id INTEGER PRIMARY KEY, name TEXT NOT NULL, indexed INTEGER NOT NULL);
CREATE TABLE verified (digest BLOB PRIMARY KEY, mark BLOB NOT NULL) WITHOUT ROWID;
"""
# Big-endian, so that the places of a key sort by stamp.
_PLACE: Final = struct.Struct(">qQQQI")
_ONE: Final = "SELECT place FROM records WHERE prefix = ?"
_MARK: Final = struct.Struct(">4Q")
_COVER: Final = """
INSERT INTO segments VALUES (:id, :name, CASE WHEN :start = 0 THEN :end ELSE 0 END)
ON CONFLICT (id) DO UPDATE SET indexed = max(indexed, :end) WHERE indexed >= :start
"""
_BUSY_TIMEOUT_S: Final = 20.0
_CACHE_KIB: Final = 64 << 10  # at most; an index of a million records fills it
_KEYS_PER_QUERY: Final = 4000
_ROWS_PER_INSERT: Final = 2000


class Mark(NamedTuple):
    """What a file looked like when its bytes were verified: any change of them changes this."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Index:
    """An open index. Made by `indexfile.open_index`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _connect(path, "rw")
        self._writer = _connect(path, "rw")
        # Commits survive the death of the process; power loss takes the last ones, and the
        # segments they covered are longer than indexed then.
        self._writer.execute("PRAGMA synchronous = NORMAL")
        limit = self._reader.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        self._per_query = min(_KEYS_PER_QUERY, limit)
        self._per_insert = min(_ROWS_PER_INSERT, limit // 2)
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    def find(self, prefixes: Sequence[int]) -> list[Row]:
        """Places of the records whose keys have these prefixes, in any order."""
        found: list[Row] = []
        with self._reading:
            if len(prefixes) == 1:  # a chain asks for one call at a time
                places = self._reader.execute(_ONE, prefixes).fetchall()
                return [cast("Row", _PLACE.unpack(place)) for (place,) in places]
            for part in _parts(prefixes, self._per_query):
                query = (
                    "SELECT group_concat(hex(place), '') FROM records WHERE prefix IN "
                    f"({','.join('?' * len(part))})"
                )
                (places,) = self._reader.execute(query, part).fetchone()
                if places:
                    found += cast("Iterator[Row]", _PLACE.iter_unpack(bytes.fromhex(places)))
        return found

    def indexed(self) -> dict[int, tuple[str, int]]:
        """Name and indexed length of every segment, by id."""
        with self._reading:
            rows = self._reader.execute("SELECT id, name, indexed FROM segments").fetchall()
        return {segment: (name, length) for segment, name, length in rows}

    def indexed_length(self, segment: int) -> int:
        """How much of *segment* is in the index."""
        with self._reading:
            row = self._reader.execute(
                "SELECT indexed FROM segments WHERE id = ?", (segment,)
            ).fetchone()
        return cast("int", row[0]) if row else 0

    def segment_name(self, segment: int) -> str | None:
        """Name of a segment that another process indexed."""
        with self._reading:
            row = self._reader.execute(
                "SELECT name FROM segments WHERE id = ?", (segment,)
            ).fetchone()
        return cast("str", row[0]) if row else None

    def marked(self, digest: bytes) -> Mark | None:
        """The mark of the blob with this digest, if this machine ever verified or wrote it."""
        with self._reading:
            row = self._reader.execute(
                "SELECT mark FROM verified WHERE digest = ?", (digest,)
            ).fetchone()
        return Mark._make(_MARK.unpack(row[0])) if row else None

    def add(self, batch: Batch, marks: Mapping[bytes, Mark]) -> None:
        """Take in records, what they cover, and marks, in one transaction. Twice does no harm."""
        rows = [(row[0], _PLACE.pack(*row)) for row in batch.rows]
        rows.sort()  # neighbours in the tree share pages
        with self._writing, _transaction(self._writer) as write:
            for part in _parts(rows, self._per_insert):
                write.execute(
                    f"INSERT OR IGNORE INTO records VALUES {','.join(['(?,?)'] * len(part))}",
                    [field for row in part for field in row],
                )
            write.executemany(_COVER, [_cover(c) for c in batch.covered])
            write.executemany(
                "INSERT OR REPLACE INTO verified VALUES (?, ?)",
                [(digest, _MARK.pack(*mark)) for digest, mark in marks.items()],
            )

    def drop(self, rows: Iterable[Row]) -> None:
        """Forget single records (damaged, or too old to be asked for)."""
        with self._writing, _transaction(self._writer) as write:
            write.executemany(
                "DELETE FROM records WHERE prefix = ? AND place = ?",
                [(row[0], _PLACE.pack(*row)) for row in rows],
            )

    def forget(self, segments: Iterable[int]) -> None:
        """Forget whole segments: gone from the store, or shorter than they were. Slow."""
        with self._writing, _transaction(self._writer) as write:
            for gone in _parts(list(segments), self._per_query):
                marks = ",".join("?" * len(gone))
                # Bytes 17 to 24 of a place are the segment's id.
                places = [segment.to_bytes(8, "big") for segment in gone]
                write.execute(
                    f"DELETE FROM records WHERE substr(place, 17, 8) IN ({marks})", places
                )
                write.execute(f"DELETE FROM segments WHERE id IN ({marks})", gone)

    def leave(self, rows: Iterable[Row], segments: Iterable[int], blobs: Iterable[bytes]) -> None:
        """Forget removed segments whose rows are known, and the marks of removed blobs."""
        with self._writing, _transaction(self._writer) as write:
            write.executemany(
                "DELETE FROM records WHERE prefix = ? AND place = ?",
                [(row[0], _PLACE.pack(*row)) for row in rows],
            )
            write.executemany("DELETE FROM segments WHERE id = ?", [(s,) for s in segments])
            write.executemany("DELETE FROM verified WHERE digest = ?", [(b,) for b in blobs])

    def count(self) -> int:
        """How many records are indexed."""
        with self._reading:
            (number,) = self._reader.execute("SELECT count(*) FROM records").fetchone()
        return cast("int", number)

    def close(self) -> None:
        """Let go. Safe to call twice."""
        with self._reading:
            self._reader.close()
        with self._writing:
            self._writer.close()


def create(path: Path) -> None:
    """Write an empty index at *path*, which nobody else may know yet."""
    connection = _connect(path, "rwc")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_CREATE)
    finally:
        connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions are begun and ended here, in so many words
        check_same_thread=False,
    )
    # Cached rather than mapped: a map of a file that someone cuts short kills the process.
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _cover(covered: Covered) -> dict[str, int | str]:
    return {
        "id": covered.segment,
        "name": covered.name,
        "start": covered.start,
        "end": covered.end,
    }


def _parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[i : i + size] for i in range(0, len(items), size))
