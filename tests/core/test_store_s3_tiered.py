"""The contract of stores where next to nothing stays on a machine, and the next is another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

from cellgraph.stores.base import Store
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.testing.store_contract import PersistentStoreContract

# Pushed at once, hence evicted at once: payloads are read from the bucket.
HASTE = Pace(flush_s=0.01, refresh_s=0)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.mark.slow
class TestTieredStore(PersistentStoreContract):
    @pytest.fixture
    def store(
        self, server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Iterator[S3Store]:
        point_at(server, monkeypatch, tmp_path)
        self.caches = (tmp_path / f"machine-{n}" for n in range(10_000))
        store = self._open(f"s3://{BUCKET}/{tmp_path.name}")
        yield store
        store.close()

    def _open(self, uri: str) -> S3Store:
        return S3Store(uri, cache=next(self.caches), tier_bytes=1, pace=HASTE)

    def reopen(self, store: Store) -> S3Store:
        """On a machine that has never seen the store."""
        assert isinstance(store, S3Store)
        store.close()
        return self._open(store.uri)
