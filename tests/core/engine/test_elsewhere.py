"""Sessions that need the same calls at once: each is computed once, nobody waits in vain."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest
from tests.core.engine.support.engine_lab import PRELUDE, Lab, Notebook, listening

import cellgraph as cg
from cellgraph.events import CallsElsewhere, Event

CELLS = """
@cg.task
def slow(x, wait=0.3):
    tick("slow")
    time.sleep(wait)
    return x + 1

@cg.task
def gated(x, gate):
    tick("gated")
    while not os.path.exists(gate):
        time.sleep(0.005)
    return x + 1

@cg.task
def bad(x):
    tick("bad")
    time.sleep(0.3)
    raise ValueError(x)

@cg.task(limits={"licence": 1})
def licensed(x, wait):
    tick("licensed")
    time.sleep(wait)
    return x

@cg.task
def parts(x):
    tick("parts")
    time.sleep(0.2)
    return [slow(x + i, 0.1) for i in range(3)]
"""
ONE_SLOT = {"thread": {"workers": 1}}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def waited(events: list[Event]) -> int:
    """How many calls were said to be computed by another session."""
    return sum(len(e.calls) for e in events if isinstance(e, CallsElsewhere))


def test_two_sessions_compute_a_call_once(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    expr = nb.value("[slow(i) for i in range(2)]")
    with lab.session() as a, lab.session() as b, listening(b) as events:
        first = a.submit(expr)
        eventually(lambda: "slow" in lab.log.read_text())
        second = b.submit(expr)
        assert second.result(60) == first.result(60) == [1, 2]
        assert (first.counts.executed, first.counts.reused) == (2, 0)
        assert (second.counts.executed, second.counts.reused) == (0, 2)
        assert waited(events) == 2
    assert lab.ran() == {"slow": 2}


def test_calls_that_reduce_to_expressions_are_shared_too(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as a, lab.session() as b:
        runs = [session.submit(nb.value("parts(10)")) for session in (a, b)]
        assert [run.result(60) for run in runs] == [[11, 12, 13]] * 2
    ran = lab.ran()
    assert ran["parts"] == 1 and ran["slow"] == 3


def test_a_failure_is_tried_again_by_whoever_waited(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as a, lab.session() as b, lab.session() as c:
        runs = [session.submit(nb.value("bad(1)")) for session in (a, b, c)]
        for run in runs:
            with pytest.raises(cg.TaskError, match="ValueError: 1"):
                run.result(60)
    assert lab.ran() == {"bad": 3}


def test_whoever_waits_can_be_stopped(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    gate = str(lab.folder / "gate")
    expr = nb["gated"](1, gate)
    with lab.session() as a, lab.session() as b, listening(b) as events:
        first = a.submit(expr)
        eventually(lambda: "gated" in lab.log.read_text())
        second = b.submit(expr)
        eventually(lambda: waited(events) == 1)
        second.cancel()
        assert second.wait(60) and second.status == "cancelled"
        third = b.submit(expr)
        open(gate, "w").close()  # noqa: PTH123 - a path that is a string
        assert first.result(60) == third.result(60) == 2
    assert lab.ran() == {"gated": 1}


def test_a_session_that_is_stopped_leaves_its_calls_to_others(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    expr = nb.value("[slow(i, 0.05) for i in range(40)]")
    with lab.session(executors=ONE_SLOT) as a, lab.session() as b, listening(b) as events:
        first = a.submit(expr)
        eventually(lambda: "slow" in lab.log.read_text())
        second = b.submit(expr)
        eventually(lambda: waited(events) > 0)
        first.cancel()
        assert second.result(60) == list(range(1, 41))
    assert lab.ran()["slow"] <= 41, "the call that was running when it was stopped runs again"


def test_an_idle_session_is_given_what_has_not_begun(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    gate = str(lab.folder / "gate")
    with lab.session(executors=ONE_SLOT) as a, lab.session() as b:
        queued = a.submit([nb["gated"](0, gate), *(nb["slow"](i, 0.01) for i in range(50))])
        eventually(lambda: "gated" in lab.log.read_text())
        # a can do nothing for now, and b needs what is last in its queue
        assert b.evaluate(nb["slow"](49, 0.01)) == 50
        wanted = b.submit([nb["slow"](i, 0.01) for i in range(10)])
        assert wanted.result(60) == list(range(1, 11))
        open(gate, "w").close()  # noqa: PTH123 - a path that is a string
        assert queued.result(60) == [1, *range(1, 51)]
        assert queued.counts.reused >= 11
    assert lab.ran() == {"gated": 1, "slow": 50}


def test_a_call_that_a_limit_holds_back_is_given_away(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as a, lab.session() as b, listening(b) as events:
        held = a.submit(nb.value("[licensed(0, 3), licensed(1, 0.01)]"))
        eventually(lambda: "licensed" in lab.log.read_text())
        assert b.evaluate(nb.value("licensed(1, 0.01)")) == 1
        assert held.status == "running" and waited(events) == 1
        assert held.result(60) == [0, 1]
    assert lab.ran() == {"licensed": 2}


def test_a_task_whose_program_needs_what_is_queued_behind_it(lab: Lab, nb: Notebook) -> None:
    """The program waits for a call that begins when the program has ended: a deadlock, almost."""
    inner = f"""
