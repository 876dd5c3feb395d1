"""Sessions: several in one process, several runs in one, and their end."""

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening

import cellgraph as cg
from cellgraph.events import RunFinished, RunStarted

CELLS = """
@cg.task
def slow(x, wait=0.2):
    tick("slow")
    time.sleep(wait)
    return x + 1

@cg.task
def bad(x):
    tick("bad")
    raise ValueError(x)
"""


def test_runs_of_one_session_reuse_results(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session, listening(session) as events:
        for _ in range(3):
            assert session.evaluate(nb.value("slow(slow(1, 0), 0)")) == 3
    assert lab.ran() == {"slow": 2}
    ends = [e for e in events if isinstance(e, RunFinished)]
    assert [(e.status, e.executed, e.failed) for e in ends] == [
        ("done", 2, 0), ("done", 0, 0), ("done", 0, 0),
    ]  # fmt: skip
    assert ends[1].reused >= 1
    runs = [e.run for e in events if isinstance(e, RunStarted)]
    assert runs == [e.run for e in ends]
    assert len(set(runs)) == 3


def test_a_failed_run_says_so(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session, listening(session) as events, pytest.raises(cg.TaskError):
        session.evaluate(nb.value("[bad(1), slow(1, 0), slow(bad(2), 0)]"))
    (end,) = [e for e in events if isinstance(e, RunFinished)]
    assert (end.status, end.executed, end.failed) == ("failed", 1, 2)


def test_submit_returns_at_once(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session:
        first = session.submit(nb.value("slow(1)"))
        second = session.submit(nb.value("slow(slow(0, 0))"))
        assert first.result(timeout=30) == 2
        assert second.result(timeout=30) == 2
        assert first.status == second.status == "done"
        assert first.id != second.id
        failed = session.submit(nb.value("bad(1)"))
        failed.wait()
        assert failed.status == "failed"
        with pytest.raises(cg.TaskError):
            failed.result()
    assert lab.ran() == {"slow": 2, "bad": 1}


def test_evaluate_while_a_submitted_run_goes_on_joins_its_calls(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session:
        background = session.submit(nb.value("[slow(1), slow(2)]"))
        assert session.evaluate(nb.value("slow(1) + slow(2)")) == 5
        assert background.result(timeout=30) == [2, 3]
    assert lab.ran() == {"slow": 2}


def test_a_cancelled_run_keeps_what_finished(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("[slow(n, 0.1) for n in range(40)]")
    with lab.session() as session:
        run = session.submit(lazy)
        session.evaluate(nb.value("slow(0, 0.1)"))
        run.cancel()
        run.wait()
        assert run.status == "cancelled"
        with pytest.raises(cg.CellgraphError):
            run.result()
        first = lab.ran()["slow"]
        assert 1 <= first < 40
        assert session.evaluate(lazy) == list(range(1, 41))
    # What was running when the run was cancelled finishes late or runs once more.
    assert 40 <= first + lab.ran()["slow"] <= 40 + 8


def test_two_sessions_do_not_meet(tmp_path: Path, lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("slow(1, 0)")
    with cg.Session(store=tmp_path / "one") as one, cg.Session(store=tmp_path / "two") as two:
        assert one.evaluate(lazy) == two.evaluate(lazy) == 2
        assert lab.ran() == {"slow": 2}
        assert one.evaluate(lazy) == two.evaluate(lazy) == 2
    assert lab.ran() == {}


def test_two_sessions_on_one_store_at_once(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    found: dict[int, Any] = {}

    def kernel(number: int) -> None:
        found[number] = lab.run(nb.value("[slow(n, 0.01) for n in range(30)]"))

    threads = [threading.Thread(target=kernel, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: list(range(1, 31)) for n in range(2)}
    lab.ran()
    assert lab.run(nb.value("[slow(n, 0.01) for n in range(30)]")) == list(range(1, 31))
    assert lab.ran() == {}


def test_a_closed_session_says_so(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    session = lab.session()
    session.close()
    session.close()
    with pytest.raises(cg.CellgraphError, match="closed"):
        session.evaluate(nb.value("slow(1, 0)"))


def test_a_wrong_setting_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises((cg.ConfigError, TypeError), match="limits"):
        cg.Session(store=tmp_path, limit={"db": 2})  # type: ignore[call-arg, unused-ignore]  # what is tested


def test_a_subscriber_that_raises_hurts_nobody(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)

    def broken(event: object) -> None:
        raise RuntimeError(event)

    with lab.session() as session:
        session.bus.subscribe(broken)
        assert session.evaluate(nb.value("slow(1, 0)")) == 2


def test_sessions_open_and_close_many_times_without_leaking_threads(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lab.run(nb.value("slow(1, 0)"))
    before = threading.active_count()
    for n in range(5):
        lab.run(nb.value(f"slow({n}, 0)"))
    assert threading.active_count() <= before
