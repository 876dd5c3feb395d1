"""`%runs`: one run's report, graph and value, and the same once more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from IPython.utils.capture import capture_output
from tests.notebook_ext.export.support.nightly import Nightly
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook

from cellgraph.cli.app import run as command


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        yield lab


def shown(lab: ShellLab, cell: str) -> dict[str, str]:
    with capture_output() as said:
        lab.shell.run_cell(cell)
    (output,) = cast("list[Any]", said.outputs)
    return cast("dict[str, str]", output.data)


def test_a_run_is_opened(lab: ShellLab) -> None:
    lab.ok("%evaluate total([double(i) for i in range(3)])")
    run = lab.ok("%runs").value.rows[0][0]
    assert lab.ok(f"%runs {run} --value").value == 6
    graph = shown(lab, f"%runs --graph {run}")
    assert "double" in graph["image/svg+xml"] and "total" in graph["image/svg+xml"]
    assert graph["text/plain"].startswith("total(double(…) ×3) · done")
    report = shown(lab, f"%runs {run} --report")["text/html"]
    assert report.count('<iframe sandbox="" ') == 2  # one of them is shown, as the host's theme is
    assert "Content-Security-Policy" in report and "<h1>" not in report  # it is inside, quoted
    assert lab.ok(f"%runs {run} --save page.html").out == "page.html is the report\n"
    assert "total" in (lab.folder / "page.html").read_text()
    assert "left no executed notebook" in lab.run(f"%runs {run} --save a.ipynb").red_line
    assert "no run 'zz'" in lab.run("%runs zz --report").red_line
    assert "of one run" in lab.run("%runs --report").red_line


def test_a_run_of_this_kernel_is_run_again_by_its_id(lab: ShellLab) -> None:
    lab.ok("%evaluate [double(1), double(2)]")
    run = lab.ok("%runs").value.rows[0][0]
    lab.ticks()
    assert lab.ok(f"%runs again {run}").value == [2, 4]
    assert lab.ticks() == []


def test_last_nights_run_is_listed_and_its_failed_part_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook shares the store with what ran on a schedule."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CELLGRAPH_STORE", str(tmp_path / "store"))
    nightly = Nightly(tmp_path)
    nightly.export()
    assert command([*nightly.command, "--at", "2026-03-01T06:00Z"]) == 1
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        (row,) = lab.ok("%runs").value.rows
        assert row[2] == "failed"
        assert row[-1].startswith("nightly, due Mar 01 ")
        assert "no rows for" in str(lab.run(f"%runs again {row[0]}").error)
        nightly.open()
        assert lab.ok(f"%runs again {row[0]}").value == 30
        newest = lab.ok("%runs").value.rows[0]
        assert newest[4:6] == ("2", "3")  # the gate, which always runs, and what failed
        assert lab.ok(f"%runs {newest[0]} --value").value == 30
        diff = lab.ok(f"%runs {row[0]} {newest[0]}").value
        assert {task[0] for task in diff.rows} == {"measure", "gate", "total"}


def test_a_failed_call_is_looked_into_with_its_inputs_and_that_nights_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CELLGRAPH_STORE", str(tmp_path / "store"))
    nightly = Nightly(tmp_path)
    nightly.export()
    assert command(nightly.command) == 1
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        run = lab.ok("%runs").value.rows[0][0]
        assert "no task total in this notebook" in lab.run(f"%debug_task {run}").red_line
        told = lab.run(f"%debug_task {run} --recorded")
        assert isinstance(told.error, ValueError) and "no rows for" in str(told.error)
        assert "total(list of 3, date, False) · as in call " in told.out
        assert "raise ValueError" in told.out  # the line of that night's code
        lab.ok("%%task\ndef total(values, scheduled, opened):\n    return max(values)")
        assert lab.ok(f"%debug_task {run}").value == 20
        lab.ok("%%task\ndef fails(x):\n    return 1 / x")
        lab.run("%evaluate fails(0)")
        own = lab.ok("%runs").value.rows[0][0]
        assert isinstance(lab.run(f"%debug_task {own}").error, ZeroDivisionError)
        assert "of no exported run" in lab.run(f"%debug_task {own} --recorded").red_line
        assert "on record as failed" in _of_a_good_run(lab).red_line


def _of_a_good_run(lab: ShellLab) -> Any:
    lab.ok("%evaluate fails(1)")
    return lab.run(f"%debug_task {lab.ok('%runs').value.rows[0][0]}")
