"""`accept`: results of earlier code count as those of the present code, after a test of some."""

import numpy as np
import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

import cellgraph as cg
from cellgraph.accepting import Accepted

CELLS = """
@cg.task
def clean(x):
    tick("clean")
    return abs(x)

@cg.task
def fit(x):
    tick("fit")
    return clean(x) * 2
"""
HARMLESS = CELLS.replace("abs(x)", "x if x >= 0 else -x")
HARMFUL = CELLS.replace("abs(x)", "x")


@pytest.fixture
def cells(nb: Notebook) -> Notebook:
    nb.run(CELLS)
    return nb


def accept(lab: Lab, task: cg.Task[..., object], verify: int = 20, **more: bool) -> Accepted:
    with lab.session() as session:
        return session.accept(task, verify, **more)


def test_results_count_after_a_harmless_change(lab: Lab, cells: Notebook) -> None:
    lazy = cells.value("[clean(i) for i in range(-5, 5)]")
    lab.run(lazy)
    cells.run(HARMLESS)
    lab.ran()
    said = accept(lab, cells["clean"], verify=4)
    assert (said.results, said.checked) == (10, 4)
    assert "10 results of clean" in repr(said)
    assert "line 3" in repr(said)
    assert lab.ran() == {"clean": 4}
    assert lab.run(cells.value("[clean(i) for i in range(-5, 5)]")) == [
        abs(i) for i in range(-5, 5)
    ]
    assert lab.ran() == {}
    assert lab.run(cells.value("clean(-9)")) == 9
    assert lab.ran() == {"clean": 1}


@pytest.mark.parametrize("expression", ["fit(-1)", "[fit(-1)]"])
def test_parents_reuse_them_too(lab: Lab, cells: Notebook, expression: str) -> None:
    lab.run(cells.value(expression))
    cells.run(HARMLESS)
    with lab.session() as session:
        session.accept(cells["clean"])
    lab.ran()
    assert lab.run(cells.value(expression)) in (2, [2])
    assert lab.ran() == {}


def test_a_difference_is_refused_with_the_call(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("[clean(3), clean(-4)]"))
    cells.run(HARMFUL)
    with pytest.raises(cg.IdentityError, match=r"clean\(-4\) gives another value"):
        accept(lab, cells["clean"])
    lab.ran()
    assert lab.run(cells.value("clean(-4)")) == -4
    assert lab.ran() == {"clean": 1}


