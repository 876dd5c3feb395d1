"""What every store must do, as tests to inherit.

A store's test file is this much:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            store = MyStore()
            yield store
            store.close()

A store that outlives its process inherits `PersistentStoreContract` and adds `reopen`.
"""

import os
import threading
from abc import ABC, abstractmethod
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import StoreError
from cellgraph.stores.base import KEEP_PER_KEY, Entry, Store
from cellgraph.testing.store_samples import contents, key_of, sample_payload


class StoreContract:
    """Subclasses provide the fixture `store`: empty, and closed after the test."""

    @pytest.fixture
    def store(self) -> object:
        """The store under test."""
        raise NotImplementedError("a subclass of StoreContract provides the fixture `store`")

    def test_unknown_keys_are_left_out(self, store: Store) -> None:
        store.append([Entry(key_of("there"), 1, b"x")])
        asked = [key_of("there"), *(key_of(i) for i in range(2000))]
        assert store.get_many(asked) == {key_of("there"): (b"x",)}
        assert store.get_many([]) == {}

    def test_a_record_is_seen_when_append_returns(self, store: Store) -> None:
        for i in range(100):
            store.append([Entry(key_of(i), i % 3, str(i).encode())])
            assert store.get_many([key_of(i)]) == {key_of(i): (str(i).encode(),)}

    def test_nothing_appended_is_nothing(self, store: Store) -> None:
        store.append([])
        assert list(store.scan()) == []

    def test_a_large_batch_over_many_zones(self, store: Store) -> None:
        entries = [Entry(key_of(i), i % 256, b"%d" % i * (i % 50)) for i in range(6000)]
        store.append(entries)
        keys = [entry.key for entry in entries]
        assert store.get_many(keys + keys[:10]) == {e.key: (e.data,) for e in entries}

    @pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)) * 8192], ids=len)
    def test_data_of_any_size(self, store: Store, data: bytes) -> None:
        store.append([Entry(key_of("k"), 0, data), Entry(key_of("next"), 0, b"y")])
        assert store.get_many([key_of("k"), key_of("next")]) == {
            key_of("k"): (data,),
            key_of("next"): (b"y",),
        }

    def test_several_records_per_key_newest_first(self, store: Store) -> None:
        store.append([Entry(key_of("k"), 1, b"a"), Entry(key_of("k"), 1, b"b")])
        store.append([Entry(key_of("k"), 2, b"c")])
        store.append([Entry(key_of("k"), 1, b"a")])
        assert store.get_many([key_of("k")]) == {key_of("k"): (b"a", b"c", b"b", b"a")}

    def test_at_most_sixteen_records_per_key(self, store: Store) -> None:
        for i in range(100):
            store.append([Entry(key_of("k"), 0, b"%d" % i)])
        newest = tuple(b"%d" % i for i in reversed(range(100 - KEEP_PER_KEY, 100)))
        for _ in range(3):
            assert store.get_many([key_of("k")])[key_of("k")] == newest
        assert len(list(store.scan())) == 100

    @pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33), bytes(64)], ids=len)
    def test_a_key_that_is_no_digest_is_refused(self, store: Store, key: bytes) -> None:
        with pytest.raises(StoreError, match="digest"):
            store.append([Entry(key_of("good"), 0, b"x"), Entry(key, 0, b"x")])
        assert store.get_many([key_of("good")]) == {}

    def test_scan_yields_everything_oldest_first(self, store: Store) -> None:
        entries = [Entry(key_of(i % 70), i % 5, b"%d" % i) for i in range(300)]
        for at in range(0, 300, 7):
            for entry in entries[at : at + 7]:
                store.append([entry])
        assert list(store.scan()) == entries

    def test_blobs_come_back_whole(self, store: Store) -> None:
        payloads = [sample_payload(1), sample_payload(2, ()), sample_payload(3, (1 << 20, 5))]
        payloads.append(Payload(b""))
        for payload in payloads:
            assert not store.has_blob(payload.digest())
            assert store.get_blob(payload.digest()) is None
            assert store.put_blob(payload) == payload.digest()
            assert store.put_blob(payload) == payload.digest()
        for payload in payloads:
            assert store.has_blob(payload.digest())
            assert contents(store.get_blob(payload.digest())) == contents(payload)

    def test_a_blob_belongs_to_nobody(self, store: Store) -> None:
        source = bytearray(b"abc" * 200_000)
        payload = Payload(b"h", (Buffer.of(source), Buffer.of(b"small")))
        expected = contents(payload)
        name = store.put_blob(payload)
        source[:3] = b"XYZ"
        first = store.get_blob(name)
        assert first is not None
        for buffer in first.buffers:
            buffer.data[:1] = b"!"
        assert contents(store.get_blob(name)) == expected

    def test_named_objects(self, store: Store) -> None:
        assert store.read_file("runs/a.json") is None
        assert store.list_files("runs") == []
        store.write_file("runs/b.json", b"1")
        store.write_file("runs/a.json", b"2")
        store.write_file("runs/b.json", b"3")
        assert store.list_files("runs") == ["runs/a.json", "runs/b.json"]
        assert store.read_file("runs/b.json") == b"3"

    @pytest.mark.parametrize("name", ["x", "runs/", "runs/../x", "runs/a/b", "../x", "runs/.x"])
    def test_a_bad_name_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(StoreError, match="name"):
            store.write_file(name, b"")

    def test_threads_do_not_meet(self, store: Store) -> None:
        failures: list[BaseException] = []

        def work(me: int) -> None:
            try:
                for i in range(40):
                    entries = [Entry(key_of(me, i, j), me, b"%d" % j) for j in range(5)]
                    store.append(entries)
                    found = store.get_many([e.key for e in entries])
                    assert found == {e.key: (e.data,) for e in entries}
                    shared = sample_payload(i % 4)
                    assert contents(store.get_blob(store.put_blob(shared))) == contents(shared)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(me,)) for me in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(list(store.scan())) == 6 * 40 * 5

    def test_close_twice_then_every_use_is_an_error(self, store: Store) -> None:
        store.append([Entry(key_of("k"), 0, b"x")])
        store.sync()
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.append([Entry(key_of("k"), 0, b"x")])
        with pytest.raises(StoreError, match="closed"):
            store.get_many([key_of("k")])
        with pytest.raises(StoreError, match="closed"):
            store.put_blob(Payload(b"h"))
        with pytest.raises(StoreError, match="closed"):
            store.get_blob(key_of("b"))

    def test_like_a_dict(self, store: Store) -> None:
        class Machine(_LikeADict):
            opened: ClassVar[list[Store]] = [store]

        run_state_machine_as_test(Machine, settings=_STATEFUL)


