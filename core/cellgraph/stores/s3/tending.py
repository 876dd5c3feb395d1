"""The care of a bucket: looking through it, dropping records, deleting payloads. See `Tended`.

Any number of sessions read and write meanwhile. Records are dropped by the same step that merges
objects: the new object, then a catalog that counts only if nobody else wrote that generation, then,
a grace period later, the end of the old objects. Payloads go by `doomed`.

Threading: the thread that asks. Raises StoreError when the bucket cannot be asked.
"""

import os
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from cellgraph.errors import StoreError
from cellgraph.stores.local.layout import FORMAT
from cellgraph.stores.s3 import catalog as catalogs
from cellgraph.stores.s3.bucket import Bucket, Found
from cellgraph.stores.s3.bundle import Bundle, DamagedBundle, Place, Stamped, build, parse
from cellgraph.stores.s3.catalog import MERGED_BYTES, Catalog, Listed
from cellgraph.stores.s3.compaction import Compactor, records_of
from cellgraph.stores.s3.datasets import BucketDatasets
from cellgraph.stores.s3.doomed import Doomed
from cellgraph.stores.s3.faults import Absent, S3Fault, Taken
from cellgraph.stores.s3.hand import Hand
from cellgraph.stores.s3.inventory import Inventory
from cellgraph.stores.s3.jobfolders import JobFolders
from cellgraph.stores.s3.place import (
    SEGMENTS,
    blob_name,
    catalog_name,
    object_name,
    pack_name,
    position_at,
)
from cellgraph.stores.s3.puller import Puller
from cellgraph.stores.tended import Blob, Facts, Folder, Kept, Rewritten, Swept

_LOCK: Final = "collecting.json"
_STALE_S: Final = 6 * 3600.0
_ATTEMPTS: Final = 8


class Holder(msgspec.Struct):
    """Who collects a bucket."""

    who: str
    at: float


