"""Content digests of files, behind what `stat` says, so that a file is read once.

A digest is believed again while size, both times, inode and device are the same, unless the file
had been touched so shortly before it was read that a second edit could have left the same times.
Everything remembered here is a pure memo: losing it costs reading the file again.
"""

import os
import stat
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.digest import DIGEST_BYTES, digest

# An edit within one tick of the file system's clock leaves the times as they are. The coarsest
# clock in use ticks every 2 s (FAT, exFAT); those of ext4, APFS and NFS are finer.
RACY_NS: Final = 2_000_000_000
# Reading a file of this size takes long enough to be told about.
LARGE_BYTES: Final = 64 << 20
# From this size on it is quicker to ask the machine's cache folder than to read the file.
_WORTH_KEEPING_BYTES: Final = 8 << 20
_CHUNK_BYTES: Final = 8 << 20
_TRIES: Final = 3
_MOST: Final = 200_000  # paths remembered in memory
_FORMAT: Final = struct.Struct("<6q")


class Stamp(NamedTuple):
    """What `stat` says of a file's content. Times in ns since the epoch."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


class Progress(NamedTuple):
    """How far the reading of a large file has come."""

    path: str
    done_bytes: int
    size_bytes: int


class FileChanging(OSError):
    """The file changes while it is being read."""


class _Known(NamedTuple):
    stamp: Stamp
    at_ns: int  # when reading began
    digest: bytes


class _Here(threading.local):
    tell: Callable[[Progress], None] | None = None


_here = _Here()
_known: Final[dict[str, _Known]] = {}


def stamp_of(path: str) -> Stamp:
    """Raises OSError for what is no regular file: reading a pipe would never end."""
    s = os.stat(path)  # noqa: PTH116 - called often
    if not stat.S_ISREG(s.st_mode):
        kind = IsADirectoryError if stat.S_ISDIR(s.st_mode) else OSError
        raise kind(f"{path} is not a regular file")
    return Stamp(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_dev)


def file_digest(path: str) -> bytes:
    """BLAKE3 of the content of the file at the absolute *path*. Thread-safe.

    Raises OSError: FileNotFoundError when there is none, FileChanging when it does not hold still.
    """
    stamp = stamp_of(path)
    known = _known.get(path)
    if known is None and stamp.size >= _WORTH_KEEPING_BYTES:
        known = _recall(path)
    if known is not None and known.stamp == stamp and not _racy(known):
        return known.digest
    for _ in range(_TRIES):
        at_ns = time.time_ns()
        found = _read(path, stamp.size)
        after = stamp_of(path)
        if after == stamp:
            return _remember(path, _Known(stamp, at_ns, found))
        stamp = after
    raise FileChanging(f"{path} changes while it is being read")


def read_digest(path: str) -> bytes:
    """The same from the file's bytes, whatever is remembered of it. Raises OSError."""
    return _read(path, stamp_of(path).size)


def _racy(known: _Known) -> bool:
    """Whether the file could have been edited after it was read and look the same."""
    return known.at_ns - max(known.stamp.mtime_ns, known.stamp.ctime_ns) <= RACY_NS


def folder_digest(path: str) -> bytes:
    """Digest of the names below a folder, each with its file's digest. Raises OSError."""
    return names_digest(
        [(name, file_digest(os.path.join(path, name))) for name in sorted(files_below(path))]  # noqa: PTH118 - text
    )


def names_digest(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Digest of files by their names and digests, in any order."""
    parts = [b"cellgraph.folder.1"]
    for name, content in sorted(files):
        data = os.fsencode(name)
        parts += (len(data).to_bytes(8, "little"), data, content)
    return digest(b"".join(parts))


def files_below(path: str) -> Iterator[str]:
    """Relative names of all files below a folder; links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        folder = os.path.join(path, inside) if inside else path  # noqa: PTH118 - text
        status = os.stat(folder)  # noqa: PTH116 - text
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_dir():
                    waiting.append(name)
                elif entry.is_file():
                    yield name


def listing_digest(path: str) -> bytes:
    """Digest of the names in a folder, without those nobody means. Raises OSError."""
    names = sorted(os.fsencode(name) for name in names_in(path))
    return digest(b"cellgraph.listing.1" + b"\x00".join(names))


def names_in(path: str) -> list[str]:
    """The names in a folder but for hidden ones and Python's caches. Raises OSError."""
    names = os.listdir(path)  # noqa: PTH208 - names only
    return [name for name in names if not is_hidden(name)]


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name belongs to tools rather than to the user's data."""
    return name.startswith(".") or name == "__pycache__"


@contextmanager
def telling(tell: Callable[[Progress], None]) -> Generator[None]:
    """On this thread, tell how far the reading of a large file has come: at first, at each chunk
    and at the end. *tell* must be quick; what it raises ends the reading."""
    outer, _here.tell = _here.tell, tell
    try:
        yield
    finally:
        _here.tell = outer


def _read(path: str, size: int) -> bytes:
    from blake3 import blake3

    if size <= _CHUNK_BYTES:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called often
            return digest(file.read())
    tell = _here.tell if size >= LARGE_BYTES else None
    hasher, done = blake3(max_threads=blake3.AUTO), 0
    buffer = bytearray(_CHUNK_BYTES)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
        if tell is not None:
            tell(Progress(path, 0, size))
        while count := file.readinto(buffer):
            hasher.update(view[:count])
            done += count
            if tell is not None:
                tell(Progress(path, done, size))
    return hasher.digest()


# --- what is remembered between sessions ----------------------------------------------------------


def _remember(path: str, known: _Known) -> bytes:
    if len(_known) >= _MOST:
        _known.clear()
    _known[path] = known
    if known.stamp.size >= _WORTH_KEEPING_BYTES and not _racy(known):
        with suppress(OSError):
            _write_note(_note(path), _FORMAT.pack(*known.stamp, known.at_ns) + known.digest)
    return known.digest


def _recall(path: str) -> _Known | None:
    try:
        data = _note(path).read_bytes()
    except OSError:
        return None
    if len(data) != _FORMAT.size + DIGEST_BYTES:
        return None
    *stamp, at_ns = _FORMAT.unpack(data[: _FORMAT.size])
    return _Known(Stamp(*stamp), at_ns, data[_FORMAT.size :])


def _note(path: str) -> Path:
    """One small file for each large one, so that nothing is locked and nothing can break."""
    import platformdirs

    name = digest(os.fsencode(path)).hex()[:32]
    return platformdirs.user_cache_path("cellgraph") / "files" / name


def _write_note(note: Path, data: bytes) -> None:
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = note.with_name(f"{note.name}-{os.getpid()}-{threading.get_ident()}")
    draft.write_bytes(data)
    draft.replace(note)
