"""Brings what was computed here into the bucket: payloads first, then the records that name them.

One object of records per flush, however many tasks wrote them. What is pushed is read from the
local tier, so a session pushes what a killed one left behind in the same way as its own.

Threading: one flush at a time; `staged` from any thread.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from cellgraph.digest import digest
from cellgraph.stores.local.locks import Lock, locked
from cellgraph.stores.s3.bucket import LARGE_AT_ONCE, Bucket
from cellgraph.stores.s3.bundle import Place, Stamped, build
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.gate import Gate
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.pace import PACKED_BYTES, Pace
from cellgraph.stores.s3.place import SEGMENTS, blob_name, object_name, pack_name
from cellgraph.stores.s3.puller import Puller
from cellgraph.stores.s3.tier import Stretch, Tier

_LEFTOVERS: Final = ".pushing"
Sign = Callable[[bytes], bytes]


class Pusher:
    """What waits to be pushed. *clock*: nanoseconds since 1970. *sign* seals what is pushed."""

    def __init__(
        self,
        bucket: Bucket,
        gate: Gate,
        tier: Tier,
        ledger: Ledger,
        puller: Puller,
        pace: Pace,
        clock: Callable[[], int],
        sign: Sign | None = None,
    ) -> None:
        self._bucket = bucket
        self._gate = gate
        self._tier = tier
        self._ledger = ledger
        self._puller = puller
        self._pace = pace
        self._clock = clock
        self._sign = sign
        self._flushing = threading.Lock()
        self._lock = threading.Lock()  # guards the next one
        self._staged: dict[bytes, None] = {}
        self._unpublished: dict[bytes, Place] = {}  # in the bucket, named by no object yet
        self._in_bucket: dict[str, int] = {}  # own segments: how much is pushed
        self._writer = os.urandom(5).hex()
        self._made = 0

    def staged(self, payload: bytes) -> None:
        """This payload, which is in the tier, has to be in the bucket before later records."""
        with self._lock:
            self._staged[payload] = None

    def publish(self, places: Sequence[Place]) -> None:
        """Payloads that are in the bucket, put there by others: to be named by the next object."""
        with self._lock:
            self._unpublished.update({place.digest: place for place in places})

    def waiting(self) -> bool:
        """Whether anything of this session is not in the bucket."""
        return bool(self._staged or self._unpublished or self._stretches())

    def flush(self) -> list[bytes]:
        """Push what this session wrote so far; return the payloads that are in the bucket now.

        Raises S3Fault; what was not pushed still waits then.
        """
        with self._flushing:
            # Records before payloads: each payload was staged before its records were written.
            stretches = self._stretches()
            with self._lock:
                self._drop_old()
                staged = list(self._staged)
            if not (stretches or staged or self._unpublished):
                return []
            self._gate.pass_through()
            self._push_payloads(staged)
            with self._lock:
                for payload in staged:
                    self._staged.pop(payload, None)
            published = list(self._unpublished)
            self._push_records(stretches)
            return published

    def push_segments(self, segments: Mapping[str, int], payloads: Iterable[bytes]) -> None:
        """Push whole segments of the tier (name -> length), payloads first. As `flush`."""
        with self._flushing:
            pushed = self._ledger.pushed()
            stretches = [
                Stretch(name, pushed.get(name, 0), size)
                for name, size in segments.items()
                if size > pushed.get(name, 0)
            ]
            self._gate.pass_through()
            self._push_payloads([p for p in payloads if self._ledger.place(p) is None])
            self._push_records(stretches)

    def flush_leftovers(self) -> list[bytes]:
        """Push what sessions that ended without it left in the tier. As `flush`."""
        with self._flushing, locked(self._tier.root / _LEFTOVERS) as held:
            if held is Lock.BUSY:  # another session does it
                return []
            pushed = self._ledger.pushed()
            stretches = [
                Stretch(name, pushed.get(name, 0), size)
                for name, size in self._tier.at_rest()
                if size > pushed.get(name, 0)
            ]
            if not stretches:
                return []  # payloads that no record names are nobody's
            lost = [d for d in self._tier.blob_digests() if self._ledger.place(d) is None]
            self._gate.pass_through()
            self._push_payloads(lost)
            published = list(self._unpublished)
            self._push_records(stretches)
            return published

    def _drop_old(self) -> None:
        """Put again what was put long ago (the machine slept) and is named by no object yet: a
        collector may have found it ownerless."""
        before = time.time() - self._pace.grace_s / 2
        for place in [p for p in self._unpublished.values() if p.put_s < before]:
            if self._tier.blob_path(place.digest).exists():
                del self._unpublished[place.digest]
                self._staged[place.digest] = None

    def _stretches(self) -> list[Stretch]:
        return [
            Stretch(name, self._in_bucket.get(name, 0), end)
            for name, end in self._tier.written().items()
            if end > self._in_bucket.get(name, 0)
        ]

    # --- payloads ---------------------------------------------------------------------------

    def _push_payloads(self, payloads: Sequence[bytes]) -> None:
        small: list[tuple[bytes, int]] = []
        large: list[tuple[bytes, int]] = []
        for payload in payloads:
            if payload in self._unpublished:
                continue
            try:
                size = self._tier.blob_path(payload).stat().st_size
            except FileNotFoundError:
                continue  # damaged and put aside, or pushed and evicted meanwhile
            (small if size <= PACKED_BYTES else large).append((payload, size))
        for pack in _packs(small, self._pace.flush_bytes):
            self._push_pack([payload for payload, _ in pack])
        faults: list[S3Fault] = []
        for at in range(0, len(large), LARGE_AT_ONCE):
            some = large[at : at + LARGE_AT_ONCE]
            began = int(time.time())
            for (payload, size), outcome in self._bucket.each(self._push_large, some):
                if isinstance(outcome, S3Fault):
                    faults.append(outcome)
                elif outcome:
                    self._unpublished[payload] = Place(payload, b"", 0, size, began)
            if faults:
                raise faults[0]

    def _push_large(self, item: tuple[bytes, int]) -> bool:
        try:
            self._bucket.put_file(blob_name(item[0]), self._tier.blob_path(item[0]))
        except FileNotFoundError:
            return False
        return True

    def _push_pack(self, payloads: Sequence[bytes]) -> None:
        out = bytearray()
        parts: list[tuple[bytes, int, int]] = []
        for payload in payloads:
            try:
                data = self._tier.blob_path(payload).read_bytes()
            except FileNotFoundError:
                continue
            parts.append((payload, len(out), len(data)))
            out += data
        if parts:
            raw = bytes(out)
            pack = digest(raw)
            began = int(time.time())
            self._bucket.put(pack_name(pack), raw)
            for payload, start, length in parts:
                self._unpublished[payload] = Place(payload, pack, start, length, began)

    # --- records ----------------------------------------------------------------------------

    def _push_records(self, stretches: Sequence[Stretch]) -> None:
        for records, reached in self._batches(stretches):
            with self._lock:
                places = list(self._unpublished.values())
            if not (records or places):
                continue
            now = self._clock()
            zones = frozenset(record.zone for record in records)
            name = object_name(now, zones, self._writer, self._made)
            raw = build(name, records, places, self._sign)
            self._made += 1
            self._bucket.put(f"{SEGMENTS}{name}", raw, new=True)
            self._ledger.take_in([name], reached, places)
            self._in_bucket.update(reached)
            self._puller.pushed(name, len(raw))
            with self._lock:
                for place in places:
                    self._unpublished.pop(place.digest, None)

    def _batches(
        self, stretches: Sequence[Stretch]
    ) -> Iterator[tuple[list[Stamped], dict[str, int]]]:
        """Records for one object each, and how far each local segment is pushed with them."""
        records: list[Stamped] = []
        reached: dict[str, int] = {}
        total = 0
        for stretch in stretches:
            for end, record in self._tier.records(stretch):
                records.append(record)
                reached[stretch.segment] = end
                total += len(record.data) + len(record.key)
                if total >= self._pace.flush_bytes:
                    yield records, reached
                    records, reached, total = [], {}, 0
        yield records, reached


def _packs(items: Sequence[tuple[bytes, int]], limit: int) -> Iterator[list[tuple[bytes, int]]]:
    pack: list[tuple[bytes, int]] = []
    total = 0
    for item in items:
        if pack and total + item[1] > limit:
            yield pack
            pack, total = [], 0
        pack.append(item)
        total += item[1]
    if pack:
        yield pack
