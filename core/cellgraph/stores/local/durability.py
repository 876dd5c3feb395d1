"""What the operating system has and the disk may not: files to `fdatasync`, folders to `fsync`.

Threading: any thread notes; one at a time syncs, the others wait for it.
"""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cellgraph.stores.local.index import Mark

# macOS has no fdatasync.
_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
# Read-only file systems, and folders of some network ones.
_NOTHING_TO_SYNC: Final = frozenset({errno.EROFS, errno.EINVAL, errno.ENOTSUP})


class Unsynced:
    """Files written since the last sync."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = threading.Lock()
        self._files: set[Path] = set()
        self._blobs: dict[Path, tuple[bytes, Mark]] = {}

    def __bool__(self) -> bool:
        return bool(self._files or self._blobs)

    def note_segment(self, path: Path) -> None:
        """Records were appended to *path*."""
        with self._lock:
            self._files.add(path)

    def note_blob(self, path: Path, digest: bytes, mark: Mark) -> None:
        """The file at *path* looked like *mark* when its bytes were those of *digest*."""
        with self._lock:
            self._blobs[path] = (digest, mark)

    def sync(self) -> dict[bytes, Mark]:
        """Sync everything noted so far; return the marks of blobs that are on the disk unchanged.

        Raises OSError; what was not synced then stays noted.
        """
        with self._running:
            with self._lock:
                files, self._files = self._files, set()
                blobs, self._blobs = self._blobs, {}
            try:
                for path in files:
                    _sync_file(path)
                marks = {
                    digest: mark
                    for path, (digest, mark) in blobs.items()
                    if _sync_file(path) == mark
                }
                folders = {path.parent for path in (*files, *blobs)}
                for folder in folders | {folder.parent for folder in folders}:
                    _sync_folder(folder)
            except OSError:
                with self._lock:
                    self._files |= files
                    self._blobs = blobs | self._blobs
                raise
            return marks


def _sync_file(path: Path) -> Mark | None:
    """Put a file on the disk; return its mark, or None if it was deleted."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        _tolerant(_sync_data, fd)
        return mark_of(os.fstat(fd))
    finally:
        os.close(fd)


def _sync_folder(path: Path) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _tolerant(os.fsync, fd)
    finally:
        os.close(fd)


def _tolerant(sync: Callable[[int], None], fd: int) -> None:
    """Sync, unless the file system says that there is nothing it could sync."""
    try:
        sync(fd)
    except OSError as error:
        if error.errno not in _NOTHING_TO_SYNC:
            raise


def mark_of(found: os.stat_result) -> Mark:
    """The mark of a file in this state."""
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
