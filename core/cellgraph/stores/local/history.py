"""Every record of a store in the order of writing, read from the segments themselves.

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


def entries(folder: Path, quarantine: Quarantine) -> Iterator[Entry]:
    """Yield what the segments under *folder* hold, oldest first; damaged records are left out."""
    reader = SegmentReader(folder, quarantine)
    try:
        streams = [_stream(reader, name) for name, _ in list_segments(folder)]
        for _, _, entry in heapq.merge(*streams):
            yield entry
    finally:
        reader.close()


def _stream(reader: SegmentReader, name: str) -> Iterator[tuple[int, int, Entry]]:
    """Yield (stamp, segment, entry) of one segment. No two are equal in the first two."""
    segment = reader.learn(name)
    zone = int(name.split("/")[1], 16)
    offset = 0
    while step := reader.frame_after(segment, offset):
        offset, raw = step
        record = unframe(salt_of(segment), raw)
        if record is not None:
            yield stamp_of(raw), segment, Entry(record[0], zone, record[1])
