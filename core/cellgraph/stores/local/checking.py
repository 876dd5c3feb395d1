"""Reads everything in a local store and compares it with its checks; damage is put aside."""

from pathlib import Path

from cellgraph.stores.local.blobs import Blobs
from cellgraph.stores.local.faults import Quarantine
from cellgraph.stores.local.reader import SegmentReader
from cellgraph.stores.local.segment import scan
from cellgraph.stores.local.sweep import list_blobs
from cellgraph.stores.local.tails import list_segments
from cellgraph.stores.tended import Checked, Damage


def check(segments: Path, blob_folder: Path, blobs: Blobs, quarantine: Quarantine) -> Checked:
    """As `Tended.check`. One segment or one blob is in memory, or mapped, at a time."""
    reader = SegmentReader(segments, quarantine)
    records = record_bytes = torn = 0
    damage: list[Damage] = []
    for name, _ in list_segments(segments):
        raw = reader.tail(name, 0)
        found = scan(raw, 0, reader.learn(name))
        reader.keep_damage(name, 0, raw, found.damaged)
        damage += [
            Damage(f"segment {name}, bytes {start:,} to {stop:,}", "no intact record")
            for start, stop in found.damaged
        ]
        records += len(found.rows)
        record_bytes += sum(row[4] for row in found.rows)
        torn += found.end < len(raw)
    count = size = 0
    for blob in list_blobs(blob_folder):
        why = blobs.check(blob.digest)
        if why:
            damage.append(Damage(f"blob {blob.digest.hex()}", why))
        count += 1
        size += blob.nbytes
    return Checked(records, record_bytes, count, size, torn, tuple(damage))
