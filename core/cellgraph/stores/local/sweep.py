"""Deletes blob files that are not needed, and what killed processes left behind.

A blob is renamed before its age is looked at for the last time. A writer that touched it just
before gets it back; one that comes later does not find it and writes it anew. A collector that is
killed in between leaves a name by which the next one finds it.

Threading: the caller holds the collector's lock of the store.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cellgraph.stores.local.faults import store_error
from cellgraph.stores.local.locks import Lock, lock
from cellgraph.stores.tended import Blob, Swept

_LIMBO: Final = ".gone"  # behind the name of a blob that is about to go


def list_blobs(folder: Path) -> Iterator[Blob]:
    """Yield the payloads in *folder*."""
    for path in _files(folder):
        if not path.name.startswith("."):
            with suppress(FileNotFoundError, ValueError):
                found = path.stat()
                yield Blob(bytes.fromhex(path.name), found.st_size, found.st_mtime_ns)


def remove_blobs(folder: Path, digests: Iterable[bytes], before_ns: int) -> list[Blob]:
    """Delete payloads that were not touched since *before_ns*; return which. Raises StoreError."""
    gone: list[Blob] = []
    for digest in digests:
        name = digest.hex()
        path = folder / name[:2] / name
        limbo = path.with_name(f".{name}{_LIMBO}")
        try:
            if path.stat().st_mtime_ns >= before_ns:
                continue
            path.rename(limbo)
            found = limbo.stat()
            if found.st_mtime_ns >= before_ns:
                _give_back(limbo, path)
                continue
            limbo.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise store_error("delete results from", folder, error) from error
        gone.append(Blob(digest, found.st_size, found.st_mtime_ns))
    return gone


def give_back_limbo(folder: Path) -> None:
    """Put back what a killed collector was about to delete. Raises StoreError."""
    for path in _files(folder):
        if path.name.endswith(_LIMBO):
            try:
                _give_back(path, path.with_name(path.name[1 : -len(_LIMBO)]))
            except OSError as error:
                raise store_error("write to", folder, error) from error


def _give_back(limbo: Path, path: Path) -> None:
    if path.exists():  # someone has written it anew
        limbo.unlink()
    else:
        limbo.rename(path)
        os.utime(path)


def leftovers(blobs: Path, segments: Path, before_ns: int, *, remove: bool) -> Swept:
    """Temporary files of killed processes, older than *before_ns*, and segments without a byte."""
    count = size = 0
    strays = [p for p in _files(blobs) if p.name.startswith(".")]
    strays += [
        p for epoch in _folders(segments) for p in _files(epoch) if p.suffix in (".new", ".seg")
    ]
    for path in strays:
        with suppress(FileNotFoundError):
            found = path.stat()
            if found.st_mtime_ns >= before_ns or (path.suffix == ".seg" and found.st_size):
                continue
            if remove and not _remove_at_rest(path):
                continue
            count += 1
            size += found.st_size
    return Swept(count, size)


def _remove_at_rest(path: Path) -> bool:
    """Delete a file unless somebody has it locked."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if lock(fd) is Lock.BUSY:
                return False
            path.unlink()
        finally:
            os.close(fd)
    except OSError as error:
        raise store_error("delete", path, error) from error
    return True


def _files(folder: Path) -> Iterator[Path]:
    for inner in _folders(folder):
        with suppress(FileNotFoundError):
            yield from sorted(p for p in inner.iterdir() if p.is_file())


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir())
    except FileNotFoundError:
        return []
