"""From a notebook to a run: the same bytes each time, the whole cache hit, only what is new run."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellgraph.cli.app import run as command
from cellgraph.errors import ExportError
from cellgraph.exported.bundle import read_bundle
from cellgraph.session import Session
from cellgraph_notebook.export.reporting import export_file

CELLS = [
    "%load_ext cellgraph",
    "%%params\nfrom datetime import date\n\ndays: int = 3\nscheduled: date = date(2026, 1, 1)",
    "import math\n\nSCALE = 2.5",
    "def scaled(x):\n    # a comment\n    return SCALE * x",
    "%%task\n\ndef measure(day):\n    '''One day.'''\n    return math.sqrt(day)",
    "%%task --retries 2 --name total_of\n\ndef total(values):\n    return scaled(sum(values))",
    "result = total([measure(day) for day in range(days)])",
    "%evaluate result",
    "print('for a reader')",
]
VALUE = repr(2.5 * (0 + 1 + 2**0.5))


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code", "source": source, "metadata": {}, "outputs": [], "id": f"c{n}",
            "execution_count": n,
        }
        for n, source in enumerate(CELLS)
    ]  # fmt: skip
    path = tmp_path / "days.ipynb"
    whole: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole))
    return path


def exported(notebook: Path, folder: Path, *to: str, **how: Any) -> str:
    said: dict[str, Any] = {
        "name": "nightly",
        "target": "result",
        "cron": "0 6 * * *",
        "zone": "UTC",
        **how,
    }
    return export_file(notebook, folder, to=to or ("cli",), **said)


def executed(store: Path) -> list[int]:
    """How many calls each run executed, oldest first."""
    with Session(store) as session:
        summaries = sorted(session.run_summaries(), key=lambda run: run.started)
        return [run.executed for run in summaries]


def test_the_exported_run_finds_what_the_notebook_has_computed(
    notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = tmp_path / "store", tmp_path / "nightly.run"
    assert command(["run", str(notebook), "--store", str(store)]) == 0
    assert executed(store) == [4]
    assert "cells that run: 2, 3, 4, 5, 6, 7" in exported(notebook, folder)
    capsys.readouterr()
    assert command(["run", str(folder), "--store", str(store), "--plan"]) == 0
    assert "0 run" in capsys.readouterr().out
    assert command(["run", str(folder), "--store", str(store)]) == 0
    assert capsys.readouterr().out.strip() == VALUE
    assert executed(store) == [4, 0]
    # The second day runs what the new day needs: one measurement, and the total.
    assert command(["run", str(folder), "--store", str(store), "--param", "days=4"]) == 0
    assert executed(store) == [4, 0, 2]


def test_the_flow_runs_by_itself_and_reads_like_a_program(notebook: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nightly.run"
    exported(notebook, folder)
    text = (folder / "flow.py").read_text()
    assert "@cg.task(retries=2, name='total_of')\ndef total(values):" in text
    assert "# a comment" in text
    assert "%" not in text.replace("# %%", "")
    ast.parse(text)
    done = subprocess.run(
        [sys.executable, "flow.py"], cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "CELLGRAPH_STORE": str(tmp_path / "other")},
    )  # fmt: skip
    assert done.stdout.strip() == VALUE


def test_equal_notebooks_give_equal_bytes_wherever_they_are(notebook: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    raw = json.loads(notebook.read_text())
    for cell in raw["cells"]:  # it was run meanwhile, and saved by another program
        cell["execution_count"] = 17
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"]["collapsed"] = True
    (other / "days.ipynb").write_text(json.dumps(raw, indent=3))
    to = ("cli", "cron", "github", "airflow")
    exported(notebook, tmp_path / "a.run", *to)
    exported(other / "days.ipynb", other / "b.run", *to)
    a, b = read_bundle(tmp_path / "a.run"), read_bundle(other / "b.run")
    assert a.files == b.files
    assert a.id == b.id
    assert {"crontab.txt", "workflow.yml", "dag.py"} < set(a.files)


def test_exporting_again_leaves_nothing_of_the_earlier_export(
    notebook: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "nightly.run"
    exported(notebook, folder, "cron")
    (folder / "mine.txt").write_text("kept")
    exported(notebook, folder, "cli")
    assert not (folder / "crontab.txt").exists()
    assert (folder / "mine.txt").exists()


def test_the_scheduled_time_is_a_parameter(
    notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, store = tmp_path / "nightly.run", tmp_path / "store"
    exported(notebook, folder, target="str(scheduled)")
    run = ["run", str(folder), "--store", str(store)]
    assert command([*run, "--param", "scheduled=2026-03-01"]) == 0
    assert "2026-03-01" in capsys.readouterr().out
    assert command(run) == 0
    assert "2026-01-01" not in capsys.readouterr().out  # the default gives way to the time


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--param", "dayz=3"], "no parameter 'dayz'; did you mean 'days'?"),
        (["--param", "days=many"], "parameter days='many': expected int"),
        (["result"], "a bundle has its own target"),
    ],
)
def test_wrong_use_of_a_bundle_is_one_error(
    notebook: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    exported(notebook, tmp_path / "nightly.run")
    assert command(["run", str(tmp_path / "nightly.run"), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_bundle_that_was_edited_is_refused(
    notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nightly.run"
    exported(notebook, folder)
    flow = folder / "flow.py"
    flow.write_text(flow.read_text().replace("2.5", "3.5"))
    assert command(["run", str(folder)]) == 1
    assert "was changed after the export" in capsys.readouterr().err


def test_a_run_that_is_not_due_does_nothing(notebook: Path, tmp_path: Path) -> None:
    folder, store = tmp_path / "nightly.run", tmp_path / "store"
    exported(notebook, folder, cron="* * * * *")
    once = ["run", str(folder), "--store", str(store), "--if-due"]
    assert command(once) == 0
    assert executed(store) == [4]
    exported(notebook, folder, cron="0 0 29 2 *")
    assert command(once) == 0
    assert executed(store) == [4]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"to": ("crom",)}, "--to crom: no such target; did you mean 'cron'?"),
        ({"to": ("cron",), "cron": ""}, "cron needs --schedule"),
        ({"to": ("github",), "zone": "Europe/Berlin"}, "its schedules are in UTC"),
        ({"name": "a b"}, "is no name for a run"),
        ({"target": "resutl"}, "did you mean 'result'?"),
    ],
)
def test_a_wrong_export_is_one_error_and_writes_nothing(
    notebook: Path, tmp_path: Path, how: dict[str, Any], said: str
) -> None:
    folder, asked = tmp_path / "nightly.run", dict(how)
    to = asked.pop("to", ("cli",))
    with pytest.raises(ExportError) as caught:
        exported(notebook, folder, *to, **asked)
    assert said in str(caught.value)
    assert not folder.exists()


def test_the_command_tells_what_it_made(
    notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(notebook), "--target", "result", "--schedule", "0 6 * * 1-5"]
    assert command([*arguments, "--tz", "Europe/Berlin", "--to", "cron"]) == 0
    out = capsys.readouterr().out
    assert "cell 9 stays out: it only shows something" in out
    assert "parameter days: int = 3" in out
    assert "due at 0 6 * * 1-5 Europe/Berlin; the next times:" in out
    assert "--if-due" in out
    assert read_bundle(tmp_path / "days.run").spec.name == "days"


def test_the_line_for_cron_begins_in_the_folder_of_the_notebook(
    notebook: Path, tmp_path: Path
) -> None:
    """Cron starts it at home: settings and relative paths are the project's all the same."""
    place = tmp_path / "a 100% project"
    place.mkdir()
    (place / "cellgraph.toml").write_text('store = "kept"\n')
    (place / "n.txt").write_text("4")
    moved = notebook.rename(place / notebook.name)
    target = "total([measure(day) for day in range(int(open('n.txt').read()))])"
    said = exported(moved, tmp_path / "nightly.run", "cron", cron="* * * * *", target=target)
    line = next(line for line in said.splitlines() if line.startswith("* * * * * "))
    text = (tmp_path / "nightly.run" / "crontab.txt").read_text()
    assert "cd PLACE && cellgraph run FOLDER --if-due\n" in text
    assert re.search(r"(?<!\\)%", line) is None
    home = tmp_path / "home"
    home.mkdir()
    as_cron_does = line.removeprefix("* * * * * ").replace(r"\%", "%")
    # what is remembered of sources is a cache of the user's, wherever the run is
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        ["/bin/sh", "-c", as_cron_does], cwd=home, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == repr(2.5 * (0 + 1 + 2**0.5 + 3**0.5))
    assert executed(place / "kept") == [5]
    assert list(home.iterdir()) == []


def test_a_lock_has_the_versions_of_the_project(notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(
        'version = 1\n[[package]]\nname = "pandas"\nversion = "2.0.1"\n'
        '[[package]]\nname = "not-installed"\nversion = "1"\n'
    )
    (tmp_path / "cellgraph.toml").touch()
    exported(notebook, tmp_path / "nightly.run")
    lines = (tmp_path / "nightly.run" / "lock.txt").read_text().splitlines()
    assert "pandas==2.0.1" in lines
    assert any(line.startswith("numpy==") for line in lines)
    assert not any(line.startswith("not-installed") for line in lines)
