"""Every record of a store, read from the segments themselves.

One record per segment is in memory at a time, and a bounded number of files is open.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path

from cellgraph.stores.base import Entry
from cellgraph.stores.local.faults import Quarantine
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.segment import salt_of, stamp_of, unframe
from cellgraph.stores.local.tails import list_segments
from cellgraph.stores.tended import Kept, Place
from cellgraph.vouched import Judge, whole


class _Replaced(Exception):
    """A collector removed a segment; what was worth keeping is in another one."""


def entries(folder: Path, quarantine: Quarantine, judge: Judge = whole) -> Iterator[Entry]:
    """Yield what the segments under *folder* hold, oldest first; damaged records are left out.

    A collector at work costs a second listing, and no record comes twice.
    """
    last = -1
    came: set[Entry] = set()  # those with the stamp *last*
    while True:
        reader = SegmentReader(folder, quarantine, judge)
        try:
            streams = [_stream(reader, name) for name, _ in list_segments(folder)]
            for stamp, _, kept in heapq.merge(*streams):
                if stamp < last or (stamp == last and kept.entry in came):
                    continue
                if stamp > last:
                    last = stamp
                    came.clear()
                came.add(kept.entry)
                yield kept.entry
        except _Replaced:
            continue
        else:
            return
        finally:
            reader.close()


def kept(folder: Path, quarantine: Quarantine) -> Iterator[Kept]:
    """Yield each intact record with its place, segment by segment.

    Segments that are removed meanwhile are passed over.
    """
    reader = SegmentReader(folder, quarantine)
    try:
        for name, _ in list_segments(folder):
            try:
                for _, _, found in _stream(reader, name):
                    yield found
            except _Replaced:
                continue
            reader.let_go([reader.learn(name)])
    finally:
        reader.close()


def _stream(reader: SegmentReader, name: str) -> Iterator[tuple[int, int, Kept]]:
    """Yield (stamp, segment, record) of one segment. No two are equal in the first two."""
    segment = reader.learn(name)
    zone = int(name.split("/")[1], 16)
    believed = reader.judged(segment)
    offset = 0
    while step := reader.frame_after(segment, offset):
        offset, raw = step
        record = unframe(salt_of(segment), raw)
        if record is not None:
            entry = Entry(record[0], zone, believed(record[1]))
            place = Place(name, offset - len(raw))
            yield stamp_of(raw), segment, Kept(place, stamp_of(raw), len(raw), entry)
    if segment in reader.take_gone() and not reader.exists(segment):
        raise _Replaced
