"""The datasets in a local store: listing them, and deleting those that nobody needs.

As with blobs (`sweep`), a folder is renamed before its age is looked at for the last time. What a
killed collector leaves says how far it was: `.gone` is given back, of `.dead` the rest goes.

Threading: who deletes holds the collector's lock of the store.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cellgraph.filedigests import files_below, read_digest
from cellgraph.stores.local.faults import store_error
from cellgraph.stores.shardfolders import is_name
from cellgraph.stores.tended import Folder, Swept

_LIMBO: Final = ".gone"
_DEAD: Final = ".dead"


def list_datasets(folder: Path) -> Iterator[Folder]:
    """Yield the datasets in *folder*."""
    for name in _names(folder):
        if is_name(name):
            with suppress(FileNotFoundError):
                yield _look(folder / name, name)


def contents(folder: Path, name: str) -> dict[str, bytes]:
    """Name and digest of each shard, read from the disk; empty if there are none."""
    path = folder / name
    try:
        return {inner: read_digest(str(path / inner)) for inner in files_below(str(path))}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise store_error("read", path, error) from error


def remove_datasets(folder: Path, names: Iterable[str], before_ns: int) -> list[Folder]:
    """Delete datasets that were not used since *before_ns*; return which. Raises StoreError."""
    gone: list[Folder] = []
    for name in names:
        path, limbo = folder / name, folder / f".{name}{_LIMBO}"
        try:
            if _look(path, name).used_ns >= before_ns:
                continue
            path.rename(limbo)
            found = _look(limbo, name)
            if found.used_ns >= before_ns:
                limbo.rename(path)
                continue
            dead = limbo.rename(folder / f".{name}{_DEAD}")
            shutil.rmtree(dead)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise store_error("delete results from", folder, error) from error
        gone.append(found)
    return gone


def give_back_limbo(folder: Path) -> None:
    """Put back what a killed collector was about to delete, and end what it had begun to."""
    for name in _names(folder):
        try:
            if name.endswith(_LIMBO):
                (folder / name).rename(folder / name[1 : -len(_LIMBO)])
            elif name.endswith(_DEAD):
                shutil.rmtree(folder / name)
        except OSError as error:
            raise store_error("write to", folder, error) from error


def leftovers(folder: Path, before_ns: int, *, remove: bool) -> Swept:
    """Drafts of killed writers, older than *before_ns*."""
    count = size = 0
    for name in _names(folder):
        if not name.startswith(".") or name.endswith((_LIMBO, _DEAD)):
            continue
        with suppress(FileNotFoundError):
            found = _look(folder / name, name)
            if found.used_ns >= before_ns:
                continue
            if remove:
                shutil.rmtree(folder / name, ignore_errors=True)
            count += found.files
            size += found.nbytes
    return Swept(count, size)


def _look(path: Path, name: str) -> Folder:
    """What is below *path*, and when anything there was written, or the whole of it asked for."""
    files = size = 0
    used = path.stat().st_mtime_ns
    for inside, _, names in os.walk(path):
        for each in names:
            found = os.lstat(f"{inside}/{each}")
            used = max(used, found.st_mtime_ns)
            files += 1
            size += found.st_size
    return Folder(name, files, size, used)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
