"""The store in memory keeps the contract of stores."""

from collections.abc import Iterator

import pytest

from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[MemoryStore]:
        store = MemoryStore()
        yield store
        store.close()
