"""What is in a bucket, read once for its care: records object by object, payloads by listing.

Costs one request per segment object and one per thousand payload objects, whatever the number of
calls. Nothing is taken into the tier.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cellgraph.stores.base import Entry
from cellgraph.stores.s3.bucket import CONNECTIONS, Bucket, Found
from cellgraph.stores.s3.bundle import Bundle, DamagedBundle, Place, parse
from cellgraph.stores.s3.compaction import records_of
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.place import BLOBS, PACKS, SEGMENTS, pack_name, pack_of, payload_of
from cellgraph.stores.s3.puller import Puller
from cellgraph.stores.tended import Blob, Damage, Kept
from cellgraph.stores.tended import Place as RecordPlace

_NS: Final = 1_000_000_000
_HELD_BYTES: Final = 256 << 20


@dataclass(slots=True)
class Inventory:
    """The objects of a bucket. Filled by `read_payloads` and by walking `bundles`."""

    bucket: Bucket
    puller: Puller
    singles: dict[bytes, Found] = field(default_factory=dict[bytes, Found])
    packs: dict[bytes, Found] = field(default_factory=dict[bytes, Found])
    places: dict[bytes, Place] = field(default_factory=dict[bytes, Place])  # the latest of each
    damage: list[Damage] = field(default_factory=list[Damage])
    _held: list[tuple[str, bytes, Bundle]] | None = None

    def read_payloads(self) -> None:
        """List the payload objects. Raises S3Fault."""
        self.singles = {
            digest: found
            for found in self.bucket.list(BLOBS)
            if (digest := payload_of(found.name)) is not None
        }
        self.packs = {
            digest: found
            for found in self.bucket.list(PACKS)
            if (digest := pack_of(found.name)) is not None
        }

    def bundles(self) -> Iterator[tuple[str, bytes, Bundle]]:
        """Yield each segment object that counts now: name, bytes, parts. Raises S3Fault.

        A second walk costs no request if all of them are small enough to be held.
        """
        held, self._held = self._held, None
        if held is None:
            kept: list[tuple[str, bytes, Bundle]] = []
            size = 0
            for name, raw, bundle in self._fetched():
                size += len(raw)
                if size <= _HELD_BYTES:
                    kept.append((name, raw, bundle))
                yield name, raw, bundle
            self._held = kept if size <= _HELD_BYTES else None
        else:
            yield from held
            self._held = held

    def _fetched(self) -> Iterator[tuple[str, bytes, Bundle]]:
        """The same from the bucket. An object that is gone was merged meanwhile: the objects are
        listed once more."""
        done: set[str] = set()
        for _ in range(2):
            _, catalog, live = self.puller.whole()
            covered = {name for s in catalog.segments if s.name in done for name in s.covers}
            wanted = sorted(name for name in live if name not in done and name not in covered)
            for at in range(0, len(wanted), CONNECTIONS):
                for name, raw in self.bucket.each(self._get, wanted[at : at + CONNECTIONS]):
                    if isinstance(raw, Absent):
                        continue
                    if isinstance(raw, S3Fault):
                        raise raw
                    done.add(name)
                    try:
                        bundle = parse(name, raw)
                    except DamagedBundle as error:
                        self.damage.append(Damage(f"{SEGMENTS}{name}", str(error)))
                        continue
                    self._note_places(bundle)
                    yield name, raw, bundle
            if done.issuperset(wanted):
                return

    def records(self) -> Iterator[Kept]:
        """Yield each intact record. Raises S3Fault."""
        for name, _, bundle in self.bundles():
            base = 0
            for segment, zone, part in bundle.sections:
                for offset, length, record in records_of(segment, zone, bytes(part)):
                    entry = Entry(record.key, zone, record.data)
                    yield Kept(RecordPlace(name, base + offset), record.stamp, length, entry)
                base += len(part)

    def blobs(self) -> list[Blob]:
        """Every payload that is there. Complete once the bundles have been walked."""
        found = {
            digest: Blob(digest, single.size, int(single.modified_s * _NS))
            for digest, single in self.singles.items()
        }
        for digest, place in self.places.items():
            pack = self.packs.get(place.pack)
            if pack is not None and digest not in found:
                found[digest] = Blob(digest, place.length, int(pack.modified_s * _NS))
        return list(found.values())

    def in_packs(self) -> dict[bytes, list[Place]]:
        """The payloads for which each pack is the place that counts."""
        found: dict[bytes, list[Place]] = {}
        for digest, place in self.places.items():
            if place.pack in self.packs and digest not in self.singles:
                found.setdefault(place.pack, []).append(place)
        return found

    def ownerless_packs(self) -> dict[str, Found]:
        """Packs that no record object speaks of any more, or none does yet."""
        used = {place.pack for place in self.places.values()}
        return {pack_name(p): found for p, found in self.packs.items() if p not in used}

    def _get(self, name: str) -> bytes:
        return self.bucket.get(f"{SEGMENTS}{name}")

    def _note_places(self, bundle: Bundle) -> None:
        for place in bundle.places:
            known = self.places.get(place.digest)
            if known is None or known.put_s <= place.put_s:
                self.places[place.digest] = place
