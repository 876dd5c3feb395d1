"""From a notebook to a schedule of EventBridge, to a job of Batch, to a report in the bucket."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.notebook_ext.export.support.nightly import write_notebook

import cellgraph as cg
from cellgraph.cli.app import run as command
from cellgraph.errors import ExportError
from cellgraph.pages import PROMISE
from cellgraph.scheduled.again import job_again
from cellgraph.scheduled.reporter import report_of
from cellgraph.stores.trusted import VARIABLE as TRUSTED
from cellgraph.testing.executor_lab import eventually

pytestmark = pytest.mark.aws

CELLS = [
    "%load_ext cellgraph",
    (
        "%%params\nfrom datetime import datetime\n\ndays: int = 3\n"
        "scheduled: datetime = datetime(2026, 1, 1)"
    ),
    "%%task\n\ndef measure(day):\n    return day * 10",
    "%%task\n\ndef total(values, at):\n    return f'{sum(values)} at {at:%H:%M}'",
    "result = total([measure(day) for day in range(days)], scheduled)",
]


def test_a_schedule_is_made_fires_and_its_run_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    notebook = write_notebook(tmp_path / "days.ipynb", CELLS)
    export = [
        "export", str(notebook), "--target", "result", "--name", "nightly", "--to", "eventbridge",
        "--schedule", "0 6 * * 1-5", "--tz", "Europe/Berlin",
    ]  # fmt: skip
    with cg.sandbox(vcpus=4) as box:
        scheduler = box.client("scheduler")
        assert command([*export, "--apply"]) == 1
        assert "the store is on this machine" in capsys.readouterr().err
        _configure(tmp_path, box.store, {**box.batch, "poll_s": 0.2})
        assert command([*export, "--apply"]) == 1
        assert "needs scheduler_role=" in capsys.readouterr().err
        _configure(tmp_path, box.store, {**box.batch, "poll_s": 0.2, "scheduler_role": ROLE})

        # what the notebook has computed is there before the first scheduled run
        with cg.Session() as session:
            assert command(["run", str(notebook), "[measure(day) for day in range(days)]"]) == 0
            assert session.run_summaries()[0].executed == 3

        # without --apply nothing is created
        box.forget_requests()
        assert command(export) == 0
        said = capsys.readouterr().out
        assert "cron(0 6 ? * 2-6 *) Europe/Berlin; fires" in said
        assert said.splitlines()[-1].startswith("nothing was created; with --apply it is")
        assert not [a for service, a in box.requests if service in ("scheduler", "batch")]

        assert command([*export, "--apply"]) == 0
        said = capsys.readouterr().out
        assert "schedule nightly is created" in said and "nothing was created" not in said
        assert command([*export, "--apply"]) == 0
        assert "schedule nightly is as it was" in capsys.readouterr().out
        made = scheduler.get_schedule(Name="nightly")
        assert made["ScheduleExpression"] == "cron(0 6 ? * 2-6 *)"
        assert made["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert made["Target"]["RoleArn"] == ROLE
        said = json.loads(made["Target"]["Input"])
        assert said["JobName"] == "cellgraph-nightly"

        answer = box.fire("nightly", now=datetime(2026, 12, 1, 5, tzinfo=UTC))
        assert "30 at 06:00" in _printed(box, answer["jobId"])
        with cg.Session() as session:
            run = session.run_summaries()[0]
            assert run.scheduled is not None
            assert run.scheduled.due == datetime(2026, 12, 1, 5, tzinfo=UTC).timestamp()
            assert (run.executed, run.reused) == (1, 3)  # the first scheduled run starts warm
            assert session.get_run(run.id).result() == "30 at 06:00"
            page = report_of(session, run, ".html")
            assert page.startswith(PROMISE)
            assert "due Tue 2026-12-01 06:00:00 CET" in page and "30 at 06:00" in page

        # on another machine, whose user does not trust the bucket, its code does not run
        with monkeypatch.context() as patch:
            patch.delenv(TRUSTED)
            patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
            with cg.Session() as session, pytest.raises(ExportError, match="cellgraph trust s3://"):
                job_again(session, run, tmp_path / "again")

        # exported anew it is updated, and goes when it is told to
        assert command([*export, "--tz", "Europe/Rome", "--apply"]) == 0
        assert "schedule nightly is updated" in capsys.readouterr().out
        assert scheduler.get_schedule(Name="nightly")["ScheduleExpressionTimezone"] == "Europe/Rome"
        assert command(["aws", "schedules"]) == 0
        assert "nightly  cron(0 6 ? * 2-6 *) Europe/Rome" in capsys.readouterr().out
        assert command(["aws", "unschedule", "nightly"]) == 0
        assert scheduler.list_schedules()["Schedules"] == []
        assert command(["aws", "unschedule", "nightly"]) == 1
        assert "no schedule 'nightly'" in capsys.readouterr().err


ROLE = "arn:aws:iam::123456789012:role/scheduler"


def _configure(folder: Path, store: str, batch: dict[str, Any]) -> None:
    section = "\n".join(f"{name} = {json.dumps(value)}" for name, value in batch.items())
    text = f'store = "{store}"\n\n[executors.batch]\n{section}\n'
    (folder / "cellgraph.toml").write_text(text)


@pytest.mark.slow
def test_of_two_jobs_of_one_run_the_later_one_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    waits = (
        "import time\nfrom pathlib import Path\n\n"
        f"folder = Path(str({str(tmp_path)!r}))\n(folder / 'begun').touch()\n"
        "while not (folder / 'open').exists():\n    time.sleep(0.05)"
    )
    notebook = write_notebook(tmp_path / "waits.ipynb", [waits, "result = (folder.name, time)[0]"])
    with cg.sandbox(vcpus=4) as box:
        _configure(tmp_path, box.store, {**box.batch, "scheduler_role": ROLE})
        export = ["export", str(notebook), "--target", "result", "--name", "waits"]
        assert command([*export, "--to", "eventbridge", "--schedule", "0 6 * * *", "--apply"]) == 0
        first = box.fire("waits")["jobId"]
        eventually((tmp_path / "begun").exists, 120)
        assert "goes on: skipped" in _printed(box, box.fire("waits")["jobId"])
        (tmp_path / "open").touch()
        assert tmp_path.name in _printed(box, first)


def _printed(box: Any, job_id: str) -> str:
    """What a job that succeeds has printed at its end."""

    def job() -> dict[str, Any]:
        (found,) = box.client("batch").describe_jobs(jobs=[job_id])["jobs"]
        return dict(found)

    eventually(lambda: job()["status"] in ("SUCCEEDED", "FAILED"), 120)
    ended = job()
    said = _log(box, ended)
    assert ended["status"] == "SUCCEEDED", said
    return said


def _log(box: Any, job: dict[str, Any]) -> str:
    stream = job["container"]["logStreamName"]
    events = box.client("logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True
    )["events"]
    return "\n".join(event["message"] for event in events)
