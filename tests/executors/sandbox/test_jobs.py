"""Jobs really run: their environment, how often, how they end, and what is said of them."""

import re
import sys
from pathlib import Path

import pytest
from tests.executors.sandbox.support.lab import Lab

pytestmark = pytest.mark.aws

SPOT_ONLY = {
    "attempts": 3,
    "evaluateOnExit": [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}


def test_a_job_has_the_documented_environment_and_this_interpreter_first(lab: Lab) -> None:
    seen = lab.end(lab.submit("env | grep ^AWS_BATCH | sort; command -v python; echo $MODE"))
    assert seen["status"] == "SUCCEEDED"
    assert lab.printed(seen) == [
        "AWS_BATCH_CE_NAME=sandbox",
        "AWS_BATCH_JOB_ATTEMPT=1",
        f"AWS_BATCH_JOB_ID={seen['jobId']}",
        "AWS_BATCH_JQ_NAME=sandbox",
        str(Path(sys.executable).parent / "python"),
        "",
    ]


def test_each_child_of_an_array_knows_its_index(lab: Lab) -> None:
    job = lab.submit("echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE", size=5)
    parent = lab.end(job)
    assert parent["status"] == "SUCCEEDED"
    assert parent["arrayProperties"]["size"] == 5
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    children = lab.children(job, 5)
    assert [child["arrayProperties"] for child in children] == [{"index": i} for i in range(5)]
    assert [lab.printed(child) for child in children] == [[f"{i} of 5"] for i in range(5)]


def test_overrides_and_parameters_replace_what_the_definition_says(lab: Lab) -> None:
    definition = lab.define(
        container={
            "command": ["sh", "-c", "echo $A $B Ref::word Ref::other Ref::unknown"],
            "environment": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}],
        },
        parameters={"word": "first", "other": "kept"},
    )
    job = lab.submit(
        definition=definition,
        parameters={"word": "second"},
        containerOverrides={"environment": [{"name": "B", "value": "new"}]},
    )
    assert lab.printed(lab.end(job)) == ["a new second kept Ref::unknown"]


def test_a_failing_child_is_tried_again_and_its_attempts_are_on_record(lab: Lab) -> None:
    lab.box.faults.exit(3, child=1, attempt=1)
    lab.box.faults.exit(3, child=2, attempt=1)
    lab.box.faults.exit(4, child=2, attempt=2)
    job = lab.submit("echo $AWS_BATCH_JOB_ATTEMPT", size=3, retryStrategy={"attempts": 2})
    parent = lab.end(job)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    first, second, third = lab.children(job, 3)
    assert [child["status"] for child in (first, second, third)] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "FAILED",
    ]
    assert [a["container"]["exitCode"] for a in second["attempts"]] == [3, 0]
    assert [a["container"]["exitCode"] for a in third["attempts"]] == [3, 4]
    assert third["container"]["exitCode"] == 4
    assert lab.printed(second) == ["2"]
    for attempt in second["attempts"]:
        assert second["createdAt"] <= attempt["startedAt"] <= attempt["stoppedAt"]
    assert len({a["container"]["logStreamName"] for a in second["attempts"]}) == 2


def test_a_lost_host_is_retried_by_rule_and_an_ordinary_failure_is_not(lab: Lab) -> None:
    lab.box.faults.lose_host(child=0)
    lab.box.faults.exit(1, child=1)
    job = lab.submit(size=2, retryStrategy=SPOT_ONLY)
    lab.end(job)
    lost, failed = lab.children(job, 2)
    assert re.fullmatch(
        r"Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.", lost["attempts"][0]["statusReason"]
    )
    assert "exitCode" not in lost["attempts"][0]["container"]
    assert (lost["status"], len(lost["attempts"])) == ("SUCCEEDED", 2)
    assert (failed["status"], len(failed["attempts"])) == ("FAILED", 1)
    assert failed["statusReason"] == "Essential container in task exited"


def test_running_out_of_memory_has_its_documented_reason(lab: Lab) -> None:
    lab.box.faults.out_of_memory(job="greedy")
    seen = lab.end(lab.submit(name="greedy"))
    assert seen["status"] == "FAILED"
    assert seen["container"]["exitCode"] == 137
    assert seen["container"]["reason"].startswith("OutOfMemoryError: Container killed")


def test_a_program_that_is_not_there_fails_to_start(lab: Lab) -> None:
    seen = lab.end(lab.submit(containerOverrides={"command": ["no-such-program"]}))
    assert (seen["status"], seen["statusReason"]) == ("FAILED", "Task failed to start")
    assert seen["attempts"][0]["container"]["reason"].startswith("CannotStartContainerError")
    assert "exitCode" not in seen["attempts"][0]["container"]


def test_a_job_killed_by_a_signal_has_the_shells_exit_code(lab: Lab) -> None:
    assert lab.end(lab.submit("kill -SEGV $$"))["container"]["exitCode"] == 139


def test_a_timeout_ends_the_attempt_and_is_not_retried(lab: Lab) -> None:
    job = lab.submit(
        "sleep 1000", timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 3}
    )
    seen = lab.end(job)
    assert seen["status"] == "FAILED"
    assert seen["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(seen["attempts"]) == 1
    assert seen["attempts"][0]["container"]["exitCode"] == 143


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace_period(lab: Lab) -> None:
    job = lab.submit("trap '' TERM; echo ready; while true; do sleep 0.01; done")
    running = lab.until(job, {"RUNNING"})
    while not lab.box.client("logs").describe_log_streams(
        logGroupName="/aws/batch/job", logStreamNamePrefix=running["container"]["logStreamName"]
    )["logStreams"]:
        pass
    lab.batch.terminate_job(jobId=job, reason="enough")
    seen = lab.end(job)
    assert (seen["statusReason"], seen["container"]["exitCode"]) == ("enough", 137)
    assert seen["isTerminated"]


def test_the_log_is_read_while_the_job_runs(lab: Lab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = lab.submit(f"echo early; until test -e {gate}; do sleep 0.01; done; printf late")
    stream = lab.until(job, {"RUNNING"})["container"]["logStreamName"]
    found: list[str] = []
    while not found:
        found = [
            s["logStreamName"]
            for s in lab.logs.describe_log_streams(
                logGroupName="/aws/batch/job", logStreamNamePrefix=stream
            )["logStreams"]
        ]
    first = lab.logs.get_log_events(
        logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True
    )
    assert [e["message"] for e in first["events"]] == ["early"]
    gate.touch()
    lab.end(job)
    rest = lab.logs.get_log_events(
        logGroupName="/aws/batch/job",
        logStreamName=stream,
        startFromHead=True,
        nextToken=first["nextForwardToken"],
    )
    assert [e["message"] for e in rest["events"]] == ["late"]
