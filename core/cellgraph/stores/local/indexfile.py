"""Where the index of a store lies on this machine, and how it comes to be.

Beside the segments when that is a local disk that can be written; else in the user's cache folder;
else in the temporary folder. A broken index is never repaired or replaced in place (other processes
have it open, and SQLite removes its log by name): a new generation takes its place.

Threading: any thread, any process; creation is under a file lock.
"""

import os
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cellgraph.digest import digest
from cellgraph.errors import StoreError
from cellgraph.stores.local import filesystem
from cellgraph.stores.local.faults import store_error
from cellgraph.stores.local.filesystem import Mount
from cellgraph.stores.local.index import SCHEMA, Index, create
from cellgraph.stores.local.layout import Layout, file_lock

_PRIVATE: Final = 0o700


class IndexFile:
    """The index of one store for one process: opened when first asked for, replaced when broken."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._open: list[Index] = []  # the last one counts
        self._closed = False

    def get(self) -> Index:
        """The present index.

        Raises StoreError when no place for an index can be written.
        """
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed: open it again to use it")
            if not self._open:
                self._open.append(_open_newest(self._folder(), broken=-1))
            return self._open[-1]

    def replace(self, broken: Index) -> Index:
        """A new index instead of *broken*, unless it has been replaced already."""
        with self._lock:
            if self._open[-1] is broken:
                folder = broken.path.parent
                self._open.append(_open_newest(folder, broken=_generation(broken.path)))
                broken.path.unlink(missing_ok=True)
            return self._open[-1]

    def close(self) -> None:
        """Close what was opened. Safe to call twice."""
        with self._lock:
            self._closed = True
            for index in self._open:
                index.close()

    def _folder(self) -> Path:
        for folder in candidates(self._layout, filesystem.mounts()):
            with suppress(OSError):
                folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
                if os.access(folder, os.W_OK | os.X_OK) and _is_mine(folder):
                    return folder
        raise StoreError(
            f"no folder for the index of {self._layout.root} can be written: "
            "set XDG_CACHE_HOME or TMPDIR to a folder on a local disk"
        )


def candidates(layout: Layout, mounts: Sequence[Mount]) -> Iterator[Path]:
    """Folders that may hold the index, best first. Those outside the store are named after it."""
    root = layout.root.resolve()
    if filesystem.is_local(root, mounts) and os.access(root, os.W_OK):
        yield root / "index"
    name = digest(f"{layout.store_id} {root}".encode()).hex()[:32]
    import platformdirs

    cache = platformdirs.user_cache_path("cellgraph")
    if filesystem.is_local(cache, mounts):
        yield cache / "indexes" / name
    yield Path(tempfile.gettempdir()) / f"cellgraph-{os.getuid()}-{name}"


def _is_mine(folder: Path) -> bool:
    """Whether nobody else put *folder* there: the temporary folder is everyone's."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _open_newest(folder: Path, broken: int) -> Index:
    """Open the newest generation in *folder* that is newer than *broken* and can be read."""
    while True:
        generation = max(_newest(folder), broken + 1)
        try:
            return _open(folder, generation)
        except OSError as error:
            raise store_error("create an index in", folder, error) from error
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the index in {folder} cannot be opened ({error}): free space there, or end what "
                "holds it; it may be deleted while no session is open and is rebuilt then"
            ) from error
        except sqlite3.DatabaseError:
            broken = generation


def _open(folder: Path, generation: int) -> Index:
    path = _path(folder, generation)
    if not path.exists():
        with file_lock(folder / ".lock"):
            if not path.exists():
                temporary = folder / ".new"
                temporary.unlink(missing_ok=True)
                create(temporary)
                temporary.replace(path)
    index = Index(path)
    try:
        index.indexed()
    except sqlite3.Error:
        index.close()
        raise
    return index


def _newest(folder: Path) -> int:
    return max((_generation(p) for p in folder.glob(f"v{SCHEMA}.*.sqlite")), default=0)


def _path(folder: Path, generation: int) -> Path:
    return folder / f"v{SCHEMA}.{generation}.sqlite"


def _generation(path: Path) -> int:
    return int(path.name.split(".")[1])
