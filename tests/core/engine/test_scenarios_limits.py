"""Named counters: never more at once than configured, and always given back."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, peak

import cellgraph as cg

CELLS = """
def section(name, wait):
    tick("+" + name)
    time.sleep(wait)
    tick("-" + name)

@cg.task(limits=["db"])
def query(n, wait=0.03):
    section("db", wait)
    return n

@cg.task(limits={"db": 2})
def heavy(n, wait=0.03):
    section("heavy", wait)
    return n

@cg.task(limits="web")
def fetch(n, wait=0.03):
    section("web", wait)
    return n

@cg.task
def free(n, wait=0.03):
    section("free", wait)
    return n

@cg.task(limits=["db"])
def failing(n):
    section("db", 0.01)
    raise ValueError(n)
"""


def test_no_more_than_the_configured_units_at_once(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session(limits={"db": 2}) as session:
        assert session.evaluate(nb.value("[query(n) for n in range(8)]")) == list(range(8))
    lines = lab.lines()
    assert len(lines) == 16
    assert peak(lines, "db") <= 2


def test_a_name_nobody_configured_has_one_unit(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    assert lab.run(nb.value("[fetch(n) for n in range(4)]")) == list(range(4))
    assert peak(lab.lines(), "web") == 1


def test_units_are_counted_and_shared_by_name(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session(limits={"db": 3}) as session:
        session.evaluate(nb.value("[heavy(n) for n in range(4)] + [query(n) for n in range(4)]"))
    lines = lab.lines()
    assert peak(lines, "heavy") == 1
    units = [{"+heavy": 2, "+db": 1, "-heavy": -2, "-db": -1}[line] for line in lines]
    held = [sum(units[: i + 1]) for i in range(len(units))]
    assert max(held) <= 3


def test_other_names_and_free_calls_go_on(lab: Lab, nb: Notebook) -> None:
    """Independent calls start while others wait for a unit."""
    nb.run(CELLS)
    lazy = nb.value("[[query(n, 0.2) for n in range(3)], [fetch(1), free(1), free(2)]]")
    assert lab.run(lazy) == [[0, 1, 2], [1, 1, 2]]
    lines = lab.lines()
    assert peak(lines, "db") == 1
    last_query = max(i for i, line in enumerate(lines) if line == "+db")
    assert all(i < last_query for i, line in enumerate(lines) if line in ("+web", "+free"))


def test_units_come_back_after_errors_and_hits(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session(limits={"db": 1}) as session:
        kept = session.evaluate(
            nb.value("[failing(n) for n in range(4)] + [query(n) for n in range(4)]"), fail="keep"
        )
        assert kept[4:] == [0, 1, 2, 3]
        again = session.evaluate(nb.value("[query(n) for n in range(6)]"))
        assert again == [0, 1, 2, 3, 4, 5]
        with pytest.raises(cg.TaskError):
            session.evaluate(nb.value("failing(9)"))
        assert session.evaluate(nb.value("query(77)")) == 77
    assert peak(lab.lines(), "db") == 1


def test_a_unit_is_not_held_while_children_run(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("""
        @cg.task(limits=["db"])
        def parent(n):
            return query(n + 100)
    """)
    assert lab.run(nb.value("[parent(n) for n in range(3)]")) == [100, 101, 102]


def test_a_call_that_wants_more_than_there_is_runs_alone(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session(limits={"db": 1}) as session:
        assert session.evaluate(nb.value("[heavy(1), heavy(2), query(3)]")) == [1, 2, 3]
    lines = [line.replace("heavy", "db") for line in lab.lines()]
    assert peak(lines, "db") == 1


def test_limits_hold_across_executors(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("here, there = query.options(executor='thread'), query.options(executor='process')")
    lazy = nb.value("[(here, there)[n % 2](n) for n in range(6)]")
    with lab.session(limits={"db": 1}) as session:
        assert session.evaluate(lazy) == list(range(6))
    assert peak(lab.lines(), "db") == 1
