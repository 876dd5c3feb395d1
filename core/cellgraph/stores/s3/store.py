"""The store in a bucket, with a local tier (why so: `docs/decisions/0006-s3-segments.md`).

Composition only. What is written goes to the tier (`tier`), which survives the process, and from
there in batches to the bucket (`pusher`, on the thread of `background`). What is read is looked up
in the tier; what others wrote is brought there (`puller`, `fetching`), never asked for key by key.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from cellgraph.codecs.payload import Payload
from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.leases import Leases
from cellgraph.stores.local import LocalStore
from cellgraph.stores.policy import Policy, judge_in
from cellgraph.stores.s3.arrays import Arrays
from cellgraph.stores.s3.background import Background, Signals
from cellgraph.stores.s3.bucket import Access, Bucket
from cellgraph.stores.s3.compaction import Compactor
from cellgraph.stores.s3.errands import Errands
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.fetching import Fetcher
from cellgraph.stores.s3.gate import Gate, first_look, tier_folder
from cellgraph.stores.s3.hand import Hand
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.link import Link, Remarks
from cellgraph.stores.s3.moving import adopt, bring, bring_datasets
from cellgraph.stores.s3.named import NamedObjects
from cellgraph.stores.s3.pace import Pace
from cellgraph.stores.s3.place import parse_uri
from cellgraph.stores.s3.puller import Puller
from cellgraph.stores.s3.pusher import Pusher
from cellgraph.stores.s3.tending import Tending
from cellgraph.stores.s3.tier import Tier
from cellgraph.stores.s3.verifying import verify
from cellgraph.stores.tended import Blob, Checked, Facts, Folder, Kept, Moved, Rewritten, Swept

DEFAULT_PACE: Final = Pace()
DEFAULT_ACCESS: Final = Access()
TIER_BYTES: Final = 20 << 30
BELIEVE_DATA: Final = Policy()
_log = logging.getLogger(__name__)


class S3Store:
    """A `Store` at *uri* (``s3://bucket/prefix``), created there if absent.

    *cache* is the folder of local tiers (None: the user's cache folder), which hold at most
    *tier_bytes* of payloads that are in the bucket. *say* is told, on any thread, what a person
    should know: the bucket is away, credentials have expired. *clock*: nanoseconds since 1970.
    *policy*: what is believed of what others wrote, and who signs what is pushed.

    When `append` or `put_blob` returns, what it wrote is on this machine and survives the process;
    it is in the bucket after `flush` or `close`, or when a later session on this machine pushed it.
    A bucket that is away costs nothing but what others computed.

    Raises ConfigError for a bad *uri* or profile, StoreError if the bucket holds a newer format or
    the tier cannot be written.
    """

    def __init__(
        self,
        uri: str,
        *,
        access: Access = DEFAULT_ACCESS,
        cache: Path | None = None,
        tier_bytes: int = TIER_BYTES,
        pace: Pace = DEFAULT_PACE,
        policy: Policy = BELIEVE_DATA,
        say: Callable[[str], None] = _log.warning,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        location = parse_uri(uri)
        self.uri = location.uri
        self._pace = pace
        self._bucket = bucket = Bucket(location, access)
        remarks = Remarks(say)
        self._signals = signals = Signals(pace.flush_bytes)

        def link(purpose: str) -> Link:
            renewal, wake = bucket.renewal, signals.wake
            return Link(purpose, self.uri, remarks, renewal, pace.retry_s, wake)

        reading, pushing = link("read"), link("written")
        gate = Gate(bucket)
        store_id, fault = first_look(gate)
        folder = tier_folder(bucket, store_id, cache)
        self._ledger = ledger = Ledger(folder / "ledger.sqlite")
        judge = judge_in(self.uri, policy, ledger.seal)
        self._tier = tier = Tier(folder / "tier", signals.grown, clock, judge)
        self._hand = Hand(self.uri, policy.signer, ledger)
        self._puller = Puller(bucket, gate, tier, ledger, reading, remarks, pace.refresh_s)
        self._pusher = Pusher(
            bucket, gate, tier, ledger, self._puller, pace, clock, self._hand.sign
        )
        self._fetcher = Fetcher(bucket, tier, ledger, reading)
        self.arrays = Arrays(bucket, gate, ledger, self._pusher, policy)
        self._named = NamedObjects(bucket, gate, tier, ledger, reading, signals.wake)
        if fault is not None:
            reading.failed(fault)
            pushing.failed(fault)
        self._reading = reading
        # Beside the folder of the payloads, whose accounts it keeps.
        accounts = folder / "tier" / "accounts"
        compactor = Compactor(bucket, self._puller, pace.grace_s, clock, self._hand)
        self._tending = Tending(
            bucket,
            self._puller,
            self._hand,
            compactor,
            self.flush,
            self._forget,
            pace.grace_s,
            clock,
        )
        errands = self._errands(gate, compactor, accounts, tier_bytes)
        self._background = Background(errands, reading, pushing, signals, remarks, pace.flush_s)
        self._tier_bytes = tier_bytes
        self._closed = False

    def _errands(
        self, gate: Gate, compactor: Compactor, accounts: Path, tier_bytes: int
    ) -> Errands:
        return Errands(
            bucket=self._bucket,
            gate=gate,
            tier=self._tier,
            ledger=self._ledger,
            pusher=self._pusher,
            named=self._named,
            compactor=compactor,
            fetcher=self._fetcher,
            accounts_folder=accounts,
            accounts_bytes=tier_bytes,
        )

    @property
    def leases(self) -> Leases:
        """See `Leasing`: between the sessions of this machine."""
        return self._tier.leases

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """See `Store`. The first one brings what others wrote; later ones only when they miss."""
        if not self._puller.begun:
            self._tier.check_open()
            self._puller.look()
        found = self._tier.get_many(keys)
        if len(found) < len(keys):
            missing = [key for key in keys if key not in found]
            if missing and self._puller.look():
                found.update(self._tier.get_many(missing))
        return found

    def append(self, entries: Sequence[Entry]) -> None:
        """See `Store`. Raises StoreError when the tier cannot be written."""
        self._tier.append(entries)

    def put_blob(self, payload: Payload) -> bytes:
        """See `Store`. Raises StoreError when the tier cannot be written."""
        name = payload.digest()
        known = self._ledger.place(name) if self._reading.up else None
        if known is not None and time.time() - known[1] < self._pace.grace_s / 2:
            return name
        self._tier.put_blob(payload)
        self._pusher.staged(name)
        self._signals.grown(payload.nbytes)
        return name

    def get_blob(self, digest: bytes) -> Payload | None:
        """See `Store`. Fetches a payload that is not on this machine."""
        found = self._tier.get_blob(digest)
        if found is not None:
            self._fetcher.used(digest)
            return found
        if self._ledger.place(digest) is None:  # put by another machine since this one looked
            self._puller.look()
        return self._fetcher.fetch(digest)

    def has_blob(self, digest: bytes) -> bool:
        """See `Store`. Asks nobody: what was pushed with its record is taken to be there."""
        if self._tier.has_blob(digest):
            return True
        return self._reading.up and self._ledger.place(digest) is not None

    def scan(self) -> Iterator[Entry]:
        """See `Store`: what is in the tier, after a look at the bucket."""
        self._tier.catch_up()
        self._puller.look()
        return self._tier.scan()

    def write_file(self, name: str, data: bytes) -> None:
        """See `Store`. Raises StoreError when the tier cannot be written."""
        self._tier.check_open()
        self._named.write(name, data)

    def read_file(self, name: str) -> bytes | None:
        """See `Store`."""
        self._tier.check_open()
        return self._named.read(name)

    def list_files(self, folder: str) -> list[str]:
        """See `Store`."""
        self._tier.check_open()
        return self._named.names(folder)

    def sync(self) -> None:
        """See `Store`: the tier's disk; the bucket is not waited for."""
        self._tier.sync()

    def flush(self) -> bool:
        """Push now what waits. Returns whether everything of this session is in the bucket."""
        self._tier.check_open()
        return self._background.flush() and not (self._pusher.waiting() or self._named.waiting())

    # --- care: see `Tended`; of the bucket, for everybody ------------------------------------

    @property
    def grace_s(self) -> float:
        """See `Tended`."""
        return self._pace.grace_s

    def facts(self) -> Facts:
        """See `Tended`; index and quarantine are those of the local tier."""
        here = self._tier.facts()
        return self._tending.facts(here.index_bytes, (here.quarantined, here.quarantine_bytes))

    def kept(self) -> Iterator[Kept]:
        """See `Tended`."""
        self._tier.check_open()
        return self._tending.kept()

    def blobs(self) -> Iterator[Blob]:
        """See `Tended`."""
        self._tier.check_open()
        return self._tending.blobs()

    def check(self) -> Checked:
        """See `Tended`: fetches and hashes all of the bucket. Payloads that it has lost are pushed
        again if they are here."""
        self._tier.check_open()
        checked, lost = verify(self._tending.look(), self._tier.root)
        self._ledger.forget_place(*lost)
        for payload in lost:
            if self._tier.has_blob(payload):
                self._pusher.staged(payload)
        if lost:
            self.flush()
        return checked

    def rebuild(self) -> int:
        """See `Tended`: of the local tier."""
        self._tier.check_open()
        self._puller.look()
        return self._tier.rebuild()

    def collecting(self) -> AbstractContextManager[None]:
        """See `Tended`."""
        self._tier.check_open()
        return self._tending.collecting()

    def rewrite(self, dead: Mapping[str, Collection[int]]) -> Rewritten:
        """See `Tended`."""
        return self._tending.rewrite(dead)

    def remove_blobs(
        self, digests: Collection[bytes], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """See `Tended`."""
        return self._tending.remove_blobs(digests, grace_s, remove=remove)

    def datasets(self) -> Iterator[Folder]:
        """See `Tended`."""
        self._tier.check_open()
        return self._tending.datasets()

    def shards(self, name: str) -> Mapping[str, bytes]:
        """See `Tended`: as S3 tells them."""
        self._tier.check_open()
        return self._tending.shards(name)

    def remove_datasets(
        self, names: Collection[str], grace_s: float, *, remove: bool = True
    ) -> Swept:
        """See `Tended`."""
        return self._tending.remove_datasets(names, grace_s, remove=remove)

    def _forget(self, payloads: Collection[bytes]) -> None:
        """These are no longer in the bucket: without a copy here they would be pushed no more."""
        self._ledger.forget_place(*payloads)
        for payload in payloads:
            self._tier.blob_path(payload).unlink(missing_ok=True)

    def leftovers(self, grace_s: float, *, remove: bool) -> Swept:
        """See `Tended`: of the local tier, and of remote jobs that are over."""
        here = self._tier.leftovers(grace_s, remove=remove)
        there = self._tending.leftovers(grace_s, remove=remove)
        return Swept(here.files + there.files, here.nbytes + there.nbytes)

    def remove_file(self, name: str) -> None:
        """See `Tended`. Raises StoreError when the bucket cannot be asked."""
        self._tier.check_open()
        try:
            self._named.remove(name)
        except S3Fault as fault:
            raise StoreError(f"{self.uri} cannot be written now ({fault}): try again") from fault

    def adopt(self, source: LocalStore, holds: Callable[[str], bool]) -> Moved:
        """See `Shared`. Twice does no harm. Raises StoreError."""
        parts = (self._bucket, self._tier, self._ledger, self._pusher)
        return adopt(source, holds, *parts, self, self.flush)

    def bring(self, payloads: Collection[bytes]) -> Moved:
        """Have payloads on this machine. Raises StoreError when there is no room, or no answer."""
        return bring(payloads, self._tier, self._ledger, self._fetcher, self._tier_bytes)

    def bring_datasets(self, folders: Mapping[str, Path]) -> Moved:
        """See `Shared`. Raises StoreError."""
        self._tier.check_open()
        return bring_datasets(folders, self._bucket)

    def close(self) -> None:
        """See `Store`: pushes what waits if the bucket answers."""
        if self._closed:
            return
        self._closed = True
        if self._tier.forked:
            return
        self._background.close()
        self._tier.close()
        self._ledger.close()
        self._bucket.close()
