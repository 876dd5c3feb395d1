"""Reads and hashes everything in a bucket. Changes nothing there.

What is damaged is treated as absent by whoever reads it: it is computed and put again.
"""

import os
from collections.abc import Iterable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from cellgraph.digest import digest as digest_of
from cellgraph.errors import StoreError
from cellgraph.stores.local import blobfile
from cellgraph.stores.local.segment import scan, segment_id
from cellgraph.stores.s3.bundle import Bundle, Place
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.inventory import Inventory
from cellgraph.stores.s3.place import SEGMENTS, blob_name, pack_name
from cellgraph.stores.tended import Checked, Damage

_AT_ONCE: Final = 4


def verify(seen: Inventory, folder: Path) -> tuple[Checked, list[bytes]]:
    """Check all of it; also return the payloads that are named and not there, or damaged.

    *folder* takes one large payload at a time. Raises StoreError when the bucket gives no answer.
    """
    records = record_bytes = torn = 0
    damage: list[Damage] = []
    try:
        for name, raw, bundle in seen.bundles():
            found, wrong = _records(bundle)
            records += found
            record_bytes += len(raw)
            if wrong:
                damage.append(Damage(f"{SEGMENTS}{name}", f"{wrong} of its records are damaged"))
        damage += seen.damage
        bad = _in_packs(seen) | _singles(seen, folder)
    except S3Fault as fault:
        raise StoreError(
            f"{seen.bucket.location.uri} cannot be verified now ({fault}): try again"
        ) from fault
    damage += [Damage(what, why) for what, why in bad.values()]
    there = {blob.digest: blob for blob in seen.blobs()}
    lost = [digest for digest in seen.places if digest not in there]
    sizes = sum(blob.nbytes for blob in there.values())
    checked = Checked(records, record_bytes, len(there), sizes, torn, tuple(damage), aside=False)
    return checked, [*lost, *bad]


def _records(bundle: Bundle) -> tuple[int, int]:
    """How many records of an object are whole, and how many stretches are not."""
    whole = wrong = 0
    for segment, _, part in bundle.sections:
        found = scan(bytes(part), 0, segment_id(segment))
        whole += len(found.rows)
        wrong += len(found.damaged) + (found.end < len(part))
    return whole, wrong


_Bad = dict[bytes, tuple[str, str]]


def _in_packs(seen: Inventory) -> _Bad:
    bad: _Bad = {}
    inside = seen.in_packs()
    packs = list(inside)
    for at in range(0, len(packs), _AT_ONCE):
        some = packs[at : at + _AT_ONCE]
        for pack, raw in seen.bucket.each(lambda p: seen.bucket.get(pack_name(p)), some):
            if isinstance(raw, Absent):
                continue
            if isinstance(raw, S3Fault):
                raise raw
            bad |= _damaged(pack_name(pack), raw, inside[pack])
    return bad


def _damaged(name: str, raw: bytes, places: Iterable[Place]) -> _Bad:
    bad: _Bad = {}
    for place in places:
        why = _problem(memoryview(raw)[place.start : place.start + place.length], place.digest)
        if why:
            bad[place.digest] = (f"{name} at {place.start:,}", why)
    return bad


def _singles(seen: Inventory, folder: Path) -> _Bad:
    bad: _Bad = {}
    for digest in seen.singles:
        name = blob_name(digest)
        path = folder / f".verify.{os.urandom(4).hex()}"
        try:
            seen.bucket.get_file(name, path)
            why = _problem_in(path, digest)
        except Absent:
            continue
        finally:
            path.unlink(missing_ok=True)
        if why:
            bad[digest] = (name, why)
    return bad


def _problem_in(path: Path, digest: bytes) -> str:
    if not path.stat().st_size:
        return "empty"
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        return _problem(memoryview(data), digest)


def _problem(data: memoryview, digest: bytes) -> str:
    """What is wrong with the bytes of a payload; empty if nothing is."""
    try:
        payload = blobfile.parse(data, digest)
    except blobfile.DamagedBlob as error:
        return str(error)
    for number, buffer in enumerate(payload.buffers):
        if digest_of(buffer.data) != buffer.digest:
            return f"buffer {number} is wrong"
    return ""
