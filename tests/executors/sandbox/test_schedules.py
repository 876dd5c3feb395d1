"""What a schedule does when it is due."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
)
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox.wire import ServiceError

pytestmark = pytest.mark.aws

aws: Any = boto3
SUBMIT = "arn:aws:scheduler:::aws-sdk:batch:submitJob"


def schedule(name: str, arn: str, given: object, **more: Any) -> None:
    target = {"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/s", "Input": json.dumps(given)}
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=more.pop("expression", "rate(1 day)"),
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **more,
    )


def wanted(lab: Lab, script: str) -> dict[str, Any]:
    return {
        "JobName": "nightly",
        "JobQueue": lab.box.batch["queue"],
        "JobDefinition": lab.define(script),
        "ArrayProperties": {"Size": 2},
        "ContainerOverrides": {
            "Environment": [{"Name": "DUE", "Value": "<aws.scheduler.scheduled-time>"}]
        },
    }


def test_a_schedule_submits_its_job_with_the_time_it_was_due(lab: Lab) -> None:
    schedule("nightly", SUBMIT, wanted(lab, "echo $DUE $AWS_BATCH_JOB_ARRAY_INDEX"))
    answer = lab.box.fire("nightly", now=datetime(2026, 12, 1, 6, tzinfo=UTC))
    assert lab.end(answer["jobId"])["status"] == "SUCCEEDED"
    assert lab.printed(lab.look(f"{answer['jobId']}:1")) == ["2026-12-01T06:00:00Z 1"]


def test_a_schedule_for_once_is_gone_afterwards_if_it_says_so(lab: Lab) -> None:
    schedule(
        "once",
        SUBMIT,
        wanted(lab, "true"),
        expression="at(2026-12-01T06:00:00)",
        ActionAfterCompletion="DELETE",
    )
    lab.box.fire("once")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        lab.box.fire("once")


@pytest.mark.parametrize(
    ("arn", "given", "message"),
    [
        ("arn:aws:batch:us-east-1:123456789012:job-queue/x", {}, "not a universal target"),
        ("arn:aws:scheduler:::aws-sdk:batch:describeJobs", {"Jobs": []}, "no such action"),
        (SUBMIT, {"JobNames": "x"}, "unknown name: JobNames"),
    ],
)
def test_a_target_that_would_fail_says_why(lab: Lab, arn: str, given: object, message: str) -> None:
    name = f"wrong-{message.split()[-1]}"
    schedule(name, arn, given)
    with pytest.raises(ServiceError, match=message):
        lab.box.fire(name)
