"""`plan` counts what a run then does, and runs nothing; limits stop a run before it is too much."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import TICKS_VARIABLE, Lab, Notebook

import cellgraph as cg
from cellgraph.planning import Plan

CELLS = """
def clean(x):
    return x + 1

@cg.task
def fit(x):
    tick("fit")
    return clean(x)

@cg.task
def total(xs):
    tick("total")
    return sum(xs)

@cg.task
def grid(n):
    tick("grid")
    return total([fit(i) for i in range(n)])
"""


def planned(lab: Lab, expr: object) -> Plan:
    lab.ran()
    with lab.session() as session:
        found = session.plan(expr)
    assert lab.ran() == {}, "planning ran a task"
    return found


def counts(lab: Lab, expr: object) -> tuple[int, int]:
    """How many calls evaluating really reuses, and how many it starts."""
    with lab.session() as session:
        session.evaluate(expr)
        run = session.run_summaries(1)[0]
    return run.reused, run.executed + run.failed


@pytest.mark.parametrize(
    "expression",
    [
        "fit(1)",
        "[fit(i) for i in range(5)]",
        "[fit(0) + 1, fit(0), {'a': fit(7)}]",
        "cg.cond(fit(1) == 2, fit(3), fit(4))",
        "grid(3)",
        "total([fit(i) for i in range(3)])",
        "fit(fit(fit(1)))",
        "cg.control.map_(fit, total([1, 2]) + [3] if False else [1, 2, 3])",
        "cg.catch(fit('a'), TypeError, lambda error: 0)",
    ],
)
def test_an_exact_plan_is_what_the_run_does(lab: Lab, nb: Notebook, expression: str) -> None:
    nb.run(CELLS)
    before = planned(lab, nb.value(expression))
    if before.exact:
        assert counts(lab, nb.value(expression)) == (before.hits, before.runs)
    else:
        lab.run(nb.value(expression))
    warm = planned(lab, nb.value(expression))
    if "catch" not in expression:
        assert warm.exact and warm.runs == 0
        assert counts(lab, nb.value(expression)) == (warm.hits, 0)
    nb.run("def clean(x):\n    return x + 2")
    edited = planned(lab, nb.value(expression))
    reused, executed = counts(lab, nb.value(expression))
    if edited.exact:
        assert (edited.hits, edited.runs) == (reused, executed)
    assert edited.runs <= executed
    assert edited.runs + edited.unknown >= 1


def test_the_parts_of_a_plan(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lab.run(nb.value("[fit(i) for i in range(4)]"))
    found = planned(lab, nb.value("total([fit(i) for i in range(30)])"))

    assert (found.hits, found.runs, found.unknown, found.grows) == (4, 26, 1, False)
    assert not found.exact and found.seconds is not None and found.seconds >= 0
    rows = {t.task: t for t in found.tasks}
    assert (rows["fit"].hits, rows["fit"].runs) == (4, 26)
    assert rows["fit"].reason == "args > x changed"
    assert rows["total"].unknown == 1 and rows["total"].seconds is None
    assert "4 hits, 26 runs, 1 unknown" in repr(found)
    shown = found._repr_mimebundle_()  # pyright: ignore[reportPrivateUsage]  # IPython's protocol
    assert "<table" in shown["text/html"] and "args &gt; x changed" in shown["text/html"]


def test_a_call_that_may_make_calls_is_not_exact(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    found = planned(lab, nb.value("grid(3)"))
    assert (found.runs, found.grows, found.exact) == (1, True, False)
    assert "made on the way" in found.summary


def test_without_the_cache_everything_runs(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lab.run(nb.value("fit(1)"))
    with lab.session() as session:
        found = session.plan(nb.value("fit(1)"), cache=False)
    assert (found.hits, found.runs) == (0, 1)


def test_a_value_needs_nothing(lab: Lab) -> None:
    found = planned(lab, 7)
    assert (found.hits, found.runs, found.exact) == (0, 0, True)


PACKAGE = """
import cellgraph as cg
import whale

@cg.task
def f(x):
    return whale.double(x)

with cg.Session(store) as session:
    calls = [f(i) for i in range(25)]
    plan = session.plan(calls)
    print(plan.notices[0] if plan.notices else plan.runs)
    print(session.explain(calls).reason)
    session.evaluate(calls)
