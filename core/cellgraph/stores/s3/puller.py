"""Brings what others wrote into the local tier: listings, segment objects, nothing per key.

The first look lists `catalog/` and `segments/` behind the catalog's position; later looks, only
when something was missed and at most once in a few seconds, list `segments/` again. An object that
was deleted since (compaction) means that the catalog is newer: it is read again.

Threading: any thread; one lock around each look.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.s3 import catalog as catalogs
from cellgraph.stores.s3.bucket import CONNECTIONS, Bucket
from cellgraph.stores.s3.bundle import MAX_OBJECT_BYTES, DamagedBundle, parse
from cellgraph.stores.s3.catalog import NOTHING, Catalog
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.gate import Gate
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.link import Link, Remarks
from cellgraph.stores.s3.place import CATALOG, SEGMENTS, generation_of, is_segment
from cellgraph.stores.s3.tier import Tier

# A slow listing takes at most a twentieth of the time.
_PAUSE_PER_LOOK: Final = 20
_AT_ONCE_BYTES: Final = 64 << 20
_log = logging.getLogger(__name__)


class Puller:
    """What this session knows of the objects in the bucket."""

    def __init__(
        self,
        bucket: Bucket,
        gate: Gate,
        tier: Tier,
        ledger: Ledger,
        link: Link,
        remarks: Remarks,
        refresh_s: float,
    ) -> None:
        self._bucket = bucket
        self._gate = gate
        self._tier = tier
        self._ledger = ledger
        self.link = link
        self._remarks = remarks
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self.begun = False  # whether this session has looked once
        self._next_look = 0.0
        self._generation = -1
        self._catalog = NOTHING
        self._taken: set[str] = set()
        self._live: dict[str, int] = {}

    def look(self) -> bool:
        """Take in what is new, unless that was done just now or the bucket is away.

        Never waits for a bucket that is away.

        Returns whether another lookup is worth it.
        """
        if time.monotonic() < self._next_look or not self.link.up:
            return False
        with self._lock:
            started = time.monotonic()
            if started < self._next_look:
                return True  # another thread has just looked
            try:
                self._gate.pass_through()
                came = self._look()
            except S3Fault as fault:
                self.link.failed(fault)
                return False
            except (OSError, StoreError) as error:
                self._remarks.once("tier", f"what others computed cannot be taken in: {error}")
                came = False
            else:
                self.link.worked()
            finished = time.monotonic()
            pause_s = max(self._refresh_s, _PAUSE_PER_LOOK * (finished - started))
            self._next_look = finished + pause_s
            return came

    def pushed(self, name: str, size: int) -> None:
        """This session put the object *name*; its records are here."""
        with self._lock:
            self._taken.add(name)
            self._live[name] = size

    def live(self) -> dict[str, int]:
        """Name and size of the objects that counted when last looked."""
        with self._lock:
            return dict(self._live)

    def whole(self) -> tuple[int, Catalog, dict[str, int]]:
        """Newest generation, its catalog, and every live object of the bucket, asked for now."""
        with self._lock:
            self._load_catalog()
            self._live = self._list("")
            return self._generation, self._catalog, dict(self._live)

    def merged(self, generation: int, catalog: Catalog, name: str, raw: bytes) -> None:
        """This session wrote a catalog and the object *name*, with these bytes, for it."""
        with self._lock:
            self._generation, self._catalog = generation, catalog
            self._live = catalog.live({n: s for n, s in self._live.items() if n != name})
            covers = next(s.covers for s in catalog.segments if s.name == name)
            if self._taken.issuperset(covers):
                self._ledger.take_in([name], {}, ())
                self._taken.add(name)
            else:
                self._take_in([(name, raw)])

    def _look(self) -> bool:
        if not self.begun:
            self._tier.catch_up()
            self._load_catalog()
        self._live = self._list(self._catalog.position)
        lacking = self._lacking()
        came, absent = self._fetch(lacking)
        if absent:
            self._load_catalog()
            self._live = self._list(self._catalog.position)
            again, _ = self._fetch(self._lacking())
            came = came or again
        self.begun = True
        return came

    def _load_catalog(self) -> None:
        """Read the newest catalog, unless it is the one that is known."""
        known = max((generation_of(f.name) for f in self._bucket.list(CATALOG)), default=-1)
        if known <= self._generation:
            return
        name = f"{CATALOG}{known:010d}.json"
        kept = self._ledger.fact(name)
        try:
            raw = kept or self._bucket.get(name, at_most=catalogs.MAX_CATALOG_BYTES)
        except Absent:
            return
        found = catalogs.decode(raw)
        if found is None:
            # Without it everything is listed, and equal records count once.
            self._remarks.once("catalog", f"{name} is damaged: the store is read without it")
            self._catalog = NOTHING
            return
        if not kept:
            self._ledger.note_fact(name, raw)
        self._generation, self._catalog = known, found

    def _list(self, position: str) -> dict[str, int]:
        """The live objects; those behind *position* are listed, the others in the catalog."""
        found = self._bucket.list(SEGMENTS, f"{SEGMENTS}{position}/" if position else "")
        named = {f.name.removeprefix(SEGMENTS): f.size for f in found}
        return self._catalog.live(
            {n: s for n, s in named.items() if is_segment(n) and s <= MAX_OBJECT_BYTES}
        )

    def _lacking(self) -> list[str]:
        lacking = [name for name in self._live if name not in self._taken]
        if lacking:
            self._taken |= self._ledger.taken()  # another session on this machine, or an earlier
            known = [
                s.name
                for s in self._catalog.segments
                if s.covers and s.name not in self._taken and self._taken.issuperset(s.covers)
            ]
            if known:
                self._ledger.take_in(known, {}, ())
                self._taken.update(known)
        return [name for name in lacking if name not in self._taken]

    def _fetch(self, names: Sequence[str]) -> tuple[bool, bool]:
        """Take in these objects; return whether any came, and whether any was not there."""
        came = absent = False
        for batch in _batches(names, self._live):
            arrived: list[tuple[str, bytes]] = []
            trouble: list[S3Fault] = []
            for name, found in self._bucket.each(self._get, batch):
                if isinstance(found, Absent):
                    absent = True
                elif isinstance(found, S3Fault):
                    trouble.append(found)
                else:
                    arrived.append((name, found))
            if arrived:
                came = True
                self._take_in(arrived)
            if trouble:
                raise trouble[0]
        return came, absent

    def _get(self, name: str) -> bytes:
        return self._bucket.get(f"{SEGMENTS}{name}")

    def _take_in(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Put the records of *objects* into the tier, then note that they are there."""
        for name, raw in objects:
            try:
                found = parse(name, raw)
                lacking = [s for s in found.sections if self._tier.lacks(s[0], bytes(s[2]))]
            except DamagedBundle as error:
                _log.warning("damaged object %s (%s): treated as absent", name, error)
                self._tier.quarantine(name, raw)
                continue
            # Before the files: what came from the bucket is never pushed to it, and another process
            # that finds a record finds its payloads.
            pushed = {n: len(part) for n, _, part in found.sections}
            self._ledger.take_in((), pushed, found.places)
            # Before the files, too: whoever reads them finds who signed them.
            self._ledger.note_seals(
                {name, *(segment for segment, _, _ in lacking)}, found.content, found.seal
            )
            for segment, _, part in lacking:
                self._tier.take_in(segment, bytes(part))
        self._tier.sync()
        names = [name for name, _ in objects]
        self._ledger.take_in(names, {}, ())
        self._taken.update(names)


def _batches(names: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Few enough to be in memory at once."""
    batch: list[str] = []
    total = 0
    for name in names:
        if batch and (len(batch) >= CONNECTIONS or total + sizes[name] > _AT_ONCE_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += max(0, sizes[name])
    if batch:
        yield batch
