"""Code and globals are looked at right before a call runs: what they are then decides.

A run goes on in the background while its user redefines what its tasks read. Gates are files: a
task waits until one is there, so no test depends on time.
"""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening

from cellgraph.events import Notice

DEADLINE_S = 60.0

CELL = """
import os, pathlib
K = 1
def helper(x): return x * 10

def wait(gate):
    pathlib.Path(gate + "-reached").touch()
    while not os.path.exists(gate):
        time.sleep(0.005)

@cg.task
def first(x, gate):
    tick("first")
    wait(gate)
    return x

@cg.task
def f(x, gate):
    tick("f")
    found = {read}
    wait(gate)
    return found

@cg.task
def g(x):
    tick("g")
    return x + 1
"""


def reached(gate: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while not Path(f"{gate}-reached").exists():
        assert time.monotonic() < end, f"nobody came to {gate}"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("read", "change", "back", "value"),
    [
        ("x + K", "K = 2", "K = 1", 7),
        ("helper(x)", "def helper(x): return x * 20", "def helper(x): return x * 10", 100),
    ],
)
def test_a_change_that_is_taken_back_while_the_call_runs_leaves_no_wrong_result(
    read: str, change: str, back: str, value: int, lab: Lab, nb: Notebook
) -> None:
    """The key was made with one state, the body has read another one: the result is not kept."""
    gates = lab.folder / "one", lab.folder / "two"
    nb.run(CELL.replace("{read}", read))
    expression = nb.value(f"g(f(first(5, {str(gates[0])!r}), {str(gates[1])!r}))")
    with lab.session() as session, listening(session) as events:
        run = session.submit(expression)
        reached(gates[0])
        nb.run(change)
        gates[0].touch()
        reached(gates[1])
        nb.run(back)
        gates[1].touch()
        seen: Any = run.result()
    assert seen in (value + 1, nb.value(read.replace("x", "5")) + 1)
    assert lab.ran() == {"first": 1, "f": 1, "g": 1}
    notices = [e.text for e in events if isinstance(e, Notice) and "what f reads" in e.text]
    assert len(notices) == 1

    truth = nb.value(read.replace("x", "5")) + 1
    assert lab.run(expression) == truth
    assert lab.ran() == {"f": 1} | ({"g": 1} if seen != truth else {})
    assert lab.run(expression) == truth
    assert lab.ran() == {}


def test_a_global_that_is_changed_between_calls_is_said_once(lab: Lab, nb: Notebook) -> None:
    gates = lab.folder / "one", lab.folder / "two"
    nb.run(CELL.replace("{read}", "x + K"))
    gates[1].touch()
    calls = f"[f(i + first(5, {str(gates[0])!r}), {str(gates[1])!r}) for i in range(20)]"
    with lab.session() as session, listening(session) as events:
        run = session.submit(nb.value(calls))
        reached(gates[0])
        nb.run("K = 2")
        gates[0].touch()
        assert run.result() == [i + 7 for i in range(20)]
    notices = [e.text for e in events if isinstance(e, Notice) and "what f reads" in e.text]
    assert len(notices) == 1
    assert lab.ran() == {"first": 1, "f": 20}
    assert lab.run(nb.value(calls)) == [i + 7 for i in range(20)]
    assert lab.ran() == {"f": 20}


def test_a_task_that_changes_what_another_one_reads(lab: Lab, nb: Notebook) -> None:
    nb.run(
        """
        STATE = {"k": 1}

        @cg.task
        def change(x):
            tick("change")
            STATE["k"] = x
            return x

        @cg.task
        def read(x):
            tick("read")
            return x + STATE["k"]
        """
    )
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(nb.value("read(change(5))")) == 10
    told = {e.text.split()[1] for e in events if isinstance(e, Notice)}
    assert told == {"change", "read"}
    nb.run("STATE = {'k': 1}")
    assert lab.run(nb.value("read(5)")) == 6
