"""Depth and breadth: nothing recurses with the depth of a value or the size of a list."""

from typing import Any

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, chained

import cellgraph as cg

pytestmark = pytest.mark.first

CELLS = """
@cg.task
def inc(x):
    return x + 1

@cg.task
def total(*parts):
    tick("total")
    return sum(sum(p) if isinstance(p, list) else p for p in parts)

@cg.task
def count_down(n):
    tick("count_down")
    return count_down(n - 1) if n else "done"

@cg.task
def gather(n):
    return [inc(i) for i in range(n)]
"""


def test_a_chain_of_100_000_operators(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = chained(lambda x: x + 1, nb["inc"](0), 100_000)
    assert len(repr(lazy)) < 500
    assert lab.run(lazy) == 100_001


def test_a_list_of_1_000_000_integers(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    numbers = list(range(1_000_000))
    for _ in range(2):
        assert lab.run(nb["total"](numbers)) == 499_999_500_000
    assert lab.ran() == {"total": 1}
    assert len(repr(nb["total"](numbers))) < 500


def test_10_000_calls_in_a_list_and_as_arguments(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb["total"](*[nb["inc"](i) for i in range(10_000)])
    assert lab.run(lazy) == 50_005_000
    assert lab.run(nb.value("gather(10_000)")) == list(range(1, 10_001))
    assert len(repr(lazy)) < 500


def test_deep_recursion_of_tasks(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    assert lab.run(nb.value("count_down(5_000)")) == "done"
    assert lab.ran() == {"count_down": 5_001}
    assert lab.run(nb.value("count_down(5_002)")) == "done"
    assert lab.ran() == {"count_down": 2}


def test_deep_sequences_and_catches(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("cg.seq([inc(i) for i in range(3_000)])")
    assert lab.run(lazy) == list(range(1, 3_001))
    nested = chained(lambda x: cg.catch(x, ValueError, nb["inc"]), nb["inc"](1), 3_000)
    assert lab.run(nested) == 2


def test_a_deeply_nested_literal(lab: Lab, nb: Notebook) -> None:
    """Deeper than Python's recursion limit: a value or one clear error, never a crash."""
    nb.run(CELLS)
    nested = chained(lambda x: [x], 1, 50_000)
    try:
        value: Any = lab.run([nb["inc"](1), nested])
    except cg.CellgraphError as error:
        short = str(error)
        assert len(short) < 2_000
        return
    assert value[0] == 2


def test_a_diamond_of_shared_calls_stays_linear(lab: Lab, nb: Notebook) -> None:
    """Twenty-six levels of x + x: sixty-seven million calls if sharing were lost."""
    nb.run("""
        @cg.task
        def join(a, b):
            tick("join")
            return a + b

        @cg.task
        def deep(n):
            x = join(1, 0)
            for _ in range(n):
                x = join(x, x)
            return x
    """)
    assert lab.run(nb.value("[deep(26), deep(25)]")) == [2**26, 2**25]
    assert lab.ran() == {"join": 27}
    assert lab.run(nb.value("deep(26)")) == 2**26
    assert lab.ran() == {}
