"""Nothing recurses with the length of a chain of calls."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, chained

import cellgraph as cg

pytestmark = pytest.mark.first

CELL = """
@cg.task
def inc(x):
    return x + 1
"""


@pytest.mark.parametrize("calls", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_chain_of_many_calls(lab: Lab, nb: Notebook, calls: int) -> None:
    nb.run(CELL)
    for _ in range(2):
        lazy = chained(nb["inc"], 0, calls)
        assert len(repr(lazy)) < 500
        assert lab.run(lazy) == calls
        del lazy  # nothing recurses when it goes, either


def test_a_failure_at_the_bottom_of_a_long_chain(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL)
    lazy = chained(nb["inc"], "text", 20_000)
    error = lab.failure(lazy)
    assert isinstance(error, cg.TaskError)
    assert isinstance(error.error, TypeError)
    assert len(str(error)) < 5_000
