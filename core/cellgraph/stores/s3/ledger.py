"""What this machine knows of a bucket: objects taken in, records pushed, where payloads lie.

SQLite beside the local tier. Losing it costs requests and no record: objects are fetched again,
records pushed again, and equal records count once.

Threading: any thread, any process; one connection, one lock. A file that is no database is put
aside for a new one; other errors of SQLite are StoreErrors.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from cellgraph.errors import StoreError
from cellgraph.stores.s3.bundle import Place

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pushed (segment TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (digest BLOB PRIMARY KEY, pack BLOB NOT NULL, start INTEGER
    NOT NULL, length INTEGER NOT NULL, seen_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seals (name TEXT PRIMARY KEY, content BLOB NOT NULL, seal BLOB NOT
    NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, etag TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
# In `files`: written here and not yet in the bucket.
UNPUSHED: Final = ""
_BUSY_TIMEOUT_S: Final = 20.0


class Ledger:
    """The open ledger. Raises StoreError when it cannot be opened or made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._db = _open(path)
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError:
            path.replace(path.with_suffix(".damaged"))
            self._db = _open(path)

    def taken(self) -> set[str]:
        """Names of the segment objects whose records are here."""
        with self._reading() as db:
            return {name for (name,) in db.execute("SELECT name FROM taken")}

    def pushed(self) -> dict[str, int]:
        """How much of each local segment is in the bucket. Absent: nothing."""
        with self._reading() as db:
            return dict(db.execute("SELECT segment, length FROM pushed"))

    def place(self, digest: bytes) -> tuple[Place, int] | None:
        """Where a payload lies in the bucket, and when it was put there (seconds)."""
        with self._reading() as db:
            row = db.execute(
                "SELECT pack, start, length, seen_s FROM places WHERE digest = ?", (digest,)
            ).fetchone()
        return (Place(digest, row[0], row[1], row[2]), row[3]) if row else None

    def in_pack(self, pack: bytes) -> list[Place]:
        """The payloads of one pack."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT digest, pack, start, length FROM places WHERE pack = ?", (pack,)
            ).fetchall()
        return [Place(*row) for row in rows]

    def forget_place(self, *digests: bytes) -> None:
        """These payloads are not where they were said to be."""
        with self._writing() as db:
            db.executemany("DELETE FROM places WHERE digest = ?", [(d,) for d in digests])

    def take_in(
        self, objects: Iterable[str], segments: Mapping[str, int], places: Iterable[Place]
    ) -> None:
        """Note, at once: objects whose records are here, what is pushed, where payloads lie (the
        latest place of each counts)."""
        with self._writing() as db:
            db.executemany("INSERT OR IGNORE INTO taken VALUES (?)", [(o,) for o in objects])
            db.executemany(
                "INSERT INTO pushed VALUES (?, ?) ON CONFLICT (segment) "
                "DO UPDATE SET length = max(length, excluded.length)",
                list(segments.items()),
            )
            db.executemany(
                "INSERT INTO places VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET "
                "pack = excluded.pack, start = excluded.start, length = excluded.length, "
                "seen_s = excluded.seen_s WHERE excluded.seen_s >= places.seen_s",
                [(p.digest, p.pack, p.start, p.length, p.put_s) for p in places],
            )

    def note_seals(self, names: Iterable[str], content: bytes, seal: bytes) -> None:
        """An object, and the segments that it becomes, have this digest and seal (or none)."""
        with self._writing() as db:
            rows = [(name, content, seal) for name in names]
            db.executemany("INSERT OR REPLACE INTO seals VALUES (?, ?, ?)", rows)

    def seal(self, name: str) -> tuple[bytes, bytes] | None:
        """Digest and seal of an object or segment, unverified; None if nothing is known."""
        with self._reading() as db:
            row = db.execute("SELECT content, seal FROM seals WHERE name = ?", (name,)).fetchone()
        return (row[0], row[1]) if row else None

    def files(self) -> dict[str, str]:
        """ETag of each small named object that is here; `UNPUSHED` if the bucket lacks it."""
        with self._reading() as db:
            return dict(db.execute("SELECT name, etag FROM files"))

    def forget_file(self, name: str) -> None:
        """A small named object is gone."""
        with self._writing() as db:
            db.execute("DELETE FROM files WHERE name = ?", (name,))

    def note_file(self, name: str, etag: str) -> None:
        """A small named object is here in the state of *etag*."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (name, etag))

    def fact(self, name: str) -> bytes:
        """What was kept under *name*, or nothing."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return cast("bytes", row[0]) if row else b""

    def note_fact(self, name: str, value: bytes) -> None:
        """Keep *value* under *name*."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Let go. Safe to call twice."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._unusable(error) from error

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _unusable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"{self._path} cannot be used ({error}): free space there, or set XDG_CACHE_HOME to a "
            "folder on a local disk that can be written"
        )


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_CREATE)
    except sqlite3.Error:
        db.close()
        raise
    return db
