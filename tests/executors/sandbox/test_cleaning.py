"""Whatever ends a sandbox ends its jobs, and leaves no folder behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.executors.sandbox.support.lab import Lab

from cellgraph.cli.app import run
from cellgraph_executors.sandbox import sandbox
from cellgraph_executors.sandbox.batch.inprocess import LABEL, Child
from cellgraph_executors.sandbox.watchdog import MARK

pytestmark = pytest.mark.aws

# Starts a job that has left its process group and ignores SIGTERM, then says so and waits.
PROGRAM = """
import sys, time, boto3
from cellgraph_executors.sandbox import sandbox
with sandbox() as box:
    batch = boto3.client("batch")
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    script = "trap '' TERM; setsid sh -c \\"trap '' TERM; sleep 600\\" & sleep 600"
    container = {"image": "x", "command": ["sh", "-c", script], "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName="x", type="container", containerProperties=container
    )
    job = batch.submit_job(jobName="x", jobQueue="sandbox", jobDefinition="x")["jobId"]
    while batch.describe_jobs(jobs=[job])["jobs"][0]["status"] != "RUNNING":
        pass
    print(box.folder, flush=True)
    END
"""


def running(mark: str) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get("HOME", "").startswith(mark) and MARK in environment:
            found.append(process)
    return found


@pytest.mark.parametrize(
    "end", ["time.sleep(600)", pytest.param("sys.exit(3)", marks=pytest.mark.slow)]
)
def test_nothing_is_left_of_a_sandbox(end: str) -> None:
    sandboxed = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("END", end)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sandboxed.stdout is not None
    folder = Path(sandboxed.stdout.readline().strip())
    assert folder.is_absolute()
    if "sleep" in end:
        assert running(str(folder))
        sandboxed.send_signal(signal.SIGKILL)
    sandboxed.wait()
    while running(str(folder)) or folder.exists():  # the watchdog is at work
        time.sleep(0.05)
    sandboxed.stdout.close()


def test_an_in_process_child_is_labelled_and_counts_like_any_other() -> None:
    def work(child: Child) -> int:
        child.print("hello")
        return 7 if child.number == 2 else 0

    with sandbox(in_process=work, vcpus=64) as box:
        lab = Lab(box)
        job = lab.submit(size=300)
        parent = lab.end(job)
        counts = parent["arrayProperties"]["statusSummary"]
        assert (counts["SUCCEEDED"], counts["FAILED"]) == (299, 1)
        failed = lab.look(f"{job}:2")
        assert failed["container"]["exitCode"] == 7
        assert lab.printed(failed) == [LABEL, "hello"]


def test_the_command_says_what_to_export_and_ends_at_a_signal() -> None:
    served = subprocess.Popen(
        [sys.executable, "-m", "cellgraph.cli", "sandbox", "--vcpus", "2"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    lines: list[str] = []
    while "Ctrl-C" not in "".join(lines):
        lines.append(served.stdout.readline())
        assert lines[-1], lines
    served.send_signal(signal.SIGTERM)
    served.communicate()
    said = "".join(lines)
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in said
    assert 'store = "s3://sandbox-' in said
    assert '[executors.batch]\nqueue = "sandbox"' in said
    assert served.returncode == 0


def test_a_port_that_is_taken_is_one_clear_error(capfd: pytest.CaptureFixture[str]) -> None:
    with sandbox() as box:
        port = box.url.rpartition(":")[2]
        assert run(["sandbox", "--port", port]) == 1
    assert f"cannot listen at port {port}" in capfd.readouterr().err
