"""The main job on real data: `cellgraph demo`, as a user runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellgraph.cli import notebooks
from cellgraph.cli.demo import quickstart
from cellgraph.provenance import RunSummary
from cellgraph.session import Session

FITS = 160
QUICKSTART = Path(__file__).parents[2] / "examples" / "notebooks" / "01_quickstart.ipynb"
KEPT_FITS = 80  # windows that hold none of the months that the edited helper fills otherwise


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo's folder and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "out"
    run = subprocess.run(
        [sys.executable, "-m", "cellgraph.cli", "demo", "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return out, run.stdout


def evaluations(out: Path) -> list[RunSummary]:
    """The three evaluations of the whole analysis, in order."""
    with Session(out / "store") as session:
        runs = sorted(session.run_summaries(), key=lambda run: run.started)
    cells = [cell for cell in read(out / "1-first.ipynb") if "%evaluate study" in source(cell)]
    studies = [run for run in runs if run.label.startswith("report(")]
    assert cells
    assert len(studies) == 3 * len(cells)
    return studies[:: len(cells)]


def read(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
    return cells


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def counts(run: RunSummary) -> dict[str, tuple[int, int]]:
    """Task -> calls that ran, calls that were reused."""
    return {share.name: (share.executed, share.reused) for share in run.tasks}


@pytest.mark.timeout(600)
def test_the_first_run_does_everything(demo: tuple[Path, str]) -> None:
    first = evaluations(demo[0])[0]
    assert first.status == "done"
    assert first.failed == first.reused == 0
    assert counts(first)["fit"] == (FITS, 0)
    assert counts(first)["curve"] == (8, 0)


@pytest.mark.timeout(600)
def test_the_second_run_does_nothing(demo: tuple[Path, str]) -> None:
    again = evaluations(demo[0])[1]
    assert again.status == "done"
    assert again.executed == 0
    assert again.reused > 0


@pytest.mark.timeout(600)
def test_after_the_edit_only_what_depends_on_it_runs(demo: tuple[Path, str]) -> None:
    edited = counts(evaluations(demo[0])[2])
    assert edited["clean"] == (1, 0)
    assert edited["fit"] == (FITS - KEPT_FITS, KEPT_FITS)
    assert edited["curve"][0] == edited["load"][0] == 0


@pytest.mark.timeout(600)
def test_its_cache_hits_wholly_under_another_user_home_and_folder(
    demo: tuple[Path, str], tmp_path: Path
) -> None:
    folder, home, temporary = (tmp_path / name for name in ("their project", "home", "scratch"))
    for made in (folder, home, temporary):
        made.mkdir()
    shutil.copytree(demo[0] / "store", folder / ".cellgraph")
    notebook = folder / "renamed.ipynb"
    notebooks.write(quickstart.load().plain, notebook)
    someone = {"USER": "ada", "LOGNAME": "ada", "HOME": str(home), "TMPDIR": str(temporary)}
    run = subprocess.run(
        [sys.executable, "-m", "cellgraph.cli", "run", str(notebook)],
        cwd=folder,
        env={**os.environ, **someone, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    with Session(folder / ".cellgraph") as session:
        runs = sorted(session.run_summaries(), key=lambda run: run.started)
    with Session(demo[0] / "store") as session:
        earlier = {run.id for run in session.run_summaries()}
    theirs = [run for run in runs if run.id not in earlier]
    assert any(run.label.startswith("report(") for run in theirs)
    assert [(run.label, run.executed, run.failed) for run in theirs if run.executed] == []
    assert all(run.reused for run in theirs)


@pytest.mark.timeout(600)
def test_nbval_runs_the_notebook_in_the_same_cache(demo: tuple[Path, str]) -> None:
    """`make test` leaves it out among the other notebooks: its fits would run once more."""
    with Session(demo[0] / "store") as session:
        before = {run.id for run in session.run_summaries()}
    command = ["-p", "nbval", "--nbval-lax", str(QUICKSTART), "-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *command],
        cwd=demo[0],
        env={**os.environ, "CELLGRAPH_STORE": str(demo[0] / "store")},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    with Session(demo[0] / "store") as session:
        new = [run for run in session.run_summaries() if run.id not in before]
    assert new
    assert [(run.label, run.executed) for run in new if run.executed] == []


@pytest.mark.timeout(600)
def test_it_names_the_helper_and_the_line(demo: tuple[Path, str]) -> None:
    printed = demo[1]
    assert re.search(r"clean .*fill_gaps\(\) line 3", printed)
    assert "ran nothing" in printed
    assert f"fit ×{FITS}" in printed
    assert "report.html" in printed


@pytest.mark.timeout(600)
def test_the_report_stands_alone(demo: tuple[Path, str]) -> None:
    text = (demo[0] / "report.html").read_text("utf-8")
    assert text.count("data:image/svg+xml;base64,") >= 2
    assert "data:image/png;base64," in text
    assert "fill_gaps() line 3" in text
    assert "$" not in re.sub(r"base64,[^\"]*", "", text), "a placeholder was left"
    addresses = re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']+", text)
    assert addresses == []


def test_the_edit_is_one_line_of_the_notebook() -> None:
    diff = quickstart.load().diff()
    assert [line[0] for line in diff if line[0] != " "] == ["-", "+"]
    assert diff[-1].startswith("+")
    assert diff[0] == "  def fill_gaps(months):"
