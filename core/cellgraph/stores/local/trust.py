"""Which blob files need not be hashed again: this machine wrote or verified them as they are.

A file counts as unchanged while inode, size, mtime and ctime are. In memory for every blob; for
those of `MARK_BYTES` or more also in the index, once the file is on the disk, so that the next
process maps a gigabyte without hashing it.

Threading: any thread.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.local.durability import Unsynced
from cellgraph.stores.local.index import Mark
from cellgraph.stores.local.indexfile import IndexFile

# Hashing less than this is quicker than asking the index.
MARK_BYTES: Final = 256 << 10


class Trust:
    """Marks of files. *wake* says that there is something to sync."""

    def __init__(self, index_file: IndexFile, unsynced: Unsynced, wake: Callable[[], None]) -> None:
        self._index_file = index_file
        self._unsynced = unsynced
        self._wake = wake
        self._marks: dict[bytes, Mark] = {}

    def holds(self, digest: bytes, mark: Mark) -> bool:
        """Whether the file that looks like *mark* is known to hold the bytes of *digest*."""
        if self._marks.get(digest) == mark:
            return True
        if mark.size < MARK_BYTES:
            return False
        try:
            known = self._index_file.get().marked(digest) == mark
        except (sqlite3.Error, StoreError):
            return False  # then it is hashed
        if known:
            self._marks[digest] = mark
        return known

    def wrote(self, path: Path, digest: bytes, mark: Mark) -> None:
        """The file was written with these bytes, or touched while it was trusted."""
        self._marks[digest] = mark
        self._unsynced.note_blob(path, digest, mark)
        self._wake()

    def verified(self, path: Path, digest: bytes, mark: Mark) -> None:
        """The file was read and hashed."""
        self._marks[digest] = mark
        if mark.size >= MARK_BYTES:
            # Synced before the mark is kept: another process may have written it just now.
            self._unsynced.note_blob(path, digest, mark)
            self._wake()

    def forget(self, digest: bytes) -> None:
        """The file is damaged."""
        self._marks.pop(digest, None)
