"""Few objects instead of many: merges segment objects, then says so in the next catalog.

Any session does it: while it runs when there are very many, and when it ends so that few are left.
Not more often, because whoever lacks a part of a merged object fetches the whole.

The merged object is written first, then the catalog, which counts only if nobody wrote that
generation before; what was merged is deleted a grace period later, so a reader with an older
listing finds everything. Stopped at any point it leaves at most records that are in two objects,
which count once.

Threading: one thread at a time.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from cellgraph.stores.local.segment import salt_of, scan, segment_id, stamp_of, unframe
from cellgraph.stores.s3 import catalog as catalogs
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.bundle import DamagedBundle, Place, Stamped, build, parse
from cellgraph.stores.s3.catalog import Catalog, Listed, to_merge
from cellgraph.stores.s3.faults import Refused, S3Fault, Taken
from cellgraph.stores.s3.hand import Hand
from cellgraph.stores.s3.place import (
    CATALOG,
    SEGMENTS,
    catalog_name,
    generation_of,
    object_name,
    position_at,
)
from cellgraph.stores.s3.puller import Puller

_KEEP_CATALOGS: Final = 8


class Compactor:
    """Merges when there is something to merge. *clock* returns nanoseconds since 1970.

    *hand* says what may be merged: what has the same signature as the merged object will have.
    """

    def __init__(
        self,
        bucket: Bucket,
        puller: Puller,
        grace_s: float,
        clock: Callable[[], int],
        hand: Hand,
    ) -> None:
        self._bucket = bucket
        self._puller = puller
        self._grace_s = grace_s
        self._clock = clock
        self._hand = hand
        self._writer = os.urandom(5).hex()
        self._made = 0
        self._unreadable: set[str] = set()

    def run(self, at_most: int) -> bool:
        """Merge once if there are too many objects, more than *at_most* small ones for instance.

        Returns whether it did. Raises S3Fault.
        """
        if not to_merge(*self._mergeable(self._puller.live(), at_most)):
            return False
        generation, catalog, live = self._puller.whole()
        merged = self._merged(to_merge(*self._mergeable(live, at_most)))
        if merged is None:
            return False
        listed, raw = merged
        now = time.time()
        position = position_at(self._clock())
        made = catalogs.merged(catalog, live, listed, position, now, self._grace_s)
        self._bucket.put(f"{SEGMENTS}{listed.name}", raw, new=True)
        try:
            self._bucket.put(catalog_name(generation + 1), catalogs.encode(made), new=True)
        except Taken:  # another session was quicker; a reader that has seen this one reads again
            with suppress(Refused):  # who may not delete leaves it to others
                self._bucket.delete([f"{SEGMENTS}{listed.name}"])
            return False
        self._puller.merged(generation + 1, made, listed.name, raw)
        self.sweep(catalog, generation + 1, now)
        return True

    def _mergeable(
        self, live: dict[str, int], at_most: int
    ) -> tuple[dict[str, int], int, set[str]]:
        """Objects, without those that others have signed: what stands in a merged object stands
        under the signature of whoever merged it."""
        if len(live) > at_most:
            self._unreadable.update(n for n in live if self._hand.known_as_others(n))
        return live, at_most, self._unreadable

    def _merged(self, names: Sequence[str]) -> tuple[Listed, bytes] | None:
        """One object with the records of *names*; None unless two of them can be read."""
        records: dict[Stamped, None] = {}
        places: dict[bytes, Place] = {}
        covers: list[str] = []
        for name, raw in self._bucket.each(self._get, names):
            if isinstance(raw, S3Fault):
                raise raw
            try:
                bundle = parse(name, raw)
            except DamagedBundle:
                self._unreadable.add(name)
                continue
            if not self._hand.is_own(bundle):
                self._unreadable.add(name)
                continue
            for segment, zone, part in bundle.sections:
                found = records_of(segment, zone, bytes(part))
                records.update((record, None) for _, _, record in found)
            for place in bundle.places:
                known = places.setdefault(place.digest, place)
                if known.put_s < place.put_s:
                    places[place.digest] = place
            covers.append(name)
        if len(covers) < 2:
            return None
        zones = frozenset(record.zone for record in records)
        name = object_name(self._clock(), zones, self._writer, self._made)
        self._made += 1
        raw = build(name, records, list(places.values()), self._hand.sign)
        return Listed(name, len(raw), tuple(covers)), raw

    def _get(self, name: str) -> bytes:
        return self._bucket.get(f"{SEGMENTS}{name}")

    def sweep(self, before: Catalog, generation: int, now: float) -> None:
        """Delete what was replaced a grace period ago, and all but a few catalogs."""
        old = [f"{SEGMENTS}{r.name}" for r in before.replaced if now - r.at >= self._grace_s]
        if generation % _KEEP_CATALOGS == 0:
            listed = [f.name for f in self._bucket.list(CATALOG)]
            old += [n for n in listed if 0 <= generation_of(n) <= generation - _KEEP_CATALOGS]
        if old:
            try:
                self._bucket.delete(old)
            except Refused:
                return  # who may not delete leaves it to others


def records_of(segment: str, zone: int, raw: bytes) -> Iterator[tuple[int, int, Stamped]]:
    """Yield offset, length and content of each intact record of a section."""
    number = segment_id(segment)
    salt = salt_of(number)
    for _, _, _, offset, length in scan(raw, 0, number).rows:
        piece = raw[offset : offset + length]
        record = unframe(salt, piece)
        if record is not None:
            yield offset, length, Stamped(zone, stamp_of(piece), *record)
