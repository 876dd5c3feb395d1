"""A store as a job on another machine sees it: payloads and nothing else, no tier, no threads.

A child of an array lives for one call. It is told where the payloads lie that it reads, and writes
what it returns as objects of their own; records are the business of whoever waits for it.

Threading: one thread.
"""

import mmap
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from cellgraph.codecs.payload import Payload
from cellgraph.digest import digest
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.local import blobfile
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.faults import Absent, S3Fault, Unauthorised, Unreachable
from cellgraph.stores.s3.place import blob_name, pack_name

# Larger ones go by way of the disk: in parts at once, and mapped.
_LARGE: Final = 16 << 20
# A child that gives up is a call that fails: a bucket that throttles is asked for minutes.
_PAUSES_S: Final = (0.2, 0.5, 1, 2, 5, 10, 20, 30, 30, 30)
_T = TypeVar("_T")


class Outpost:
    """Payloads of the bucket. *folder*: for large ones, removed by the caller.

    *pause* waits between attempts. Raises StoreError when the bucket gives no answer for long.
    """

    def __init__(
        self, bucket: Bucket, folder: Path, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._pause = pause
        self._places: dict[bytes, Place] = {}

    def know(self, places: Iterable[Place]) -> None:
        """Payloads that will be asked for, and where they lie."""
        self._places.update({place.digest: place for place in places})

    def get_blob(self, digest: bytes) -> Payload | None:
        """As `Store.get_blob`."""
        place = self._places.get(digest) or Place(digest, b"", 0, 0)
        try:
            payload = blobfile.parse(self._bytes_of(place), digest)
            _verify(payload)
        except (Absent, blobfile.DamagedBlob):
            return None
        return payload

    def put_blob(self, payload: Payload) -> bytes:
        """As `Store.put_blob`: an object of its own."""
        name = payload.digest()
        if name in self._places:
            return name
        pieces, size = blobfile.parts(payload)
        if size < _LARGE:
            data = b"".join(pieces)
            self.patiently(lambda: self._bucket.put(blob_name(name), data))
        else:
            file = self._folder / name.hex()
            with file.open("wb") as out:
                out.writelines(pieces)
            self.patiently(lambda: self._bucket.put_file(blob_name(name), file))
            file.unlink()
        self._places[name] = Place(name, b"", 0, size)
        return name

    def written(self, digest: bytes) -> int:
        """The size of the object of a payload that was put or is known."""
        return self._places[digest].length

    def has_blob(self, digest: bytes) -> bool:
        """As `Store.has_blob`, of what is known here."""
        return digest in self._places

    def patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask the bucket until it answers. Raises StoreError, Absent."""
        for pause_s in (*_PAUSES_S, None):
            try:
                return ask()
            except Absent:
                raise
            except S3Fault as fault:
                may_pass = isinstance(fault, (Unreachable, Unauthorised))
                if pause_s is None or not may_pass:
                    raise StoreError(f"{self._bucket.location.uri}: {fault}") from fault
                self._pause(pause_s)
                if isinstance(fault, Unauthorised):
                    self._bucket.renew()
        raise AssertionError  # the last pause is None

    def _bytes_of(self, place: Place) -> memoryview:
        if place.pack:
            pack, start, length = pack_name(place.pack), place.start, place.length
            data = self.patiently(lambda: self._bucket.get(pack, start, length))
            return memoryview(bytearray(data))
        name = blob_name(place.digest)
        if place.length < _LARGE:
            return memoryview(bytearray(self.patiently(lambda: self._bucket.get(name))))
        file = self._folder / f"{place.digest.hex()}.{os.urandom(4).hex()}"

        def fetch() -> None:
            file.unlink(missing_ok=True)
            self._bucket.get_file(name, file)

        self.patiently(fetch)
        with file.open("rb") as source:
            mapped = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_COPY)
        file.unlink()
        return memoryview(mapped)

    # --- what a child has no use for ---

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """See `Store`: a child knows no records."""
        return {}

    def append(self, entries: Sequence[Entry]) -> None:
        """See `Store`. Raises StoreError."""
        raise StoreError("records are written where the call was sent from")

    def scan(self) -> Iterable[Entry]:
        """See `Store`: a child knows no records."""
        return ()

    def write_file(self, name: str, data: bytes) -> None:
        """See `Store`. Raises StoreError."""
        raise StoreError("named objects are written where the call was sent from")

    def read_file(self, name: str) -> bytes | None:
        """See `Store`: a child knows no named objects."""
        return None

    def list_files(self, folder: str) -> list[str]:
        """See `Store`: a child knows no named objects."""
        return []

    def sync(self) -> None:
        """See `Store`: what was put is in the bucket."""

    def close(self) -> None:
        """Let go of connections."""
        self._bucket.close()


def _verify(payload: Payload) -> None:
    for number, buffer in enumerate(payload.buffers):
        if digest(buffer.data) != buffer.digest:
            raise blobfile.DamagedBlob(f"buffer {number} is wrong")
