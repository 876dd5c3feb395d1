"""The floor's store: one SQLite file in WAL mode with batched, synchronous commits, and one
content-addressed file per large value, written under a temporary name and mapped when read."""

import mmap
import os
import pickle
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3

INLINE_BYTES = 4096
BATCH_ROWS = 2000
BATCH_S = 0.2
ALIGN_BYTES = 64


class Row(NamedTuple):
    """What is kept of a call: its value, and the tasks that its recorded subtree used."""

    head: bytes  # the pickle, or the offsets of the parts of a value file
    file: str | None  # name of the value file
    tasks: bytes  # 16-byte hashes, concatenated; empty for a call that returned a plain value


class FloorStore:
    """Results by key. One thread."""

    def __init__(self, root: Path) -> None:
        self._files = root / "values"
        self._files.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(root / "floor.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS result"
            "(key BLOB PRIMARY KEY, head BLOB, file TEXT, tasks BLOB) WITHOUT ROWID"
        )
        self._open: list[tuple[bytes, bytes, str | None, bytes]] = []
        self._flushed = time.monotonic()

    def get_many(self, keys: list[bytes]) -> dict[bytes, Row]:
        """Return the stored rows among *keys*, in one statement."""
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, head, file, tasks FROM result WHERE key IN ({marks})"
        return {
            key: Row(head, file, tasks) for key, head, file, tasks in self._db.execute(query, keys)
        }

    def load(self, row: Row) -> Any:
        """Return the value of *row*; large ones as private maps of their file."""
        if row.file is None:
            return pickle.loads(row.head)
        with open(self._files / row.file, "rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        numbers = struct.unpack(f"<{len(row.head) // 8}Q", row.head)
        parts = [view[at : at + size] for at, size in zip(numbers[::2], numbers[1::2], strict=True)]
        return pickle.loads(parts[0], buffers=parts[1:])

    def put(self, key: bytes, value: Any, tasks: bytes) -> None:
        """Keep *value*; durable with the batch it joins, at the latest when the store closes."""
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, 5, buffer_callback=buffers.append)
        if not buffers and len(head) <= INLINE_BYTES:
            self._open.append((key, head, None, tasks))
        else:
            parts = [memoryview(head), *(buffer.raw() for buffer in buffers)]
            self._open.append((key, *self._write(parts), tasks))
        if len(self._open) >= BATCH_ROWS or time.monotonic() - self._flushed > BATCH_S:
            self.flush()

    def flush(self) -> None:
        """Commit what is open."""
        if self._open:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR IGNORE INTO result VALUES(?,?,?,?)", self._open)
            self._db.execute("COMMIT")
            self._open = []
        self._flushed = time.monotonic()

    def close(self) -> None:
        self.flush()
        self._db.close()

    def _write(self, parts: list[memoryview]) -> tuple[bytes, str]:
        """Write *parts*, aligned, into the file named by their hash; return the offsets and it."""
        hasher = blake3(max_threads=blake3.AUTO)
        numbers: list[int] = []
        at = 0
        for part in parts:
            hasher.update(part)
            numbers += (at, part.nbytes)
            at += -(-part.nbytes // ALIGN_BYTES) * ALIGN_BYTES
        name = hasher.hexdigest()
        if not (self._files / name).exists():
            temporary = self._files / f"{name}.{os.getpid()}"
            with open(temporary, "wb", buffering=0) as file:
                for part, offset in zip(parts, numbers[::2], strict=True):
                    file.seek(offset)
                    file.write(part)
            temporary.rename(self._files / name)
        return struct.pack(f"<{len(numbers)}Q", *numbers), name
