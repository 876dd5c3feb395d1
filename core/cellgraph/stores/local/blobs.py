"""Payloads as files under their digests: written once, mapped privately, checked when read.

Threading: any thread, any process. Two that write the same payload write the same bytes; the last
rename wins.
"""

import errno
import mmap
import os
import resource
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from cellgraph.codecs.payload import Payload
from cellgraph.digest import digest as digest_of
from cellgraph.stores.local import blobfile
from cellgraph.stores.local.durability import mark_of
from cellgraph.stores.local.faults import Quarantine, is_gone, store_error
from cellgraph.stores.local.index import Mark
from cellgraph.stores.local.trust import Trust

# Smaller files are read: a map costs a descriptor and a page fault for every 64 KB.
MAP_BYTES: Final = 256 << 10
# Longer than a run: a collector leaves alone what nobody refers to, if it is younger than this.
GRACE_S: Final = 2 * 86_400.0
# One write takes about 2 GB and, by IOV_MAX, 1,024 pieces at most.
_PIECE_BYTES: Final = 256 << 20
_WRITE_BYTES: Final = 1 << 30
_PIECES_PER_WRITE: Final = 1024


class Blobs:
    """The payloads of one store. *clock* returns nanoseconds since 1970.

    A blob that is written again, or found by `has`, shows that it is wanted: its file is touched
    once half the grace period has gone since the last time.
    """

    def __init__(
        self,
        folder: Path,
        quarantine: Quarantine,
        trust: Trust,
        clock: Callable[[], int],
        grace_s: float,
    ) -> None:
        self._folder = folder
        self._quarantine = quarantine
        self._trust = trust
        self._clock = clock
        self._touch_after_ns = int(grace_s * 1_000_000_000 / 2)

    def put(self, payload: Payload) -> bytes:
        """As `Store.put_blob`. Raises StoreError when the file cannot be written."""
        name = payload.digest()
        path = self._path(name)
        pieces, size = blobfile.parts(payload)
        try:
            with suppress(FileNotFoundError):
                found = path.stat()
                if found.st_size == size:
                    self._touch(path, name, found)
                    return name
            _write_new(path, pieces)
            self._trust.wrote(path, name, mark_of(path.stat()))
        except OSError as error:
            raise store_error("write a result to", self._folder, error) from error
        return name

    def get(self, name: bytes) -> Payload | None:
        """As `Store.get_blob`. Raises StoreError when the file is there and cannot be opened."""
        try:
            return self.read(name)
        except blobfile.DamagedBlob:
            return None

    def read(self, name: bytes) -> Payload | None:
        """As `get`, but a damaged payload, which is in quarantine now, raises DamagedBlob."""
        return self._read(name, trusting=True)

    def check(self, name: bytes) -> str:
        """Read and hash a payload; return what was wrong, if it is in quarantine now."""
        try:
            self._read(name, trusting=False)
        except blobfile.DamagedBlob as error:
            return str(error)
        return ""

    def _read(self, name: bytes, *, trusting: bool) -> Payload | None:
        """The payload, or None if it is absent. A damaged one is moved away: DamagedBlob."""
        path = self._path(name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                mark = mark_of(os.fstat(fd))
                data = _load(fd, mark.size)
            finally:
                os.close(fd)
        except OSError as error:
            if is_gone(error):
                return None
            raise store_error("read", path, error) from error
        try:
            payload = blobfile.parse(data, name)
            if not (trusting and self._trust.holds(name, mark)):
                self._verify(payload, path, name, mark)
        except blobfile.DamagedBlob as error:
            self._trust.forget(name)
            self._quarantine.take(path, str(error))
            raise
        return payload

    def has(self, name: bytes) -> bool:
        """As `Store.has_blob`."""
        path = self._path(name)
        try:
            self._touch(path, name, path.stat())
        except OSError as error:
            if is_gone(error):
                return False
            raise store_error("read", path, error) from error
        return True

    def _verify(self, payload: Payload, path: Path, name: bytes, mark: Mark) -> None:
        for number, buffer in enumerate(payload.buffers):
            if digest_of(buffer.data) != buffer.digest:
                raise blobfile.DamagedBlob(f"buffer {number} is wrong")
        self._trust.verified(path, name, mark)

    def _touch(self, path: Path, name: bytes, found: os.stat_result) -> None:
        # A time in the future was set by a clock that was wrong.
        if abs(self._clock() - found.st_mtime_ns) < self._touch_after_ns:
            return
        try:
            trusted = self._trust.holds(name, mark_of(found))
            os.utime(path)
            if trusted:
                self._trust.wrote(path, name, mark_of(path.stat()))
        except OSError as error:
            # A read-only store has it, and that is all we need.
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        return self._folder / text[:2] / text


def _write_new(path: Path, pieces: list[bytes | memoryview]) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = os.open(temporary, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(temporary, flags, 0o666)
    try:
        try:
            _write_all(fd, pieces)
        finally:
            os.close(fd)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_all(fd: int, pieces: list[bytes | memoryview]) -> None:
    """Write the pieces without copying them."""
    pending = deque(_small_pieces(pieces))
    while pending:
        written = os.writev(fd, _one_write(pending))
        while pending and written >= len(pending[0]):
            written -= len(pending.popleft())
        if written:
            pending[0] = pending[0][written:]


def _one_write(pending: Iterable[memoryview]) -> list[memoryview]:
    batch: list[memoryview] = []
    room = _WRITE_BYTES
    for piece in islice(pending, _PIECES_PER_WRITE):
        room -= len(piece)
        if room < 0:
            break
        batch.append(piece)
    return batch


def _small_pieces(pieces: list[bytes | memoryview]) -> Iterator[memoryview]:
    for piece in pieces:
        view = memoryview(piece)
        for at in range(0, len(view), _PIECE_BYTES):
            yield view[at : at + _PIECE_BYTES]


def _load(fd: int, size: int) -> memoryview:
    """The file's bytes, private and writable: mapped, or read when small or descriptors are few."""
    if size >= MAP_BYTES:
        if sys.version_info >= (3, 13):
            return memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_COPY, trackfd=False))
        if _descriptors_are_plenty(fd):
            return memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_COPY))
    data = memoryview(bytearray(size))
    at = 0
    while at < size:
        count = os.readv(fd, [data[at:]])
        if not count:
            return data[:at]  # someone shortened it: its size gives it away
        at += count
    return data


def _descriptors_are_plenty(fd: int) -> bool:
    """Whether a map, which keeps a duplicate of *fd*, leaves half the descriptors to others."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The kernel gives the lowest free number: the one the map would get.
    duplicate = os.dup(fd)
    os.close(duplicate)
    return limit == resource.RLIM_INFINITY or duplicate < limit // 2