def test_a_failure_is_refused_with_the_call(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(3)"))
    cells.run(CELLS.replace("return abs(x)", "raise ValueError('no')"))
    with pytest.raises(cg.IdentityError, match=r"clean\(3\).*fails now \(ValueError: no\)"):
        accept(lab, cells["clean"])


def test_nothing_earlier(lab: Lab, cells: Notebook) -> None:
    with pytest.raises(cg.IdentityError, match="no results of earlier code"):
        accept(lab, cells["clean"])
    lab.run(cells.value("clean(3)"))
    with pytest.raises(cg.IdentityError, match="no results of earlier code"):
        accept(lab, cells["clean"])


def test_invalidated_results_are_not_brought_back(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(3)"))
    with lab.session() as session:
        session.invalidate(cells["clean"])
    for code in (CELLS, HARMLESS):
        cells.run(code)
        with pytest.raises(cg.IdentityError, match="no results of earlier code"):
            accept(lab, cells["clean"])


def test_unseen_only_when_said(lab: Lab, cells: Notebook) -> None:
    cells.run("import numpy as np")
    cells.run("@cg.task\ndef total(x):\n    tick('total')\n    return float(x.sum())\n")
    cells.run("big = np.arange(10_000.0)")
    lab.run(cells.value("total(big)"))
    cells.run("@cg.task\ndef total(x):\n    tick('total')\n    return float(np.sum(x))\n")
    with pytest.raises(cg.IdentityError, match="verify=0"):
        accept(lab, cells["total"])
    assert accept(lab, cells["total"], verify=0).checked == 0
    lab.ran()
    assert lab.run(cells.value("total(big)")) == float(np.arange(10_000.0).sum())
    assert lab.ran() == {}


def test_arguments_that_were_results_are_found(lab: Lab, cells: Notebook) -> None:
    cells.run("""
        import numpy as np

        @cg.task
        def numbers(n):
            return np.arange(n, dtype=float)
    """)
    cells.run("@cg.task\ndef total(x, *, plus=0):\n    tick('total')\n    return x.sum() + plus\n")
    lab.run(cells.value("[total(numbers(10_000)), total(numbers(20))]"))
    cells.run("@cg.task\ndef total(x, *, plus=0):\n    tick('total')\n    return plus + x.sum()\n")
    assert accept(lab, cells["total"]).checked >= 1
    cells.run("@cg.task\ndef both(x, y):\n    tick('both')\n    return x.sum() + y\n")
    lab.run(cells.value("both(numbers(10_000), 3)"))
    cells.run("@cg.task\ndef both(x, y):\n    tick('both')\n    return y + x.sum()\n")
    assert accept(lab, cells["both"]).checked == 1


def test_ignored_arguments_take_their_defaults(lab: Lab, nb: Notebook) -> None:
    cell = "@cg.task(ignore='log')\ndef f(x, log=None):\n    tick('f')\n    return x + 1\n"
    nb.run(cell)
    lab.run(nb.value("f(1, 'somewhere')"))
    nb.run(cell.replace("x + 1", "1 + x"))
    assert accept(lab, nb["f"]).checked == 1


def test_it_can_be_revoked(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(3)"))
    cells.run(HARMLESS)
    accept(lab, cells["clean"])
    assert "revoked" in repr(accept(lab, cells["clean"], revoke=True))
    lab.ran()
    lab.run(cells.value("clean(3)"))
    assert lab.ran() == {"clean": 1}
    with pytest.raises(cg.IdentityError, match="nothing was accepted"):
        accept(lab, cells["clean"], revoke=True)


def test_another_change_ends_it(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(3)"))
    cells.run(HARMLESS)
    accept(lab, cells["clean"])
    cells.run(HARMFUL)
    lab.ran()
    lab.run(cells.value("clean(3)"))
    assert lab.ran() == {"clean": 1}


def test_accepted_code_can_be_accepted_on(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(-3)"))
    for code in (HARMLESS, CELLS.replace("abs(x)", "+abs(x)")):
        cells.run(code)
        accept(lab, cells["clean"])
        lab.ran()
        assert lab.run(cells.value("clean(-3)")) == 3
        assert lab.ran() == {}


def test_results_of_the_present_code_stay(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean(-3)"))
    cells.run(HARMLESS)
    lab.run(cells.value("clean(-7)"))
    accept(lab, cells["clean"])
    lab.ran()
    assert lab.run(cells.value("[clean(-3), clean(-7)]")) == [3, 7]
    assert lab.ran() == {}


def test_the_present_code_runs_in_processes(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("clean.options(executor='process')(3)"))
    cells.run(HARMLESS.replace('tick("clean")', 'tick("present")'))
    accept(lab, cells["clean"])
    lab.ran()
    with lab.session() as session:
        assert session.evaluate(cells.value("clean.options(executor='process')(-8)")) == 8
    assert lab.ran() == {"present": 1}


def test_only_tasks(lab: Lab, cells: Notebook) -> None:
    with lab.session() as session, pytest.raises(cg.ConfigError, match="takes a task"):
        session.accept(cells.value("clean(3)"))


def test_a_call_that_reduced_to_others(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("fit(-2)"))
    cells.run(CELLS.replace("clean(x) * 2", "2 * clean(x)"))
    lab.ran()
    assert accept(lab, cells["fit"]).checked == 1
    assert lab.ran() == {"fit": 1}
    assert lab.run(cells.value("fit(-2)")) == 4
    assert lab.ran() == {}
