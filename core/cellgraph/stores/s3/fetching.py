"""Brings payloads from the bucket into the tier when somebody asks for their values.

The first payload of a pack is read by its range; the second one asked for fetches the whole pack,
since what was written together is mostly read together. Nothing is trusted: the tier verifies a
payload when it reads it.

Threading: any thread.
"""

import os
import threading
from pathlib import Path
from typing import Final

from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.stores.local.blobfile import DamagedBlob
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.link import Link
from cellgraph.stores.s3.place import blob_name, pack_name
from cellgraph.stores.s3.tier import Tier

# Far above what one flush packs.
_PACK_BYTES: Final = 256 << 20
# A tier that is far too small may evict what was fetched before it is opened.
_ATTEMPTS: Final = 5


class Fetcher:
    """Payloads by their digests."""

    def __init__(self, bucket: Bucket, tier: Tier, ledger: Ledger, link: Link) -> None:
        self._bucket = bucket
        self._tier = tier
        self._ledger = ledger
        self._link = link
        self._lock = threading.Lock()
        self._touched: set[bytes] = set()  # packs of which one payload was read
        self._packs = threading.Lock()
        self._arrived: dict[bytes, None] = {}
        self._used: dict[bytes, None] = {}

    def fetch(self, payload: bytes) -> Payload | None:
        """Bring a payload here and return it, verified; None if the bucket cannot give it."""
        known = self._ledger.place(payload)
        if known is None or not self._link.up:
            return None
        place, _ = known
        try:
            found = self._brought(place)
        except (Absent, DamagedBlob):  # computed and put again
            self._ledger.forget_place(payload)
            found = None
        except S3Fault as fault:
            self._link.failed(fault)
            return None
        except OSError as error:
            raise StoreError(
                f"{self._bucket.location.uri}: what was fetched cannot be written to "
                f"{self._tier.root}: {error.strerror}; free space there, then evaluate again"
            ) from error
        self._link.worked()
        return found

    def used(self, payload: bytes) -> None:
        """A payload that was here was read."""
        self._used[payload] = None

    def take_used(self) -> list[bytes]:
        """Payloads read since this was last asked."""
        used, self._used = self._used, {}
        return list(used)

    def take_arrived(self) -> list[bytes]:
        """Payloads that came since this was last asked."""
        with self._lock:
            arrived, self._arrived = list(self._arrived), {}
        return arrived

    def _brought(self, place: Place) -> Payload | None:
        """Raises DamagedBlob, and what a request may raise."""
        for _ in range(_ATTEMPTS):
            self._bring(place)
            found = self._tier.fetched_blob(place.digest)
            if found is not None:
                return found
        return None

    def _bring(self, place: Place) -> None:
        if not place.pack:
            temporary = self._temporary(place.digest)
            try:
                self._bucket.get_file(blob_name(place.digest), temporary)
                self._add(place.digest, temporary)
            finally:
                temporary.unlink(missing_ok=True)
            return
        with self._lock:
            again = place.pack in self._touched
            self._touched.add(place.pack)
        if not again:
            data = self._bucket.get(pack_name(place.pack), place.start, place.length)
            self._write(place.digest, data)
            return
        with self._packs:
            if self._tier.has_blob(place.digest):
                return  # another thread brought the pack
            raw = self._bucket.get(pack_name(place.pack), at_most=_PACK_BYTES)
            for each in self._ledger.in_pack(place.pack):
                data = raw[each.start : each.start + each.length]
                if each.digest == place.digest or not self._tier.has_blob(each.digest):
                    self._write(each.digest, data)

    def _write(self, payload: bytes, data: bytes) -> None:
        temporary = self._temporary(payload)
        try:
            temporary.write_bytes(data)
            self._add(payload, temporary)
        finally:
            temporary.unlink(missing_ok=True)

    def _add(self, payload: bytes, temporary: Path) -> None:
        self._tier.add_blob_file(payload, temporary)
        with self._lock:
            self._arrived[payload] = None

    def _temporary(self, payload: bytes) -> Path:
        path = self._tier.blob_path(payload)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}.{os.urandom(4).hex()}")
