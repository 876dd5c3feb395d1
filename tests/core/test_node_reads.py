"""What a node rests on, shared between nodes."""

from cellgraph.node import Reads, flattened, sets_in


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
