"""When a run has ended, nothing more is said of it."""

import _thread
import time
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

import cellgraph as cg
from cellgraph.events import CallsAdded, RunFinished, RunStarted

CELL = """
import _thread
import time

@cg.task(executor={executor!r})
def nap(n):
    tick("nap")
    time.sleep(30)
    return n
"""


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_cancelled_run_says_nothing_after_its_end(lab: Lab, nb: Notebook, executor: str) -> None:
    nb.run(CELL.format(executor=executor))
    events: list[Any] = []
    with lab.session() as session:
        session.bus.subscribe(events.append)
        run = session.submit(nb.value("[nap(n) for n in range(6)]"))
        while "nap" not in lab.ran():
            time.sleep(0.02)
        run.cancel()
        with pytest.raises(cg.CallCancelled):
            run.result(20)
        time.sleep(0.5)
    kinds: list[type] = [type(event) for event in events]
    assert kinds.count(CallsAdded) == 1
    assert kinds[-1] is RunFinished
    assert run.counts.failed == 0


def test_an_interrupt_is_heard_while_a_large_graph_is_taken_in(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def one(n):
            tick("one")
            return n
    """)
    events: list[Any] = []

    def hear(event: Any) -> None:
        events.append(event)
        if type(event) is RunStarted:  # said before the graph is looked at
            _thread.interrupt_main()

    with lab.session() as session:
        value = nb.value("[one(n) for n in range(200_000)]")
        session.bus.subscribe(hear)
        with pytest.raises(KeyboardInterrupt):
            session.evaluate(value)
        while type(events[-1]) is not RunFinished:
            time.sleep(0.01)
    assert events[-1].status == "cancelled"
    assert lab.ran() == {}
