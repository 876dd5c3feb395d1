"""What the background thread of an S3 store does in each round.

Threading: all methods on one thread (diskcache's connections belong to it).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cellgraph.errors import ConfigError
from cellgraph.stores.s3.blobtier import BlobTier
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.catalog import MAX_SEGMENTS, MAX_SMALL
from cellgraph.stores.s3.compaction import Compactor
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.fetching import Fetcher
from cellgraph.stores.s3.gate import Gate
from cellgraph.stores.s3.ledger import Ledger
from cellgraph.stores.s3.link import Link
from cellgraph.stores.s3.named import NamedObjects
from cellgraph.stores.s3.place import CATALOG
from cellgraph.stores.s3.pusher import Pusher
from cellgraph.stores.s3.tier import Tier


@dataclass(slots=True)
class Errands:
    """The parts of one store, and what is not yet accounted for."""

    bucket: Bucket
    gate: Gate
    tier: Tier
    ledger: Ledger
    pusher: Pusher
    named: NamedObjects
    compactor: Compactor
    fetcher: Fetcher
    accounts_folder: Path
    accounts_bytes: int
    _accounts: list[BlobTier] = field(default_factory=list[BlobTier])
    _evictable: list[bytes] = field(default_factory=list[bytes])
    _leftovers: bool = True
    _pushed: bool = False

    def begin(self) -> None:
        """Account for payloads that an earlier session fetched or pushed and was killed."""
        known = [d for d in self.tier.blob_digests() if self.ledger.place(d) is not None]
        if known:
            registered = self._open_accounts().registered()
            self._evictable += [d for d in known if d not in registered]

    def probe(self, link: Link) -> None:
        """Find out whether the bucket can be read again. Raises S3Fault."""
        if link.up:
            return
        self._renew(link)
        self.gate.pass_through()
        self.bucket.list(CATALOG)
        link.worked()

    def recover(self, link: Link) -> None:
        """Push what earlier sessions left. Raises S3Fault."""
        if self._leftovers:
            self._evictable += self.pusher.flush_leftovers()
            self._leftovers = False

    def push(self, link: Link) -> None:
        """Push what waits; merge objects if there are many. Raises S3Fault."""
        self._renew(link)
        asked = not link.up
        self.recover(link)
        if self.pusher.waiting():
            self._evictable += self.pusher.flush()
            asked = True
        if self.named.waiting():
            self.named.push()
        if asked:
            link.worked()
            self._pushed = True
            self._merge(MAX_SEGMENTS)

    def finish(self, link: Link) -> None:
        """A session that wrote leaves few objects behind. Raises nothing."""
        if self._pushed:
            self._merge(MAX_SMALL)

    def tidy(self) -> None:
        """Keep the tier within its size."""
        evictable, self._evictable = self._evictable + self.fetcher.take_arrived(), []
        used = self.fetcher.take_used()
        if evictable:
            self._open_accounts().register(evictable, self.tier.blob_path)
        if used and self._accounts:
            self._accounts[0].used(used)

    def end(self) -> None:
        """Let go."""
        while self._accounts:
            self._accounts.pop().close()

    def _merge(self, at_most: int) -> None:
        """Fewer objects are a service to others: that it failed is no failure of the push."""
        with suppress(S3Fault):
            while self.compactor.run(at_most):
                pass

    def _renew(self, link: Link) -> None:
        if link.unauthorised:
            with suppress(ConfigError):
                self.bucket.renew()

    def _open_accounts(self) -> BlobTier:
        if not self._accounts:
            self._accounts.append(BlobTier(self.accounts_folder, self.accounts_bytes))
        return self._accounts[0]
