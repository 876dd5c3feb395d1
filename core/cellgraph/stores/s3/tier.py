"""The local tier: a local store that takes in whole segments and knows what was written to it here.

What `append` and `put_blob` returned from is in it, whatever becomes of the network or the process.
Objects that were fetched become segments of it, so there is one index and one way to look up.
"""

import os
import threading
from collections.abc import Callable, Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

from cellgraph.codecs.payload import Payload
from cellgraph.stores.local import LocalStore
from cellgraph.stores.local.layout import written_here
from cellgraph.stores.local.locks import Lock, lock
from cellgraph.stores.local.overlay import Covered
from cellgraph.stores.local.segment import first_frame, salt_of, scan, segment_id, stamp_of, unframe
from cellgraph.stores.local.tails import list_segments
from cellgraph.stores.local.writer import Written
from cellgraph.stores.s3.bundle import DamagedBundle, Stamped
from cellgraph.vouched import Judge, whole


class Stretch(NamedTuple):
    """A part of a local segment: [start, stop)."""

    segment: str
    start: int
    stop: int


class Tier(LocalStore):
    """A `LocalStore` in *root*. *grown* is told the bytes of each write, on the writer's thread."""

    def __init__(
        self,
        root: Path,
        grown: Callable[[int], None],
        clock: Callable[[], int],
        judge: Judge = whole,
    ) -> None:
        self._grown = grown
        self._ends: dict[str, int] = {}  # of the segments written here
        self._ends_lock = threading.Lock()
        super().__init__(root, clock=clock, judge=judge)

    def lacks(self, name: str, raw: bytes) -> bool:
        """Whether the segment of this name has to be taken in; false when it is here.

        Raises DamagedBundle when the segment of this name is another one.
        """
        try:
            here = (self._segments / name).read_bytes()
        except FileNotFoundError:
            return True
        if here == raw:
            return False
        if raw.startswith(here):  # cut by a loss of power
            return True
        raise DamagedBundle("the segment of this name is another one here")

    def take_in(self, name: str, raw: bytes) -> None:
        """Add a whole segment, written elsewhere under this name. Twice does no harm.

        Raises OSError. It is on the disk after `sync`.
        """
        path = self._segments / name
        temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(raw)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        segment = self._reader.learn(name)
        found = scan(raw, 0, segment)
        damaged = list(found.damaged)
        if found.end < len(raw):
            damaged.append((found.end, len(raw)))
        self._reader.keep_damage(name, 0, raw, damaged)
        self._overlay.add(found.rows, Covered(segment, name, 0, len(raw)))
        self._unsynced.note_segment(path)
        self._upkeep.wake()

    @property
    def forked(self) -> bool:
        """Whether this process is a child of the one that opened the tier."""
        return self._forked.is_set()

    def check_open(self) -> None:
        """Raises StoreError if the tier is closed, or this is a forked child."""
        self._check()

    def catch_up(self) -> None:
        """Index what is on the disk now, so that what is taken in later is not read twice."""
        self.get_many([])

    def quarantine(self, name: str, raw: bytes) -> None:
        """Keep a copy of an object that is damaged."""
        self._quarantine.keep(name.replace("/", "-"), raw)

    def written(self) -> dict[str, int]:
        """Name and length of each segment that this process wrote."""
        with self._ends_lock:
            return dict(self._ends)

    def at_rest(self) -> Iterator[tuple[str, int]]:
        """Name and length of each segment that a session of this machine wrote and no process
        appends to at this moment."""
        mine = self.written()
        for name, size in list_segments(self._segments):
            if name not in mine and written_here(name) and _is_free(self._segments / name):
                yield name, size

    def records(self, stretch: Stretch) -> Iterator[tuple[int, Stamped]]:
        """Yield the intact records of a stretch, each with the offset behind it."""
        zone = int(stretch.segment.split("/")[1], 16)
        salt = salt_of(segment_id(stretch.segment))
        path = self._segments / stretch.segment
        try:
            with path.open("rb") as file:
                view = mmap(file.fileno(), stretch.stop, access=ACCESS_READ)
        except (FileNotFoundError, ValueError):  # deleted, or shorter than it was
            return
        with view:
            at = stretch.start
            while span := first_frame(view, at, salt):
                raw = view[span[0] : span[1]]
                at = span[1]
                record = unframe(salt, raw)
                if record is not None:
                    yield at, Stamped(zone, stamp_of(raw), *record)

    def blob_path(self, digest: bytes) -> Path:
        """Where the file of a payload is, or would be."""
        text = digest.hex()
        return self._layout.blobs / text[:2] / text

    def blob_digests(self) -> Iterator[bytes]:
        """The payloads that are here."""
        return (blob.digest for blob in self.blobs())

    def fetched_blob(self, digest: bytes) -> Payload | None:
        """A payload that was added just now; None if it is gone again.

        Raises DamagedBlob when it is not what its name says: it is in quarantine then.
        """
        self._check()
        return self._blobs.read(digest)

    def add_blob_file(self, digest: bytes, temporary: Path) -> None:
        """Put a file that was fetched in place; it is verified when it is read."""
        path = self.blob_path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)

    def _wrote(self, written: Written) -> None:
        super()._wrote(written)
        covered = written.covered
        with self._ends_lock:
            self._ends[covered.name] = covered.end
        self._grown(covered.end - covered.start)


def _is_free(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return lock(fd) is not Lock.BUSY
    finally:
        os.close(fd)
