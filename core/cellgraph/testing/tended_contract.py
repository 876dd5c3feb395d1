"""What a store must do that can be looked after, as tests to inherit.

class TestMyStore(TendedContract):
    @pytest.fixture
    def tended(self) -> Iterator[Tended]:
        ...  # empty; its clock far ahead, so that all that is in it is older than the grace

    def another(self, tended: Tended) -> Tended:
        ...  # the same store, as another process opens it

    def put_shard(self, tended: Tended, name: str, data: bytes) -> None:
        ...  # as a Spark step does, `datasets/...` in the store
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import pytest

from cellgraph.errors import StoreError
from cellgraph.stores.base import Entry
from cellgraph.stores.tended import Rewritten, Tended
from cellgraph.testing.store_samples import contents, key_of, sample_payload

ENTRIES = [Entry(key_of(i), i % 3, b"record %d" % i * (i % 7 + 1)) for i in range(60)]


def drop(tended: Tended, entries: Sequence[Entry]) -> Rewritten:
    """Drop these records, and rewrite every segment that is at rest."""
    dead: dict[str, set[int]] = {}
    with tended.collecting():
        for kept in tended.kept():
            found = dead.setdefault(kept.place.segment, set())
            if kept.entry in entries:
                found.add(kept.place.offset)
        return tended.rewrite(dead)


def answers(tended: Tended, entries: Sequence[Entry]) -> list[Entry]:
    """Those of *entries* that the store answers with, and with nothing else."""
    found = tended.get_many([entry.key for entry in entries])
    return [entry for entry in entries if found.get(entry.key) == (entry.data,)]


class TendedContract(ABC):
    """Subclasses provide the fixture `tended`, closed after the test, and `another`."""

    payload_bytes = 5_000  # of a payload that is an object of its own

    @pytest.fixture
    def tended(self) -> object:
        """The store under test."""
        raise NotImplementedError("a subclass of TendedContract provides the fixture `tended`")

    @abstractmethod
    def another(self, tended: Tended) -> Tended:
        """Open the same store a second time."""

    @abstractmethod
    def put_shard(self, tended: Tended, name: str, data: bytes) -> None:
        """Write a file of a dataset, by its name in the store."""

    def filled(self, tended: Tended) -> list[Entry]:
        """Write ENTRIES in segments that are at rest; return them."""
        for at in range(0, len(ENTRIES), 20):
            writer = self.another(tended)
            writer.append(ENTRIES[at : at + 20])
            writer.close()
        return ENTRIES

    def test_an_empty_store(self, tended: Tended) -> None:
        assert isinstance(tended, Tended)
        assert list(tended.kept()) == [] and list(tended.blobs()) == []
        assert tended.facts().segments == 0
        assert tended.check().damage == ()

    def test_every_record_has_a_place_of_its_own(self, tended: Tended) -> None:
        entries = self.filled(tended)
        kept = list(tended.kept())
        assert sorted(k.entry for k in kept) == sorted(entries)
        assert len({k.place for k in kept}) == len(entries)
        facts = tended.facts()
        assert facts.segments == len({k.place.segment for k in kept})
        assert sum(k.nbytes for k in kept) <= facts.segment_bytes

    def test_records_are_dropped_and_the_others_stay(self, tended: Tended) -> None:
        entries = self.filled(tended)
        other = self.another(tended)
        assert answers(other, entries) == entries
        other.close()
        done = drop(tended, entries[::2])
        assert done.busy == frozenset() and done.freed_bytes > 0
        other = self.another(tended)
        for store in (tended, other):
            assert answers(store, entries) == entries[1::2]
            assert sorted(store.scan()) == sorted(entries[1::2])
        other.close()

    def test_a_session_that_is_open_finds_what_was_moved(self, tended: Tended) -> None:
        entries = self.filled(tended)
        other = self.another(tended)
        assert answers(other, entries[:1]) == entries[:1]
        drop(tended, entries[:10])
        assert answers(other, entries[10:]) == entries[10:]
        other.close()

    def test_what_was_dropped_can_be_written_again(self, tended: Tended) -> None:
        entries = self.filled(tended)
        drop(tended, entries)
        assert answers(tended, entries) == [] and list(tended.scan()) == []
        tended.append(entries)
        assert answers(tended, entries) == entries

    def test_order_outlives_a_collection(self, tended: Tended) -> None:
        for n in range(5):
            writer = self.another(tended)
            writer.append([Entry(key_of("k"), 1, b"%d" % n)])
            writer.close()
        drop(tended, [Entry(key_of("k"), 1, b"2")])
        assert tended.get_many([key_of("k")])[key_of("k")] == (b"4", b"3", b"1", b"0")

    def test_blobs_are_listed_and_deleted(self, tended: Tended) -> None:
        payloads = [sample_payload(n, (self.payload_bytes,)) for n in range(3)]
        names = [tended.put_blob(payload) for payload in payloads]
        assert {blob.digest for blob in tended.blobs()} == set(names)
        asked = [names[0], key_of("absent")]
        assert tended.remove_blobs(asked, 0, remove=False).files == 1
        with tended.collecting():
            assert tended.remove_blobs(asked, 0).files == 1
        assert [tended.has_blob(name) for name in names] == [False, True, True]
        assert tended.get_blob(names[0]) is None
        assert tended.put_blob(payloads[0]) == names[0]
        assert contents(tended.get_blob(names[0])) == contents(payloads[0])

    def test_datasets_are_listed_and_deleted(self, tended: Tended) -> None:
        one, two = "1" * 32, "2" * 32
        assert list(tended.datasets()) == []
        for name, data in ((one, b"12345"), (two, b"67")):
            for shard in ("gene=a/part-0.parquet", "part-1.parquet"):
                self.put_shard(tended, f"datasets/{name}/{shard}", data)
        self.put_shard(tended, "datasets/mine/part-0.parquet", b"8")
        found = {folder.name: (folder.files, folder.nbytes) for folder in tended.datasets()}
        assert found == {one: (2, 10), two: (2, 4)}
        contents = tended.shards(one)
        assert set(contents) == {"gene=a/part-0.parquet", "part-1.parquet"}
        assert len({*contents.values(), *tended.shards(two).values()}) == 2
        asked = [one, "3" * 32]
        assert tended.remove_datasets(asked, 0, remove=False).files == 1
        assert len(list(tended.datasets())) == 2
        with tended.collecting():
            assert (tended.remove_datasets(asked, 0).files, tended.shards(one)) == (1, {})
        assert [folder.name for folder in tended.datasets()] == [two]
        assert len(tended.shards("mine")) == 1

    def test_what_is_checked_is_counted(self, tended: Tended) -> None:
        entries = self.filled(tended)
        tended.put_blob(sample_payload(1))
        checked = tended.check()
        assert (checked.records, checked.blobs) == (len(entries), 1)
        assert checked.damage == () and checked.torn == 0

    def test_a_new_index_answers_as_the_old_one(self, tended: Tended) -> None:
        entries = self.filled(tended)
        assert tended.rebuild() == len(entries)
        assert answers(tended, entries) == entries

    def test_named_objects_are_deleted(self, tended: Tended) -> None:
        tended.write_file("pins/a", b"x")
        tended.remove_file("pins/a")
        tended.remove_file("pins/a")
        assert tended.list_files("pins") == []

    def test_one_collector_at_a_time(self, tended: Tended) -> None:
        other = self.another(tended)
        with tended.collecting(), pytest.raises(StoreError, match="collected"), other.collecting():
            raise AssertionError("two collectors")
        with other.collecting():
            pass
        other.close()

    def test_a_closed_store_is_not_looked_after(self, tended: Tended) -> None:
        tended.close()
        with pytest.raises(StoreError, match="closed"), tended.collecting():
            pass
        asks = (tended.facts, tended.kept, tended.blobs, tended.datasets, tended.check)
        for use in (*asks, tended.rebuild):
            with pytest.raises(StoreError, match="closed"):
                use()