"""


def test_one_package_is_said_once(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site" / "site-packages"
    monkeypatch.setenv("PYTHONPATH", str(site))
    install(site, "whale", "1.0", "def double(x):\n    return 2 * x\n")
    assert lab.python(PACKAGE).splitlines() == ["25", "first run"]
    install(site, "whale", "2.0", "def double(x):\n    return 2 * x\n")
    notice, reason = lab.python(PACKAGE).splitlines()
    assert notice.startswith("package whale 1.0 -> 2.0: 25 results would be computed again")
    assert reason == "package whale 1.0 -> 2.0"


def install(site: Path, name: str, version: str, source: str, more: str = "") -> None:
    """Put a distribution of one module into a folder of packages."""
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{name}.py").write_text(source)
    for old in site.glob(f"{name}-*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{name}.py,,\n")
    (info / "top_level.txt").write_text(f"{name}\n")
    if more:
        (info / "entry_points.txt").write_text(more)


# --- limits ---------------------------------------------------------------------------------------

FAR = '''
from cellgraph_executors.thread import ThreadExecutor

class FarExecutor(ThreadExecutor):
    """Threads that say they are elsewhere."""

    remote = True
    cost_usd_per_hour = 3600.0
'''
LIMITED = """
import cellgraph as cg

def helper(x):
    return x + {constant}

@cg.task(executor="far")
def align(x):
    tick("align")
    time.sleep(0.001)
    return helper(x)

with cg.Session(store) as session:
    try:
        print(len(session.evaluate([align(i) for i in range({calls})]{limits})))
        print(session.plan([align(-1)]).remote_runs, session.plan([align(-1)]).cost_usd > 0)
    except cg.LimitError as error:
        print(error)
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[cellgraph.executors]\nfar = far_executor:FarExecutor\n"
    install(tmp_path / "far", "far_executor", "1.0", FAR, points)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "far"))


def limited(lab: Lab, calls: int, limits: str = "", constant: int = 1) -> str:
    return lab.python(LIMITED.format(calls=calls, limits=limits, constant=constant))


@pytest.mark.usefixtures("far")
def test_remote_calls_are_counted_before_they_start(lab: Lab) -> None:
    said = limited(lab, 5, ", max_remote_calls=4")
    assert said.startswith("5 align would run: first run") and "max_remote_calls=4" in said
    assert lab.ran() == {}
    assert limited(lab, 5, ", max_remote_calls=5").splitlines() == ["5", "1 True"]
    assert lab.ran() == {"align": 5}
    assert limited(lab, 5, ", max_remote_calls=0").splitlines()[0] == "5"  # all are hits
    # more than are looked up at once: still nothing starts
    said = limited(lab, 2505, ", max_remote_calls=2400")
    assert said.startswith("2,500 align would run") and lab.ran() == {}
    assert limited(lab, 1205, ", max_remote_calls=1200").splitlines()[0] == "1205"


@pytest.mark.usefixtures("far")
def test_the_cost_is_estimated_from_earlier_calls(lab: Lab) -> None:
    limited(lab, 5)
    said = limited(lab, 50, ", max_cost=0.05")
    assert "45 align would run" in said and "max_cost=0.05" in said and "$" in said
    assert lab.ran() == {"align": 5}


@pytest.mark.usefixtures("far")
def test_many_results_under_older_code_are_not_computed_again_by_surprise(lab: Lab) -> None:
    limited(lab, 101)
    said = limited(lab, 101, constant=2)
    assert "101 align would run: helper helper() line 2" in said and "older code" in said
    assert lab.ran() == {"align": 101}
    assert limited(lab, 101, ", max_remote_calls=101", constant=2).splitlines()[0] == "101"


def test_local_calls_are_free(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session:
        assert session.evaluate(nb.value("fit(1)"), max_cost=0, max_remote_calls=0) == 2


def test_a_wrong_limit_is_refused_at_once(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    with lab.session() as session:
        wrongs: list[dict[str, Any]] = [{"max_cost": -1}, {"max_remote_calls": "ten"}]
        for wrong in wrongs:
            with pytest.raises(cg.ConfigError, match="expected a number"):
                session.evaluate(nb.value("fit(1)"), **wrong)
    assert lab.ran() == {}


def test_a_limit_ends_the_run_also_when_failures_are_kept(
    lab: Lab, far: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "max_remote_calls=1" in limited(lab, 2, ", max_remote_calls=1, fail='keep'")


def test_the_module_keeps_its_verbs(tmp_path: Path) -> None:
    code = (
        "import cellgraph as cg; cg.configure(r'%s'); cg.plan(1); cg.explain([1]); "
        "print(cg.plan(1).exact, cg.explain([1]).verdict)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code % (tmp_path / "store")],
        capture_output=True,
        text=True,
        check=False,  # the assertion shows what it said
        env={**os.environ, TICKS_VARIABLE: ""},
    )
    assert done.stdout.split() == ["True", "HIT"], done.stderr