class PersistentStoreContract(StoreContract, ABC):
    """For a store that outlives its process: also provide `reopen`."""

    @abstractmethod
    def reopen(self, store: Store) -> Store:
        """Close *store* and open the same one anew, as the next process would."""

    def test_everything_is_there_after_reopening(self, store: Store) -> None:
        entries = [Entry(key_of(i % 900), i % 4, b"%d" % i) for i in range(1000)]
        store.append(entries)
        payload = sample_payload(1)
        store.put_blob(payload)
        store.write_file("runs/r", b"run")
        expected = store.get_many([e.key for e in entries])
        for _ in range(2):
            store = self.reopen(store)
            assert store.get_many([e.key for e in entries]) == expected
            assert contents(store.get_blob(payload.digest())) == contents(payload)
            assert store.read_file("runs/r") == b"run"
        assert sorted(store.scan()) == sorted(entries)
        store.close()

    def test_order_survives_reopening(self, store: Store) -> None:
        for i in range(8):
            store.append([Entry(key_of("k"), i % 3, b"%d" % i)])
            store = self.reopen(store)
        newest = tuple(b"%d" % i for i in reversed(range(8)))
        assert store.get_many([key_of("k")]) == {key_of("k"): newest}
        store.close()

    def test_like_a_dict_over_reopening(self, store: Store) -> None:
        reopen = self.reopen

        class Machine(_LikeADict):
            opened: ClassVar[list[Store]] = [store]

            @rule()
            def reopen(self) -> None:
                self.opened.append(reopen(self.store))

        run_state_machine_as_test(Machine, settings=_STATEFUL)
        Machine.opened[-1].close()


_STATEFUL = settings(max_examples=25, stateful_step_count=20, deadline=None)
_NUMBERS = st.integers(0, 5)


class _LikeADict(RuleBasedStateMachine):
    """Compares the last of *opened* with plain dicts."""

    opened: ClassVar[list[Store]]

    @property
    def store(self) -> Store:
        return self.opened[-1]

    @initialize()
    def begin(self) -> None:
        self.example = os.urandom(8)  # keys of one example are never those of another
        self.records: dict[bytes, list[bytes]] = {}
        self.blobs: dict[bytes, Payload] = {}

    @rule(batch=st.lists(st.tuples(_NUMBERS, _NUMBERS, st.binary(max_size=20)), max_size=30))
    def append(self, batch: list[tuple[int, int, bytes]]) -> None:
        # One zone per key, as tasks have it: order within a batch holds within a zone.
        entries = [Entry(key_of(self.example, n), n, b"%d" % extra + d) for n, extra, d in batch]
        self.store.append(entries)
        for entry in entries:
            self.records.setdefault(entry.key, []).insert(0, entry.data)

    @rule(numbers=st.lists(_NUMBERS))
    def look_up(self, numbers: list[int]) -> None:
        keys = [key_of(self.example, n) for n in numbers]
        expected = {k: tuple(self.records[k][:KEEP_PER_KEY]) for k in keys if k in self.records}
        assert self.store.get_many(keys) == expected

    @rule(tag=_NUMBERS, sizes=st.lists(st.integers(0, 200), max_size=4))
    def put(self, tag: int, sizes: list[int]) -> None:
        payload = sample_payload(tag, sizes)
        self.blobs[self.store.put_blob(payload)] = payload

    @rule()
    def read_blobs(self) -> None:
        for name, payload in self.blobs.items():
            assert contents(self.store.get_blob(name)) == contents(payload)

    @rule()
    def sync(self) -> None:
        self.store.sync()
