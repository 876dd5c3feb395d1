"""`invalidate`: a task's results, or one call's, are not believed any more, in every session."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening, user_error

import cellgraph as cg
from cellgraph.accepting import Accepted
from cellgraph.events import MissesExplained
from cellgraph.forgetting import Invalidated

CELLS = """
@cg.task
def clean(x):
    tick("clean")
    return abs(x)

@cg.task
def fit(x):
    tick("fit")
    return clean(x) * 2

@cg.task
def report(parts):
    tick("report")
    return sum(parts)
"""


@pytest.fixture
def cells(nb: Notebook) -> Notebook:
    nb.run(CELLS)
    return nb


def invalidate(lab: Lab, what: object) -> Invalidated:
    with lab.session() as session:
        return session.invalidate(what)


def reasons(lab: Lab, expression: object) -> dict[str, str]:
    with lab.session() as session, listening(session) as events:
        session.evaluate(expression)
    return {m.task: m.reason for e in events if isinstance(e, MissesExplained) for m in e.misses}


def test_every_call_of_a_task_runs_again_once(lab: Lab, cells: Notebook) -> None:
    lazy = cells.value("[clean(1), clean(-2)]")
    lab.run(lazy)
    lab.ran()
    said = invalidate(lab, cells["clean"])
    assert said.calls == 2
    assert "2 calls run again" in repr(said)
    for runs in ({"clean": 2}, {}):
        assert lab.run(lazy) == [1, 2]
        assert lab.ran() == runs


def test_a_parents_final_value_does_not_hide_it(lab: Lab, cells: Notebook) -> None:
    for lazy in (cells.value("fit(1)"), cells.value("report([fit(1), fit(-2)])")):
        lab.run(lazy)
    lab.ran()
    invalidate(lab, cells["clean"])
    assert lab.run(cells.value("report([fit(1), fit(-2)])")) == 6
    assert lab.ran() == {"clean": 2}  # equal values: nothing behind them runs


def test_an_invalidated_parent_reuses_its_children(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("fit(1)"))
    lab.ran()
    invalidate(lab, cells["fit"])
    assert lab.run(cells.value("fit(1)")) == 2
    assert lab.ran() == {"fit": 1}


def test_a_task_that_came_as_an_argument(lab: Lab, cells: Notebook) -> None:
    cells.run("""
        @cg.task
        def apply(function, x):
            tick("apply")
            return function(x)
    """)
    for lazy in (cells.value("apply(fit, 1)"), cells.value("[apply(fit, 1)]")):
        lab.run(lazy)
    lab.ran()
    for task in ("fit", "clean"):
        invalidate(lab, cells[task])
        assert lab.run(cells.value("[apply(fit, 1)]")) == [2]
        assert lab.ran()[task] == 1
        assert lab.run(cells.value("apply(fit, 1)")) == 2
        assert lab.ran() == {}


def test_a_change_below_a_task_that_came_as_an_argument(lab: Lab, cells: Notebook) -> None:
    """The key of `apply` names the code of `fit`, and the code of `fit` names `clean` only."""
    cells.run("""
        @cg.task
        def apply(function, x):
            return function(x)
    """)
    for lazy in (cells.value("apply(fit, 1)"), cells.value("[apply(fit, 1)]")):
        assert lab.run(lazy) in (2, [2])
    cells.run("@cg.task\ndef clean(x):\n    tick('other')\n    return abs(x) + 10\n")
    assert lab.run(cells.value("[apply(fit, 1)]")) == [22]
    assert lab.run(cells.value("apply(fit, 1)")) == 22
    assert lab.ran()["other"] == 1


def test_one_call(lab: Lab, cells: Notebook) -> None:
    lazy = cells.value("report([clean(1), clean(-2), clean(3)])")
    lab.run(lazy)
    lab.ran()
    said = invalidate(lab, cells.value("clean(-2)"))
    assert said.calls == 1
    assert "clean(-2)" in repr(said)
    for runs in ({"clean": 1}, {}):
        assert lab.run(lazy) == 6
        assert lab.ran() == runs


def test_one_call_below_another(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("fit(1)"))
    lab.run(cells.value("[fit(2), fit(1)]"))
    lab.ran()
    invalidate(lab, cells.value("clean(1)"))
    assert lab.run(cells.value("fit(1)")) == 2
    assert lab.ran() == {"clean": 1}
    invalidate(lab, cells.value("clean(2)"))
    assert lab.run(cells.value("[fit(2), fit(1)]")) == [4, 2]
    assert lab.ran() == {"clean": 1}


def test_a_call_over_a_lazy_argument(lab: Lab, cells: Notebook) -> None:
    lazy = cells.value("clean(fit(-3) + 1)")
    lab.run(lazy)
    lab.ran()
    assert invalidate(lab, lazy).calls == 1
    assert lab.run(lazy) == 7
    assert lab.ran() == {"clean": 1}


def test_a_call_whose_arguments_are_not_known(lab: Lab, cells: Notebook) -> None:
    with pytest.raises(cg.ConfigError, match="not known before"):
        invalidate(lab, cells.value("clean(fit(-3))"))


def test_several_at_once(lab: Lab, cells: Notebook) -> None:
    lazy = cells.value("report([clean(1), clean(-2)])")
    lab.run(lazy)
    lab.ran()
    assert invalidate(lab, [cells["report"], cells.value("clean(1)")]).calls == 2
    lab.run(lazy)
    assert lab.ran() == {"clean": 1, "report": 1}


def test_a_changed_value_wakes_what_depends_on_it(lab: Lab, nb: Notebook) -> None:
    (lab.folder / "now").write_text("1")
    nb.run(f"""
        import pathlib

        @cg.task
        def now(folder={str(lab.folder)!r}):
            tick("now")
            return int((pathlib.Path(folder) / "now").read_text())

        @cg.task
        def after(x):
            tick("after")
            return x + 1
    """)
    lazy = nb.value("after(now())")
    assert lab.run(lazy) == 2
    lab.ran()
    (lab.folder / "now").write_text("5")
    invalidate(lab, nb["now"])
    assert lab.run(lazy) == 6
    assert lab.ran() == {"now": 1, "after": 1}


def test_the_reason_is_yours(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("[clean(1), fit(2)]"))
    invalidate(lab, cells["clean"])
    assert "invalidated by you 2" in reasons(lab, cells.value("clean(1)"))["clean"]
    invalidate(lab, cells.value("clean(1)"))
    assert "invalidated by you 2" in reasons(lab, cells.value("clean(1)"))["clean"]


def test_a_change_of_code_is_not_blamed_on_you(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(1)"))
    invalidate(lab, cells["clean"])
    lab.run(cells.value("clean(1)"))
    cells.run(CELLS.replace("return abs(x)", "return abs(x) + 0"))
    assert "line" in reasons(lab, cells.value("clean(1)"))["clean"]


def test_results_of_other_code_are_forgotten_too(lab: Lab, cells: Notebook) -> None:
    """The epoch belongs to the name: going back to an old definition brings nothing back."""
    lab.run(cells.value("clean(1)"))
    cells.run(CELLS.replace("return abs(x)", "return abs(x) + 0"))
    invalidate(lab, cells["clean"])
    cells.run(CELLS)
    lab.ran()
    lab.run(cells.value("clean(1)"))
    assert lab.ran() == {"clean": 1}


def test_another_kernel_sees_it(lab: Lab, cells: Notebook) -> None:
    with lab.session() as session:
        session.evaluate(cells.value("clean(1)"))
        lab.ran()
        invalidate(lab, cells["clean"])
        assert session.evaluate(cells.value("clean(1)")) == 1
        assert lab.ran() == {"clean": 1}


def test_nothing_to_forget(lab: Lab, cells: Notebook) -> None:
    assert invalidate(lab, cells["clean"]).calls == 0
    assert invalidate(lab, cells.value("clean(1)")).calls == 0
    lab.run(cells.value("clean(1)"))
    assert lab.ran() == {"clean": 1}


@pytest.mark.parametrize("what", ["3", "'clean'", "[]", "clean(1) + 1"])
def test_only_tasks_and_calls(lab: Lab, cells: Notebook, what: str) -> None:
    with pytest.raises(cg.ConfigError, match=r"a task or a call"):
        invalidate(lab, cells.value(what))


def test_a_failing_question_says_why(lab: Lab, cells: Notebook) -> None:
    cells.run("@cg.task\ndef eats(x):\n    return 1\n")
    with pytest.raises(cg.CellgraphError) as raised:
        invalidate(lab, cells.value("eats(i for i in [1])"))
    assert "generator" in str(user_error(raised.value))


def test_it_ends_an_acceptance(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(1)"))
    cells.run(CELLS.replace("return abs(x)", "return abs(x) + 0"))
    with lab.session() as session:
        assert isinstance(session.accept(cells["clean"]), Accepted)
        session.invalidate(cells["clean"])
    lab.ran()
    lab.run(cells.value("clean(1)"))
    assert lab.ran() == {"clean": 1}
