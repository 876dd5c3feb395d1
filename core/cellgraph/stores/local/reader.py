"""Reads records out of segments by mapping them. A record counts only if its check holds.

Threading: the caller holds one lock around all calls of an instance.
"""

import logging
import mmap
from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final

from cellgraph.stores.local.faults import Quarantine, is_gone, store_error
from cellgraph.stores.local.segment import Row, first_frame, salt_of, segment_id, unframe
from cellgraph.vouched import Judge, whole

# Each map keeps a descriptor open.
MAX_MAPS: Final = 64
_OFFSET: Final = itemgetter(3)
_log = logging.getLogger(__name__)


class SegmentReader:
    """The mapped segments of one process, and the names of those it has met.

    *judge* says once for each segment how its records are believed.
    """

    def __init__(self, folder: Path, quarantine: Quarantine, judge: Judge = whole) -> None:
        self._folder = folder
        self._quarantine = quarantine
        self._judge = judge
        self._judged: dict[int, type[bytes]] = {}
        self._names: dict[int, str] = {}
        self._maps: dict[int, mmap.mmap] = {}  # least recently used first
        self._gone: set[int] = set()

    def learn(self, name: str) -> int:
        """Remember the segment with this name; return its id."""
        segment = segment_id(name)
        self._names[segment] = name
        return segment

    def exists(self, segment: int) -> bool:
        """Whether the file of a segment is there, as far as its name was learnt."""
        name = self._names.get(segment)
        return name is not None and (self._folder / name).exists()

    def miss(self, segments: Iterable[int]) -> None:
        """Note segments that are gone."""
        self._gone.update(segments)

    def knows(self, segment: int) -> bool:
        """Whether the segment's name was learnt."""
        return segment in self._names

    def take_gone(self) -> set[int]:
        """Segments whose files were not there when they were needed, since this was last asked."""
        gone, self._gone = self._gone, set()
        return gone

    def read(self, rows: Sequence[Row], lost: list[Row]) -> list[tuple[Row, bytes, bytes]]:
        """Return (row, key, data) of each record that is there and intact.

        Rows whose record is damaged (a copy goes to quarantine) or gone are added to *lost*.
        """
        found: list[tuple[Row, bytes, bytes]] = []
        segments: dict[int, list[Row]] = {}
        for row in rows if len(rows) == 1 else sorted(rows, key=_OFFSET):
            segments.setdefault(row[2], []).append(row)
        for segment, group in segments.items():
            self._read_segment(segment, group, found, lost)
        return found

    def _read_segment(
        self,
        segment: int,
        rows: list[Row],
        found: list[tuple[Row, bytes, bytes]],
        lost: list[Row],
    ) -> None:
        salt = salt_of(segment)
        believed = self.judged(segment)
        view = self._view(segment)
        if view is not None and len(view) < rows[-1][3] + rows[-1][4]:
            view = self._view(segment, renew=True)
        for row in rows:
            offset = row[3]
            record = unframe(salt, view[offset : offset + row[4]]) if view is not None else None
            if record is None:
                record = self._second_look(row, salt)
            if record is None:
                lost.append(row)
            elif believed is bytes:
                found.append((row, *record))
            else:
                found.append((row, record[0], believed(record[1])))

    def judged(self, segment: int) -> type[bytes]:
        """How the records of a segment are believed (see `vouched`)."""
        found = self._judged.get(segment)
        if found is None:
            found = self._judged[segment] = self._judge(self._names[segment])
        return found

    def frame_after(self, segment: int, offset: int) -> tuple[int, bytes] | None:
        """Return (end, bytes) of the first intact frame at or behind *offset*, or None."""
        view = self._view(segment)
        span = first_frame(view, offset, salt_of(segment)) if view is not None else None
        return (span[1], view[span[0] : span[1]]) if span and view is not None else None

    def tail(self, name: str, start: int) -> bytes:
        """The bytes of a segment from *start*; empty if it is gone."""
        return self._read(name, start, -1) or b""

    def keep_damage(
        self, name: str, base: int, raw: bytes, spans: Iterable[tuple[int, int]]
    ) -> None:
        """Put what a scan of *raw*, at offset *base* of segment *name*, found damaged aside."""
        for start, stop in spans:
            self._quarantine.keep(_label(name, start), raw[start - base : stop - base])

    def let_go(self, segments: Iterable[int]) -> None:
        """Close the maps of segments that were removed: they hold the space on the disk."""
        for segment in segments:
            self._maps.pop(segment, None)

    def close(self) -> None:
        """Let go of every map."""
        while self._maps:
            self._maps.popitem()[1].close()

    def _view(self, segment: int, renew: bool = False) -> mmap.mmap | None:
        view = self._maps.pop(segment, None)
        if view is None or renew:
            view = self._map(segment)
        if view is not None:
            while len(self._maps) >= MAX_MAPS:
                self._maps.pop(next(iter(self._maps)))
            self._maps[segment] = view
        return view

    def _map(self, segment: int) -> mmap.mmap | None:
        path = self._folder / self._names[segment]
        try:
            with path.open("rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file cannot be mapped
            return None
        except OSError as error:
            if is_gone(error):
                self._gone.add(segment)
                return None
            raise store_error("read", path, error) from error

    def _second_look(self, row: Row, salt: bytes) -> tuple[bytes, bytes] | None:
        """Read a record anew before it is given up: maps of network files may be stale."""
        name = self._names[row[2]]
        raw = self._read(name, row[3], row[4])
        if raw is None:
            return None
        found = unframe(salt, raw)
        if found is None:
            self._quarantine.keep(_label(name, row[3]), raw)
        return found

    def _read(self, name: str, start: int, length: int) -> bytes | None:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(length)
        except OSError as error:
            if is_gone(error):
                self._gone.add(segment_id(name))
                _log.debug("segment %s is gone: %s", name, error)
                return None
            raise store_error("read", path, error) from error


def _label(name: str, offset: int) -> str:
    return f"{name.rpartition('/')[2]}-{offset}"
