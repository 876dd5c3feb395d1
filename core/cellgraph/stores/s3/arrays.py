"""Objects of remote jobs: written to and read from the bucket itself, at once.

    arrays/<id>/manifest           what each child of a job runs
    arrays/<id>/out/<index>        what a child returned
    pending/<id>                   a job that was or will be submitted, by whom, for which calls

Nothing of this lies in the tier: other machines wait for it. Payloads that children wrote are taken
over by their digests (`adopt`), never carried.

Threading: any thread. Methods raise S3Fault; the caller knows what waiting costs.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.stores.local import blobfile
from cellgraph.stores.policy import Policy
from cellgraph.stores.s3.bucket import MOST_BYTES, Access, Bucket, Found
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.faults import Absent, Refused, S3Fault
from cellgraph.stores.s3.gate import Gate
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.place import blob_name
from cellgraph.stores.s3.pusher import Pusher

ARRAYS: Final = "arrays/"
PENDING: Final = "pending/"
# Of an object that somebody may have written who is not believed: it is read to be verified.
_STRANGERS_BYTES: Final = 256 << 20


class Arrays:
    """The folders of remote jobs in one bucket."""

    def __init__(
        self, bucket: Bucket, gate: Gate, ledger: Ledger, pusher: Pusher, policy: Policy
    ) -> None:
        """*policy*: whom those believe who read here."""
        self.policy = policy
        self._bucket = bucket
        self._gate = gate
        self._ledger = ledger
        self._pusher = pusher

    @property
    def everybody(self) -> bool:
        """Whether whoever can write to the bucket is believed."""
        return self.policy.mode == "bucket" and self.policy.everybody

    @property
    def uri(self) -> str:
        """Where the store is, for a worker."""
        return self._bucket.location.uri

    @property
    def access(self) -> Access:
        """How the bucket is asked."""
        return self._bucket.access

    @property
    def arguments(self) -> list[str]:
        """How a worker has to ask the bucket, as arguments of its command."""
        access = self._bucket.access
        said = ["--requester-pays"] if access.requester_pays else []
        return [*said, "--kms-key", access.kms_key] if access.kms_key else said

    def renew(self) -> None:
        """Read credentials anew."""
        self._bucket.renew()

    def put(self, name: str, data: bytes) -> None:
        """Write an object."""
        self._gate.pass_through()
        self._bucket.put(name, data)

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Write objects at once; raises the first fault when all were tried."""
        put = self._bucket.each(lambda name: self.put(name, objects[name]), objects)
        for fault in [answer for _, answer in put if answer is not None]:
            raise fault

    def get(self, name: str) -> bytes | None:
        """The bytes of an object; None if there is none."""
        try:
            return self._get(name)
        except Absent:
            return None

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | S3Fault]]:
        """Read many objects at once; yield each with its bytes, in order."""
        return self._bucket.each(self._get, names)

    def _get(self, name: str) -> bytes:
        return self._bucket.get(name, at_most=MOST_BYTES if self.everybody else _STRANGERS_BYTES)

    def list(self, prefix: str) -> list[Found]:
        """The objects whose names begin with *prefix*."""
        return self._bucket.list(prefix)

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; absent ones are fine."""
        self._bucket.delete(names)

    def place(self, digest: bytes) -> Place | None:
        """Where a payload lies in the bucket, if this machine knows."""
        known = self._ledger.place(digest)
        return None if known is None else known[0]

    def put_payload(self, payload: Payload) -> Place:
        """Write a payload to the bucket now, whatever waits in the tier."""
        name = payload.digest()
        pieces, size = blobfile.parts(payload)
        self._bucket.put(blob_name(name), b"".join(pieces))
        place = Place(name, b"", 0, size)
        self.adopt([place])
        return place

    def adopt(self, places: Sequence[Place]) -> None:
        """Payloads that are in the bucket already belong to this store, and are made known to
        others with the next flush. Raises Refused when that cannot be noted."""
        now = int(time.time())
        adopted = [msgspec.structs.replace(place, put_s=place.put_s or now) for place in places]
        try:
            self._ledger.take_in([], {}, adopted)
        except StoreError as error:
            raise Refused(str(error)) from error
        self._pusher.publish(adopted)