class Tending:
    """The care of one bucket. *flush* pushes what this session has; *forget* is told the payloads
    that were deleted."""

    def __init__(
        self,
        bucket: Bucket,
        puller: Puller,
        hand: Hand,
        compactor: Compactor,
        flush: Callable[[], bool],
        forget: Callable[[Collection[bytes]], None],
        grace_s: float,
        clock: Callable[[], int],
    ) -> None:
        self._bucket = bucket
        self._puller = puller
        self._forget = forget
        self._hand = hand
        self._compactor = compactor
        self._flush = flush
        self._grace_s = grace_s
        self._clock = clock
        self._writer = os.urandom(5).hex()
        self._made = 0
        self._seen = Inventory(bucket, puller)
        self._doomed = Doomed(bucket)
        self._jobs = JobFolders(bucket, time.time)
        self._datasets = BucketDatasets(bucket)

    def facts(self, index_bytes: int, quarantine: tuple[int, int]) -> Facts:
        """See `Tended`."""
        with self._asking("be looked at"):
            self._flush()
            _, _, live = self._puller.whole()
        where = self._bucket.location.uri
        return Facts(where, FORMAT, len(live), sum(live.values()), index_bytes, *quarantine)

    def look(self) -> Inventory:
        """Begin anew: push what this session has, list what is there."""
        with self._asking("be looked through"):
            self._flush()
            self._seen = Inventory(self._bucket, self._puller)
            self._doomed = Doomed(self._bucket)
            # Payloads before records: one that is put meanwhile is younger than any grace period.
            self._seen.read_payloads()
            self._jobs.look()
        return self._seen

    def kept(self) -> Iterator[Kept]:
        """See `Tended`: what the bucket holds, not what this machine does."""
        with self._asking("be looked through"):
            yield from self._seen.records()

    def blobs(self) -> Iterator[Blob]:
        """See `Tended`. Reads all objects of records: they say what is in packs."""
        with self._asking("be looked through"):
            seen = self.look()
            for _ in seen.bundles():
                pass
        return iter(seen.blobs())

    @contextmanager
    def collecting(self) -> Generator[None]:
        """See `Tended`. A courtesy between people: two collectors do each other no harm."""
        mine = Holder(f"{os.uname().nodename}, process {os.getpid()}", time.time())
        with self._asking("be collected"):
            self._flush()
            self._take_lock(mine)
        try:
            yield
        finally:
            with suppress(S3Fault):
                self._bucket.delete([_LOCK])

    def _take_lock(self, mine: Holder) -> None:
        raw = msgspec.json.encode(mine)
        try:
            self._bucket.put(_LOCK, raw, new=True)
        except Taken:
            held = self._holder()
            if held is not None and time.time() - held.at < _STALE_S:
                raise StoreError(
                    f"{self._bucket.location.uri} is being collected already, by {held.who}: wait "
                    f"for that to end, or delete {_LOCK} there if it was killed"
                ) from None
            self._bucket.put(_LOCK, raw)

    def _holder(self) -> Holder | None:
        try:
            return msgspec.json.decode(self._bucket.get(_LOCK), type=Holder)
        except (Absent, msgspec.MsgspecError):
            return None

    # --- records ------------------------------------------------------------------------------

    def rewrite(self, dead: Mapping[str, Collection[int]]) -> Rewritten:
        """See `Tended`. `busy` are objects that others merged meanwhile, and those that others have
        signed and that hold more than dead records: what stands in a rewritten object stands under
        the signature of whoever wrote it."""
        done: set[str] = set()
        freed = 0
        with self._asking("be written"):
            sizes = self._puller.live()
            for batch in _batches(sorted(dead), sizes):
                covers, won = self._replace(batch, dead)
                done.update(covers)
                freed += won
        return Rewritten(frozenset(done), frozenset(dead) - done, freed)

    def _replace(
        self, names: list[str], dead: Mapping[str, Collection[int]]
    ) -> tuple[list[str], int]:
        """Write one object without the dead records of *names*; which it replaces, and the bytes
        won. None if others replaced some of them first."""
        records: dict[Stamped, None] = {}
        places: dict[bytes, Place] = {}
        covers: list[str] = []
        before = 0
        for name, raw in self._bucket.each(self._get, names):
            if isinstance(raw, Absent):
                continue
            if isinstance(raw, S3Fault):
                raise raw
            try:
                bundle = parse(name, raw)
            except DamagedBundle:
                continue
            staying = _without(bundle, dead[name])
            if staying and not self._hand.is_own(bundle):
                continue
            covers.append(name)
            before += len(raw)
            records.update(dict.fromkeys(staying))
            for place in bundle.places:
                known = places.setdefault(place.digest, place)
                if known.put_s < place.put_s:
                    places[place.digest] = place
        if not covers:
            return [], 0
        there = [place for place in places.values() if self._is_there(place)]
        zones = frozenset(record.zone for record in records)
        made = object_name(self._clock(), zones, self._writer, self._made)
        self._made += 1
        raw = build(made, records, there, self._hand.sign)
        self._bucket.put(f"{SEGMENTS}{made}", raw, new=True)
        if self._commit(Listed(made, len(raw), tuple(covers)), raw):
            return covers, before - len(raw)
        self._bucket.delete([f"{SEGMENTS}{made}"])
        return [], 0

    def _is_there(self, place: Place) -> bool:
        if not self._seen.packs and not self._seen.singles:
            return True
        return (place.pack in self._seen.packs) if place.pack else self._known_single(place)

    def _known_single(self, place: Place) -> bool:
        # One that came since the listing is young.
        young = time.time() - place.put_s < self._grace_s
        return young or place.digest in self._seen.singles

    def _commit(self, new: Listed, raw: bytes) -> bool:
        """Say in the next catalog that *new* stands for what it covers."""
        for _ in range(_ATTEMPTS):
            generation, catalog, live = self._puller.whole()
            if not live.keys() >= set(new.covers):
                return False
            now = time.time()
            position = position_at(self._clock())
            made: Catalog = catalogs.merged(catalog, live, new, position, now, self._grace_s)
            try:
                self._bucket.put(catalog_name(generation + 1), catalogs.encode(made), new=True)
            except Taken:
                continue
            self._puller.merged(generation + 1, made, new.name, raw)
            self._compactor.sweep(catalog, generation + 1, now)
            return True
        return False

    def _get(self, name: str) -> bytes:
        return self._bucket.get(f"{SEGMENTS}{name}")

    # --- payloads -----------------------------------------------------------------------------

    def remove_blobs(self, digests: Collection[bytes], grace_s: float, *, remove: bool) -> Swept:
        """See `Tended`. A pack goes when nothing in it is needed."""
        grace_s = max(grace_s, self._grace_s)
        wanted = frozenset(digests)
        unneeded: dict[str, Found] = {}
        inside: dict[str, list[bytes]] = {}
        for digest, found in self._seen.singles.items():
            if digest in wanted:
                unneeded[blob_name(digest)] = found
                inside[blob_name(digest)] = [digest]
        for pack, places in self._seen.in_packs().items():
            if all(place.digest in wanted for place in places):
                unneeded[pack_name(pack)] = self._seen.packs[pack]
                inside[pack_name(pack)] = [place.digest for place in places]
        old = time.time() - grace_s
        ownerless = self._seen.ownerless_packs()
        unneeded |= {name: found for name, found in ownerless.items() if found.modified_s < old}
        since = self._jobs.needed_since()
        unneeded = {name: found for name, found in unneeded.items() if found.modified_s < since}
        with self._asking("be written"):
            gone, swept = self._doomed.sort(unneeded, time.time(), grace_s)
            if remove:
                self._bucket.delete(gone)
                self._doomed.settle(unneeded, gone, time.time())
                self._forget([d for name in gone for d in inside.get(name, ())])
        return swept

    def datasets(self) -> Iterator[Folder]:
        """See `Tended`."""
        with self._asking("be looked through"):
            return iter(self._datasets.look())

    def shards(self, name: str) -> Mapping[str, bytes]:
        """See `Tended`."""
        with self._asking("be looked through"):
            return self._datasets.contents(name)

    def remove_datasets(
        self, names: Collection[str], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """See `Tended`, of what was there when `datasets` was asked for last."""
        since, grace_s = self._jobs.needed_since(), max(grace_s, self._grace_s)
        with self._asking("be written"):
            return self._datasets.remove(names, time.time(), grace_s, since, remove=remove)

    def leftovers(self, grace_s: float, *, remove: bool) -> Swept:
        """See `Tended`: the folders of remote jobs that are over."""
        with self._asking("be written"):
            return self._jobs.sweep(max(grace_s, self._grace_s), remove=remove)

    @contextmanager
    def _asking(self, what: str) -> Generator[None]:
        try:
            yield
        except S3Fault as fault:
            raise StoreError(
                f"{self._bucket.location.uri} cannot {what} now ({fault}): check the network and "
                "your permissions, then try again"
            ) from fault


def _without(bundle: Bundle, dead: Collection[int]) -> list[Stamped]:
    """The intact records of an object but for those at the offsets *dead*."""
    staying: list[Stamped] = []
    base = 0
    for segment, zone, part in bundle.sections:
        for offset, _, record in records_of(segment, zone, bytes(part)):
            if base + offset not in dead:
                staying.append(record)
        base += len(part)
    return staying


def _batches(names: list[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for name in names:
        size = sizes.get(name, 0)
        if batch and total + size > MERGED_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += size
    if batch:
        yield batch
