"""A local store goes into a bucket, and results of a bucket come to this machine.

Segments are taken over as they are, names and stamps included: what was said to be forgotten stays
older or newer than what it speaks of, and pushing twice pushes only what is new.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.base import Store
from cellgraph.stores.local import LocalStore
from cellgraph.stores.local.segment import scan, segment_id
from cellgraph.stores.names import FOLDERS
from cellgraph.stores.s3 import shardmoves
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.fetching import Fetcher
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.pusher import Pusher
from cellgraph.stores.s3.tier import Tier
from cellgraph.stores.shardfolders import FOLDER
from cellgraph.stores.tended import Moved

_NAMED: Final = tuple(sorted(FOLDERS - {"pending"}))


def adopt(
    source: LocalStore,
    holds: Callable[[str], bool],
    bucket: Bucket,
    tier: Tier,
    ledger: Ledger,
    pusher: Pusher,
    target: Store,
    flush: Callable[[], bool],
) -> Moved:
    """Push all that *source* holds into the bucket of *tier*. Raises StoreError."""
    source.sync()
    # Others write meanwhile: a record that comes now may need what is looked for too early.
    ends = {name: path.stat().st_size for name, path in source.segment_files()}
    # Before records: what is in the tier goes into the bucket whatever happens here.
    shards, shard_bytes = _put_datasets(source, holds, bucket)
    payloads: list[bytes] = []
    nbytes = there = 0
    for blob in source.blobs():
        if target.has_blob(blob.digest):
            there += 1
            continue
        payload = source.get_blob(blob.digest)
        if payload is not None:
            tier.put_blob(payload)
            payloads.append(blob.digest)
            nbytes += blob.nbytes
    segments: dict[str, int] = {}
    known, records = ledger.pushed(), 0  # the background thread may push them before us
    for name, path in source.segment_files():
        if name not in ends:
            continue
        raw = path.read_bytes()[: ends[name]]
        found = scan(raw, 0, segment_id(name))
        whole = found.end  # without a record that is being written
        done = known.get(name, 0)
        if whole > done:
            tier.take_in(name, raw[:whole])
            segments[name] = whole
            nbytes += whole - done
            records += sum(row[3] >= done for row in found.rows)
    tier.sync()
    try:
        pusher.push_segments(segments, payloads)
    except S3Fault as fault:
        raise StoreError(f"the bucket cannot be written now ({fault}): push again later") from fault
    for folder in _NAMED:
        listed = set(target.list_files(folder))
        for name in source.list_files(folder):
            data = source.read_file(name) if name not in listed else None
            if data is not None:
                target.write_file(name, data)
    if not flush():
        raise StoreError("not all is in the bucket yet: push again when it answers")
    return Moved(records, len(payloads), nbytes + shard_bytes, there, shards)


def _put_datasets(
    source: LocalStore, holds: Callable[[str], bool], bucket: Bucket
) -> shardmoves.Went:
    """Have the datasets there before the results that have them."""
    files = nbytes = 0
    try:
        for folder in source.datasets():
            went = shardmoves.put(bucket, folder.name, source.root / FOLDER / folder.name, holds)
            files, nbytes = files + went.files, nbytes + went.nbytes
    except (S3Fault, OSError) as fault:
        raise StoreError(f"a dataset cannot be pushed now ({fault}): push again later") from fault
    return shardmoves.Went(files, nbytes)


def bring_datasets(folders: Mapping[str, Path], bucket: Bucket) -> Moved:
    """Have datasets in these folders. Raises StoreError."""
    files = nbytes = 0
    try:
        for name, folder in folders.items():
            went = shardmoves.fetch(bucket, name, folder)
            files, nbytes = files + went.files, nbytes + went.nbytes
    except (S3Fault, OSError) as fault:
        raise StoreError(f"a dataset did not come ({fault}): pull again later") from fault
    return Moved(0, 0, nbytes, 0, files)


def bring(
    payloads: Collection[bytes], tier: Tier, ledger: Ledger, fetcher: Fetcher, limit_bytes: int
) -> Moved:
    """Fetch what is not here. Raises StoreError when it does not fit, or cannot be had."""
    lacking = [p for p in payloads if not tier.has_blob(p)]
    places = [found[0] for p in lacking if (found := ledger.place(p)) is not None]
    size = sum(place.length for place in places)
    held = sum(blob.nbytes for blob in tier.blobs())
    if size + held > limit_bytes:
        raise StoreError(
            f"{size / 1e9:.1f} GB would come to the {held / 1e9:.1f} GB that are on this machine, "
            f"and the tier holds {limit_bytes / 1e9:.1f} GB: raise s3.tier_gib, or pull less"
        )
    came = nbytes = 0
    # Whole packs at a time: what was written together lies together.
    for place in sorted(places, key=lambda place: (place.pack, place.start)):
        if fetcher.fetch(place.digest) is not None:
            came += 1
            nbytes += place.length
    if came < len(places):
        raise StoreError(
            f"{came:,} of {len(places):,} values came, then the bucket gave no more: check the "
            "network and your permissions, then pull again"
        )
    return Moved(0, came, nbytes, len(payloads) - len(lacking))
