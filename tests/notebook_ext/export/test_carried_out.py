"""An exported run on its own: tried again, ended in time, killed, told of, made up for."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.notebook_ext.export.support.nightly import Nightly, webhook, write_notebook

from cellgraph.cli.app import run as command
from cellgraph.errors import ExportError
from cellgraph.session import Session


def test_whoever_is_to_be_told_hears_of_a_failure_and_of_its_end(nightly: Nightly) -> None:
    with webhook() as (address, heard):
        nightly.export(alert=address, retries=1)
        assert command([*nightly.command, "--at", "2026-03-01T06:00"]) == 1
        assert command([*nightly.command, "--at", "2026-03-02T06:00"]) == 1
        nightly.open()
        assert command([*nightly.command, "--at", "2026-03-02T06:00"]) == 0
        assert command([*nightly.command, "--at", "2026-03-03T06:00"]) == 0
    assert [(a["status"], a["due"], a["attempt"]) for a in heard] == [
        ("failed", "2026-03-01T06:00:00+00:00", 2),
        ("failed", "2026-03-02T06:00:00+00:00", 2),
        ("recovered", "2026-03-02T06:00:00+00:00", 1),
    ]
    assert heard[0]["error"] == "total failed: ValueError: no rows for <i>today</i>"
    runs = nightly.runs()
    assert [r.scheduled.attempt for r in runs if r.scheduled] == [1, 2, 1, 2, 1, 1]
    # each attempt after the first does what failed, and what always runs, and nothing else
    assert [r.executed for r in runs] == [4, 1, 1, 1, 2, 2]
    assert heard[0]["run"] == runs[1].id


def test_a_command_is_told_on_its_standard_input(
    nightly: Nightly, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.export(alert="env:WHOM")
    assert command(nightly.command) == 1
    assert "nobody was alerted: the variable WHOM is not set" in capsys.readouterr().err
    monkeypatch.setenv("WHOM", "tee heard.json")
    assert command(nightly.command) == 1
    assert '"status": "failed"' in (nightly.folder / "heard.json").read_text()
    monkeypatch.setenv("WHOM", "false")
    assert command(nightly.command) == 1
    assert "nobody was alerted: the command ended with 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", "looks like a key"),
        ("https://example.org/?token=abc", "looks like a key"),
        ("env:not a name", "a variable's name"),
        ("mail 'unclosed", "is no command"),
    ],
)
def test_a_bundle_holds_no_key(nightly: Nightly, target: str, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        nightly.export(alert=target)
    assert not nightly.bundle.exists()


def test_an_attempt_ends_in_time_and_so_does_code_of_the_flow(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = ["import time", "for _ in range(600):\n    time.sleep(0.1)", "result = 1"]
    write_notebook(nightly.notebook, cells)
    nightly.export(timeout_s=0.5, target="(result, time, _)")
    assert command(nightly.command) == 1
    assert "not over after 0.5 s" in capsys.readouterr().err
    (run,) = nightly.runs()
    assert run.status == "failed"
    assert "not over after 0.5 s" in run.errors[0]


def test_an_evaluation_that_takes_too_long_is_on_record_as_failed(nightly: Nightly) -> None:
    cells = [
        "import time\nfrom pathlib import Path",
        (
            "%%task\n\ndef wait(folder):\n    for _ in range(30):\n"
            "        if (Path(folder) / 'open').exists():\n            return 1\n"
            "        time.sleep(0.1)\n    raise ValueError('closed')"
        ),
        f"result = wait({str(nightly.folder)!r})",
    ]
    write_notebook(nightly.notebook, cells)
    with webhook() as (address, heard):
        nightly.export(alert=address, timeout_s=0.7)
        assert command([*nightly.command, "--at", "2026-03-01T06:00"]) == 1
        nightly.open()
        assert command([*nightly.command, "--at", "2026-03-02T06:00"]) == 0
    ended, _ = nightly.runs()
    assert ended.status == "failed" and ended.label.startswith("wait(")
    assert "not over after 0.7 s" in ended.errors[0]
    assert ended.scheduled is not None
    assert [(a["status"], a["run"] == ended.id) for a in heard] == [
        ("failed", True), ("recovered", False),
    ]  # fmt: skip
    assert len(list((nightly.store / "reports").glob("*.html"))) == 2


def test_whoever_is_to_be_told_hears_of_a_store_that_cannot_be_opened(nightly: Nightly) -> None:
    nightly.store.write_text("no store")
    with webhook() as (address, heard):
        nightly.export(alert=address)
        assert command(nightly.command) == 1
    assert [(a["status"], a["run"]) for a in heard] == [("failed", "")]


def test_a_cell_that_leaves_has_failed(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(nightly.notebook, ["import sys", "sys.exit(0)\nx = 1"])
    nightly.export(target="x")
    assert command(nightly.command) == 1
    assert "cell 2 failed: SystemExit: 0" in capsys.readouterr().err
    (run,) = nightly.runs()
    assert run.status == "failed"


def test_a_fault_that_is_no_error_of_ours_is_on_record(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(session: Session, expr: object) -> object:
        raise RuntimeError(f"a fault of a package {type(expr).__name__}")

    monkeypatch.setattr(Session, "evaluate", evaluate)
    nightly.export()
    assert command(nightly.command) == 1
    (run,) = nightly.runs()
    assert "result failed: RuntimeError: a fault of a package" in run.errors[0]


def test_code_of_the_flow_that_fails_is_told_by_its_cell(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(nightly.notebook, ["x = 1", "y = [x][3]"])
    nightly.export(target="y")
    assert command(nightly.command) == 1
    err = capsys.readouterr().err
    assert "cell 2 failed: IndexError: list index out of range" in err
    assert "y = [x][3]" in err
    (run,) = nightly.runs()
    assert run.scheduled is not None and run.errors[0].startswith("cell 2 failed: IndexError")


def test_a_span_is_made_up_for_and_costs_nothing_twice(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly.open()
    nightly.export(alert="false")
    fill = ["backfill", str(nightly.bundle), "--store", str(nightly.store)]
    assert command([*fill, "2026-02-27..2026-03-02"]) == 0
    runs = nightly.runs()
    assert [dict(r.scheduled.parameters)["scheduled"] for r in runs if r.scheduled] == [
        "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02",
    ]  # fmt: skip
    assert [r.executed for r in runs] == [5, 2, 2, 2]
    assert "4 times, 0 failed" in capsys.readouterr().out
    assert command([*fill, "2026-02-27..2026-02-28"]) == 0
    assert [r.executed for r in nightly.runs()[4:]] == [1, 1]  # gate alone, which always runs
    # a time that fails does not keep the others from being filled
    nightly.open(yes=False)
    assert command([*fill, "2026-03-03T06:00..2026-03-04T06:00"]) == 1
    out = capsys.readouterr().out
    assert "2 times, 2 failed" in out and "alerted" not in out


@pytest.mark.alone
def test_a_run_killed_half_way_is_told_of_and_goes_on(nightly: Nightly) -> None:
    """Killed while `total` waits; the look after that runs what the killed one had not finished."""
    cells = [
        "import time\nfrom pathlib import Path",
        "%%task\n\ndef measure(day):\n    return day * 10",
        (
            "%%task\n\ndef total(values, folder):\n    (Path(folder) / 'begun').touch()\n"
            "    while not (Path(folder) / 'open').exists():\n        time.sleep(0.05)\n"
            "    return sum(values)"
        ),
        f"result = total([measure(day) for day in range(4)], {str(nightly.folder)!r})",
    ]
    write_notebook(nightly.notebook, cells)
    with webhook() as (address, heard):
        nightly.export(alert=address, cron="* * * * *")
        command_line = [sys.executable, "-m", "cellgraph.cli", *nightly.command, "--if-due"]
        killed = subprocess.Popen(command_line, env=dict(os.environ))
        _until(nightly.folder / "begun")
        assert command([*nightly.command, "--if-due"]) == 0  # skipped: one goes on
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert nightly.runs() == []
        nightly.open()
        assert command([*nightly.command, "--if-due"]) == 0
    assert [a["status"] for a in heard] == ["failed", "recovered"]
    assert "was killed" in heard[0]["error"]
    lost, done = nightly.runs()
    assert (lost.status, lost.id) == ("failed", heard[0]["run"])
    assert (done.executed, done.reused) == (1, 4)
    assert lost.scheduled is not None and 0 < time.time() - lost.scheduled.due < 3600
    assert datetime.fromtimestamp(lost.scheduled.due, UTC).second == 0


def _until(path: Path) -> None:
    for _ in range(1200):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")
