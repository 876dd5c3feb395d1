"""Who waits for whom, who is stopped how, and how many run at once."""

from pathlib import Path

import pytest
from tests.executors.sandbox.support.lab import Lab

pytestmark = pytest.mark.aws


def gated(folder: Path) -> str:
    """A script that runs until the file `gate` is there, and appends its index to `order`."""
    return (
        f"until test -e {folder}/gate; do sleep 0.01; done;"
        f"echo $AWS_BATCH_JOB_ARRAY_INDEX >> {folder}/order"
    )


def test_a_sequential_array_runs_in_the_order_of_its_indices(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    job = lab.submit(gated(tmp_path), size=6, dependsOn=[{"type": "SEQUENTIAL"}])
    assert lab.end(job)["status"] == "SUCCEEDED"
    assert (tmp_path / "order").read_text().split() == [str(i) for i in range(6)]


def test_n_to_n_waits_child_by_child(lab: Lab, tmp_path: Path) -> None:
    only_second = (
        f"test $AWS_BATCH_JOB_ARRAY_INDEX = 1 || until test -e {tmp_path}/gate; do sleep 0.01; done"
    )
    first = lab.submit(only_second, size=2)
    second = lab.submit(size=2, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    lab.end(f"{second}:1")
    assert lab.look(f"{second}:0")["status"] == "PENDING"
    assert lab.look(second)["status"] == "PENDING"
    (tmp_path / "gate").touch()
    assert lab.end(second)["status"] == "SUCCEEDED"


def test_a_plain_dependency_waits_for_all_of_an_array_and_fails_with_it(
    lab: Lab, tmp_path: Path
) -> None:
    array = lab.submit(f"{gated(tmp_path)}; exit $AWS_BATCH_JOB_ARRAY_INDEX", size=2)
    after = lab.submit(dependsOn=[{"jobId": array}])
    later = lab.submit(dependsOn=[{"jobId": after}])
    lab.until(after, {"PENDING"})
    (tmp_path / "gate").touch()
    for job in (after, later):
        seen = lab.end(job)
        assert (seen["status"], seen["statusReason"]) == ("FAILED", "Dependent Job failed")
        assert seen["attempts"] == []


def test_no_more_run_at_once_than_the_queue_has_vcpus(lab: Lab, tmp_path: Path) -> None:
    job = lab.submit(gated(tmp_path), size=12)
    lab.until(f"{job}:7", {"RUNNING"})
    counts = lab.look(job)["arrayProperties"]["statusSummary"]
    assert (counts["RUNNING"], counts["RUNNABLE"]) == (8, 4)
    assert lab.look(job)["status"] == "PENDING"
    (tmp_path / "gate").touch()
    assert lab.end(job)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 12


def test_a_job_larger_than_its_queue_stays_runnable_and_says_why(lab: Lab) -> None:
    wants = {"resourceRequirements": [{"type": "VCPU", "value": "9"}]}
    job = lab.submit(containerOverrides=wants)
    while "statusReason" not in (seen := lab.look(job)):
        pass
    assert seen["status"] == "RUNNABLE"
    assert seen["statusReason"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    lab.batch.cancel_job(jobId=job, reason="too large")
    assert lab.end(job)["statusReason"] == "too large"


def test_cancel_leaves_what_has_started_alone(lab: Lab, tmp_path: Path) -> None:
    job = lab.submit(gated(tmp_path), size=10)
    lab.until(f"{job}:7", {"RUNNING"})
    lab.batch.cancel_job(jobId=job, reason="not now")
    assert [lab.look(f"{job}:{i}")["statusReason"] for i in (8, 9)] == ["not now", "not now"]
    assert lab.look(f"{job}:0")["status"] == "RUNNING"
    (tmp_path / "gate").touch()
    parent = lab.end(job)
    assert parent["status"] == "FAILED"
    assert parent["isCancelled"]
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 8


def test_a_pending_job_is_cancelled_when_its_dependency_has_ended(lab: Lab, tmp_path: Path) -> None:
    first = lab.submit(gated(tmp_path))
    second = lab.submit(dependsOn=[{"jobId": first}])
    lab.until(second, {"PENDING"})
    lab.batch.cancel_job(jobId=second, reason="changed my mind")
    assert lab.look(second)["status"] == "PENDING"
    (tmp_path / "gate").touch()
    assert lab.end(second)["statusReason"] == "changed my mind"


def test_terminate_ends_all_children(lab: Lab, tmp_path: Path) -> None:
    job = lab.submit(gated(tmp_path), size=10)
    lab.until(f"{job}:7", {"RUNNING"})
    lab.batch.terminate_job(jobId=job, reason="over budget")
    parent = lab.end(job)
    assert parent["status"] == "FAILED"
    assert parent["isTerminated"]
    assert {child["statusReason"] for child in lab.children(job, 10)} == {"over budget"}
    assert not (tmp_path / "order").exists()


def test_a_job_held_back_starts_no_sooner(lab: Lab) -> None:
    lab.box.faults.slow_runnable(0.3, job="held")
    seen = lab.end(lab.submit(name="held"))
    assert seen["startedAt"] - seen["createdAt"] >= 300


def test_changes_are_seen_late_when_asked_for(lab: Lab, tmp_path: Path) -> None:
    lab.box.faults.lag(3600)
    job = lab.submit(f"touch {tmp_path}/ran")
    while not (tmp_path / "ran").exists():
        assert lab.look(job)["status"] == "SUBMITTED"
    lab.box.faults.lag(0)
    assert lab.end(job)["status"] == "SUCCEEDED"
