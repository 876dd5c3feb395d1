"""Runs of Glue jobs are real: what the script is told, how it ends, and what is said of it."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
)
from tests.executors.sandbox.support.glue_lab import GlueLab

pytestmark = pytest.mark.aws

WAITS = """
import sys, time
from pathlib import Path
gate = Path(sys.argv[sys.argv.index("--gate") + 1])
print("begun", flush=True)
while not gate.exists():
    time.sleep(0.01)
"""


def test_a_script_is_told_its_arguments_and_writes_two_logs(glue: GlueLab) -> None:
    job = glue.job(
        "import sys\nprint(sys.argv[1:])\nprint('to stderr', file=sys.stderr)",
        DefaultArguments={"--color": "red", "--size": "1", "--enable-metrics": "true"},
    )
    seen = glue.run(job, {"--size": "2", "--extra-files": glue.put("f.txt", "x")})
    assert seen["JobRunState"] == "SUCCEEDED"
    told = (
        f"['--job-bookmark-option', 'job-bookmark-disable', '--color', 'red', '--size', '2', "
        f"'--JOB_ID', 'j_{job}', '--JOB_RUN_ID', '{seen['Id']}', '--JOB_NAME', '{job}']"
    )
    assert glue.printed(seen["Id"]) == [told]
    assert glue.printed(seen["Id"], errors=True)[-1] == "to stderr"
    assert seen["Arguments"]["--color"] == "red" and seen["Arguments"]["--size"] == "2"
    assert seen["StartedOn"] <= seen["CompletedOn"] and seen["LogGroupName"] == "/aws-glue/jobs"
    assert (seen["MaxCapacity"], seen["NumberOfWorkers"], seen["Attempt"]) == (2.0, 2, 0)
    assert "DPUSeconds" not in seen and "ErrorMessage" not in seen


def test_files_and_modules_come_from_the_bucket(glue: GlueLab) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("packed/__init__.py", "VALUE = 'from a zip'")
    job = glue.job(
        "import single, packed; print(single.VALUE, packed.VALUE, open('table.csv').read())"
    )
    seen = glue.run(
        job,
        {
            "--extra-py-files": ",".join(
                [glue.put("single.py", "VALUE = 'alone'"), glue.put("p.zip", archive.getvalue())]
            ),
            "--extra-files": glue.put("table.csv", "a,b"),
            "--additional-python-modules": "numpy==2.0,no-such-module",
        },
    )
    assert glue.printed(seen["Id"]) == ["alone from a zip a,b"]
    said = glue.printed(seen["Id"], errors=True)
    assert (
        "[sandbox: modules are this interpreter's; asked for: numpy==2.0, no-such-module]" in said
    )


def test_the_exception_of_a_script_is_the_error_message(glue: GlueLab) -> None:
    seen = glue.run(glue.job("print('so far')\nraise ValueError('no rows in 1')"))
    assert (seen["JobRunState"], seen["ErrorMessage"]) == ("FAILED", "ValueError: no rows in 1")
    assert glue.printed(seen["Id"]) == ["so far"]
    killed = glue.run(glue.job("import os; os._exit(3)"))
    assert killed["ErrorMessage"] == "Command failed with exit code 3"


def test_a_script_that_is_not_there_is_a_launch_error(glue: GlueLab) -> None:
    job = glue.job(Command={"Name": "glueetl", "ScriptLocation": "s3://nowhere-at-all/x.py"})
    seen = glue.run(job)
    assert seen["JobRunState"] == "FAILED" and seen["ExecutionTime"] == 0
    assert seen["ErrorMessage"].startswith("LAUNCH ERROR | File s3://nowhere-at-all/x.py does not")


def test_the_log_is_read_while_it_runs_and_dpus_are_counted_for_flex(
    glue: GlueLab, tmp_path: Path
) -> None:
    job = glue.job(WAITS, ExecutionClass="FLEX")
    run = glue.start(job, {"--gate": str(tmp_path / "gate")})
    assert glue.until(job, run, {"RUNNING"})["JobRunState"] == "RUNNING"
    while not glue.printed(run):
        time.sleep(0.01)
    assert "DPUSeconds" not in glue.look(job, run)
    (tmp_path / "gate").touch()
    seen = glue.until(job, run, {"SUCCEEDED"})
    took_s = (seen["CompletedOn"] - seen["StartedOn"]).total_seconds()
    assert 0 < seen["DPUSeconds"] <= 2 * took_s
    assert seen["ExecutionTime"] == int(seen["DPUSeconds"] / 2)


def test_more_runs_than_allowed_are_refused_or_wait_in_order(glue: GlueLab, tmp_path: Path) -> None:
    job = glue.job(WAITS, ExecutionProperty={"MaxConcurrentRuns": 2})
    gate = {"--gate": str(tmp_path / "gate")}
    running = [glue.start(job, gate), glue.start(job, gate)]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        glue.start(job, gate)
    waiting = glue.start(job, gate, JobRunQueuingEnabled=True)
    stopped = glue.start(job, gate, JobRunQueuingEnabled=True)
    seen = glue.look(job, waiting)
    assert seen["JobRunState"] == "WAITING" and "exceeded" in seen["StateDetail"]
    assert glue.glue.batch_stop_job_run(JobName=job, JobRunIds=[stopped])["Errors"] == []
    assert glue.until(job, stopped, {"STOPPED"})["ExecutionTime"] == 0
    (tmp_path / "gate").touch()
    for run in [*running, waiting]:
        glue.until(job, run, {"SUCCEEDED"})
    listed = glue.glue.get_job_runs(JobName=job, MaxResults=3)
    assert [r["Id"] for r in listed["JobRuns"]] == [stopped, waiting, running[1]]
    rest = glue.glue.get_job_runs(JobName=job, NextToken=listed["NextToken"])
    assert [r["Id"] for r in rest["JobRuns"]] == [running[0]] and "NextToken" not in rest


def test_a_run_is_stopped_politely_then_not(glue: GlueLab, tmp_path: Path) -> None:
    job = glue.job("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAITS)
    run = glue.start(job, {"--gate": str(tmp_path / "never")})
    while not glue.printed(run):
        time.sleep(0.01)
    answer = glue.glue.batch_stop_job_run(JobName=job, JobRunIds=[run, "jr_unknown"])
    assert [done["JobRunId"] for done in answer["SuccessfulSubmissions"]] == [run]
    [error] = answer["Errors"]
    assert error["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    seen = glue.until(job, run, {"STOPPED"})
    assert seen["CompletedOn"] and "ErrorMessage" not in seen
    again = glue.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert again["SuccessfulSubmissions"] == []


def test_a_timeout_is_in_minutes_and_a_run_may_say_its_own(glue: GlueLab, tmp_path: Path) -> None:
    job = glue.job(WAITS, Timeout=2000)
    gate = {"--gate": str(tmp_path / "never")}
    seen = glue.run(job, gate, Timeout=1)  # a minute is 0.2 s in this sandbox
    assert (seen["JobRunState"], seen["Timeout"]) == ("TIMEOUT", 1)


def test_glue_retries_a_failed_run_under_a_name_of_its_own(glue: GlueLab) -> None:
    job = glue.job("print('well')", MaxRetries=1, Name="retried")
    glue.box.faults.lose_host(job="retried", attempt=1)
    first = glue.run(job)
    assert (first["JobRunState"], first["Attempt"]) == ("FAILED", 0)
    assert first["ErrorMessage"].startswith("Resource unavailable")
    second = glue.until(job, f"{first['Id']}_attempt_1", {"SUCCEEDED"})
    assert (second["Attempt"], second["PreviousRunId"]) == (1, first["Id"])


def test_planned_faults_slow_starts_and_late_news(glue: GlueLab) -> None:
    faults = glue.box.faults
    job = glue.job("print('well')", Name="planned", ExecutionProperty={"MaxConcurrentRuns": 9})
    faults.out_of_memory(job="planned", child=1, when="end")
    assert glue.run(job)["JobRunState"] == "SUCCEEDED"
    failed = glue.run(job)
    assert failed["ErrorMessage"] == "Command Failed due to Out of Memory"
    assert glue.printed(failed["Id"]) == ["well"]
    faults.slow_runnable(0.3, job="planned")
    run = glue.start(job)
    assert glue.look(job, run)["JobRunState"] == "STARTING"
    assert glue.until(job, run, {"SUCCEEDED"})["CompletedOn"]
    faults.lag(0.2)
    late = glue.start(job)
    glue.until(job, late, {"SUCCEEDED"})


def test_throttling_and_quotas_on_demand(glue: GlueLab) -> None:
    job = glue.job()
    glue.box.faults.quota(1.0)
    with pytest.raises(ClientError, match="ResourceNumberLimitExceededException"):
        glue.start(job)
    glue.box.faults.clear()
    glue.box.faults.throttle(1.0, service="glue", action="GetJob")
    with pytest.raises(ClientError, match=r"ThrottlingException.*Rate exceeded"):
        glue.glue.get_job(JobName=job)


def test_definitions_are_kept_changed_and_deleted(glue: GlueLab) -> None:
    job = glue.job(NumberOfWorkers=3, GlueVersion=None)
    made = glue.glue.get_job(JobName=job)["Job"]
    assert (made["GlueVersion"], made["Timeout"], made["NumberOfWorkers"]) == ("6.0", 480, 3)
    assert made["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        glue.job(Name=job)
    command = {"Name": "glueetl", "ScriptLocation": "s3://b/x.py"}
    update = {"Role": "r", "Command": command, "GlueVersion": "4.0"}
    glue.glue.update_job(JobName=job, JobUpdate=update)
    changed = glue.glue.get_job(JobName=job)["Job"]
    assert "NumberOfWorkers" not in changed and changed["Timeout"] == 2880
    assert job in [j["Name"] for j in glue.glue.get_jobs(MaxResults=1000)["Jobs"]]
    glue.glue.delete_job(JobName=job)
    assert glue.glue.delete_job(JobName=job)["JobName"] == job
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.start(job)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    (r"WorkerType G\.3X is not", {"WorkerType": "G.3X"}),
    (r"FLEX has no workers of type G\.4X", {"ExecutionClass": "FLEX", "WorkerType": "G.4X"}),
    (r"must be set together", {"NumberOfWorkers": None}),
    (r"do not set Max Capacity", {"MaxCapacity": 2.0}),
    (r"at least 2: 1", {"NumberOfWorkers": 1}),
    (r"at most 10080 minutes", {"Timeout": 10081}),
    (r"between 1 and 1000: 1001", {"ExecutionProperty": {"MaxConcurrentRuns": 1001}}),
    (r"must begin with --: x", {"DefaultArguments": {"x": "1"}}),
    (r"GlueVersion 2\.0", {"GlueVersion": "2.0"}),
    (r"must be an S3 path", {"Command": {"Name": "glueetl", "ScriptLocation": "/x.py"}}),
]


@pytest.mark.parametrize(("message", "changes"), REFUSED)
def test_create_job_refuses(glue: GlueLab, message: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=rf"InvalidInputException.*{message}"):
        glue.job(Name="refused", **changes)
