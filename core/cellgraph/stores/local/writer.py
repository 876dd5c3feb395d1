"""Appends records to segments of this process, one per zone, each written by nobody else ever.

Threading: any thread; one lock. A record counts once its frame was handed to the operating system
by one `write` per zone; nothing is buffered in the process.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cellgraph.digest import DIGEST_BYTES
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.local.faults import store_error
from cellgraph.stores.local.layout import epoch_of, local_writer, segment_name
from cellgraph.stores.local.locks import Lock, lock
from cellgraph.stores.local.overlay import Covered
from cellgraph.stores.local.segment import (
    MAX_DATA_BYTES,
    Row,
    frame,
    prefixes,
    salt_of,
)

MAX_OPEN_FILES: Final = 32
MAX_SEGMENT_BYTES: Final = 64 << 20
# How often to see whether an open segment was deleted: asking costs as much as writing a record.
_LOOK_EVERY_NS: Final = 20_000_000


@dataclass(slots=True)
class _Segment:
    """A segment this process appends to."""

    name: str
    path: Path
    id: int
    salt: bytes
    epoch: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """Records of one zone that are with the operating system."""

    path: Path
    rows: list[Row]
    covered: Covered


class SegmentWriter:
    """The open segments of one process.

    *learn* is told the name of each new segment and returns its id. *clock* returns nanoseconds
    since 1970.
    """

    def __init__(self, folder: Path, learn: Callable[[str], int], clock: Callable[[], int]) -> None:
        self._folder = folder
        self._learn = learn
        self._clock = clock
        self._lock = threading.Lock()
        self._writer = local_writer()
        self._made = 0
        self._stamp = 0
        self._segments: dict[int, _Segment] = {}
        self._look_at: dict[int, int] = {}  # zone -> when to see whether its file still has a name
        self._files: dict[int, int] = {}  # zone -> descriptor, least recently used first
        self.own: set[int] = set()  # ids of all segments made here

    def append(self, entries: Sequence[Entry], wrote: Callable[[Written], None]) -> None:
        """Write *entries*, in order within each zone; call *wrote* once for each zone.

        Raises StoreError if they could not all be written; the others are then written or not,
        and a reader passes over a half-written one.
        """
        groups = _by_zone(entries)
        with self._lock:
            for zone, group in groups.items():
                wrote(self._write(zone, group))

    def close(self) -> None:
        """Close the files. Safe to call twice."""
        with self._lock:
            for zone in list(self._files):
                self._close_file(zone)

    def _write(self, zone: int, entries: Sequence[Entry]) -> Written:
        now = self._clock()
        self._stamp = max(self._stamp, now)
        try:
            segment, fd = self._segment(zone, now)
            start = segment.size
            frames, rows = self._frames(segment, entries)
            _write_all(fd, b"".join(frames))
        except OSError as error:
            self._after_failure(zone)
            raise store_error("write records to", self._folder, error) from error
        segment.size = rows[-1][3] + rows[-1][4]
        return Written(segment.path, rows, Covered(segment.id, segment.name, start, segment.size))

    def _frames(self, segment: _Segment, entries: Sequence[Entry]) -> tuple[list[bytes], list[Row]]:
        frames: list[bytes] = []
        rows: list[Row] = []
        stamp, at, salt, segment_number = self._stamp, segment.size, segment.salt, segment.id
        for prefix, (key, _, data) in zip(prefixes([e[0] for e in entries]), entries, strict=True):
            stamp += 1
            raw = frame(salt, stamp, key, data)
            frames.append(raw)
            rows.append((prefix, stamp, segment_number, at, len(raw)))
            at += len(raw)
        self._stamp = stamp
        return frames, rows

    def _segment(self, zone: int, now: int) -> tuple[_Segment, int]:
        """The segment of *zone* and a descriptor to append to it."""
        segment = self._segments.get(zone)
        if segment is not None and (
            segment.epoch != epoch_of(now) or segment.size >= MAX_SEGMENT_BYTES
        ):
            self._abandon(zone)
            segment = None
        if segment is not None:
            fd = self._file(zone, segment, os.O_WRONLY | os.O_APPEND)
            # Someone deleted the store under a running session: what comes now goes to a new one.
            if fd >= 0:
                if now < self._look_at.get(zone, 0):
                    return segment, fd
                if os.fstat(fd).st_nlink:
                    self._look_at[zone] = now + _LOOK_EVERY_NS
                    return segment, fd
            self._abandon(zone)
        while True:
            segment = self._segments[zone] = self._new_segment(zone, now)
            segment.path.parent.mkdir(parents=True, exist_ok=True)
            fd = self._file(zone, segment, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            if fd >= 0:
                return segment, fd

    def _new_segment(self, zone: int, now: int) -> _Segment:
        name = segment_name(now, zone, self._writer, self._made)
        self._made += 1
        number = self._learn(name)
        self.own.add(number)
        return _Segment(name, self._folder / name, number, salt_of(number), epoch_of(now))

    def _file(self, zone: int, segment: _Segment, flags: int) -> int:
        """A descriptor for *segment*, now the most recently used, or -1 if the file is gone.

        It holds the lock that keeps a collector away from the segment.
        """
        fd = self._files.pop(zone, -1)
        if fd < 0:
            while len(self._files) >= MAX_OPEN_FILES:
                self._close_file(next(iter(self._files)))
            try:
                fd = os.open(segment.path, flags | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:
                return -1
            if not _claim(fd):
                os.close(fd)
                return -1
        self._files[zone] = fd
        return fd

    def _after_failure(self, zone: int) -> None:
        """Half a frame stays the last of its segment; a segment without one goes on."""
        segment = self._segments.get(zone)
        if segment is None:
            return
        try:
            whole = segment.path.stat().st_size == segment.size
            if whole and not segment.size:
                segment.path.unlink()
        except OSError:
            whole = False
        if not (whole and segment.size):
            self._abandon(zone)

    def _abandon(self, zone: int) -> None:
        """Never append to the present segment of *zone* again."""
        self._segments.pop(zone, None)
        self._close_file(zone)

    def _close_file(self, zone: int) -> None:
        fd = self._files.pop(zone, -1)
        if fd >= 0:
            os.close(fd)


def _claim(fd: int) -> bool:
    """Lock the segment for as long as *fd* is open; false if a collector has it, or had it.

    Where there are no locks, collectors keep away from recent segments.
    """
    return lock(fd) is not Lock.BUSY and os.fstat(fd).st_nlink > 0


def _by_zone(entries: Sequence[Entry]) -> dict[int, Sequence[Entry]]:
    zones = dict.fromkeys(entry[1] for entry in entries)
    for zone in zones:
        if not 0 <= zone <= 255:
            raise StoreError(f"zone {zone} of a record is not a byte: use the first of a digest")
    if {len(entry[0]) for entry in entries} - {DIGEST_BYTES}:
        raise StoreError(f"a key must be a digest of {DIGEST_BYTES} bytes: use cellgraph.digest")
    if any(len(entry[2]) > MAX_DATA_BYTES for entry in entries):
        raise StoreError(f"a record is larger than {MAX_DATA_BYTES} bytes: store it as a blob")
    if len(zones) <= 1:
        return dict.fromkeys(zones, entries)
    groups: dict[int, list[Entry]] = {zone: [] for zone in zones}
    for entry in entries:
        groups[entry[1]].append(entry)
    return {**groups}


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):  # the disk is nearly full, or the data is above 2 GB
        written += os.write(fd, data[written:])