import sys
{PRELUDE}
@cg.task
def late(x):
    tick("late")
    return x * 2

if __name__ == "__main__":
    with cg.Session(store=sys.argv[1]) as session:
        print(session.evaluate(late(21)))
"""
    (lab.folder / "inner.py").write_text(inner)
    outer = f"""
import subprocess, sys
sys.path.insert(0, {str(lab.folder)!r})
from inner import late

@cg.task(version="1")
def outer(store):
    return subprocess.run([sys.executable, {str(lab.folder / "inner.py")!r}, store],
                          capture_output=True, text=True, check=True).stdout
if __name__ == "__main__":
    with cg.Session(store=store, executors={ONE_SLOT!r}) as session:
        print(session.evaluate([outer(str(store)), late(21)]))
"""
    assert lab.python(outer) == "['42\\n', 42]"
    assert lab.ran() == {"late": 1}, "the program was given the call"


HOLDER = """
    with cg.Session(store=store) as session:
        session.evaluate([slow(i, 0.3 if i < 5 else 600) for i in range(7)])
"""


def holder(lab: Lab) -> subprocess.Popen[bytes]:
    """A process that has five results and computes two more, which take for ever."""
    script = lab.folder / "holder.py"
    head = f"{PRELUDE}\nfrom pathlib import Path\nstore = Path({str(lab.store)!r})\n{CELLS}\n"
    text = head + 'if __name__ == "__main__":' + HOLDER
    script.write_text(textwrap.dedent(text))
    process = subprocess.Popen([sys.executable, str(script)], cwd=lab.folder, env={**os.environ})
    eventually(lambda: lab.log.read_text().count("slow") >= 7)
    return process


def needs_the_last(nb: Notebook) -> object:
    return nb.value("[slow(i, 0.3 if i < 5 else 600) for i in range(6)]")


def test_whoever_is_killed_is_not_waited_for(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    process = holder(lab)
    try:
        with lab.session() as b, listening(b) as events:
            run = b.submit(needs_the_last(nb))
            eventually(lambda: waited(events) == 1)
            assert run.counts.reused == 5
            process.kill()
            process.wait()
            eventually(lambda: lab.log.read_text().count("slow") == 8)
            run.cancel()
            assert run.wait(60)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_whoever_is_stuck_is_not_waited_for_long(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    process = holder(lab)
    try:
        with lab.session() as b, listening(b) as events:
            run = b.submit(needs_the_last(nb))
            eventually(lambda: waited(events) == 1)
            process.send_signal(signal.SIGSTOP)
            eventually(lambda: lab.log.read_text().count("slow") == 8)
            run.cancel()
            assert run.wait(60)
    finally:
        process.kill()
        process.wait()
