"""What results rest on, shared between nodes and between threads."""

from collections.abc import Sequence

from cellgraph.dependencies import Sets, append
from cellgraph.node import Reads, flattened, sets_in
from cellgraph.places import Read
from cellgraph.stores.base import Entry
from cellgraph.stores.memory import MemoryStore


def test_a_tower_of_reads_is_flattened_where_it_is() -> None:
    """As calls that reduced to one another end, innermost first."""
    below: Reads = [b"x"]
    tower = [below]
    for level in range(1_000):
        own = b"even" if level % 2 else b"odd"
        keys = {b"x"} if level == 0 else {b"x", b"odd"} if level == 1 else {b"x", b"odd", b"even"}
        assert set(flattened(below)) == keys
        assert set(below) == keys
        below = [own, below]
        tower.append(below)
    assert max(len(reads) for reads in tower) == 3
    assert set(sets_in(tower[-1])) == {b"x", b"odd", b"even"}


def test_nothing_read_is_nothing() -> None:
    assert flattened(None) == ()
    assert flattened([b"", []]) == ()


def test_a_set_that_one_thread_is_writing_is_written_by_another_too() -> None:
    """No record is in the store before the set that it names, whoever comes first."""
    sets = Sets()
    file = Read("file", "x.txt", bytes(32))
    key = sets.add([file])
    one, two, three = (Entry(bytes([n]) * 32, n, b"") for n in (1, 2, 3))
    batches: list[list[bytes]] = []

    class Overtaken(MemoryStore):
        def append(self, entries: Sequence[Entry]) -> None:
            if entries[-1] is one:  # before these are there, another thread has a result
                assert sets.add([file]) == key
                append(self, [sets], [two])
            batches.append([entry.key for entry in entries])
            super().append(entries)

    store = Overtaken()
    append(store, [sets], [one])
    append(store, [sets], [three])
    assert batches == [[key, two.key], [key, one.key], [three.key]]
