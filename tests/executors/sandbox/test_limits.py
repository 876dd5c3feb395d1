"""The limits that AWS documents for Batch, each refused as AWS refuses it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
)
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox.batch.api import Rate
from cellgraph_executors.sandbox.batch.limits import SUBMITS_PER_S
from cellgraph_executors.sandbox.wire import ServiceError

pytestmark = pytest.mark.aws

EXIT = {"onReason": "*", "action": "EXIT"}
BIG = {"command": ["x" * 8_200]}
FILTER = {"name": "JOB_NAME", "values": ["x"]}


def large_parameters() -> dict[str, Any]:
    return {"parameters": {f"p{i}": "x" * 1_000 for i in range(31)}}


REFUSED_SUBMITS: list[tuple[str, dict[str, Any]]] = [
    (r"between 2 and 10,000: 1$", {"arrayProperties": {"size": 1}}),
    (r"between 2 and 10,000: 10001", {"arrayProperties": {"size": 10_001}}),
    (r"at most 30720 bytes", large_parameters()),
    (r"Container Overrides length must be at most 8192", {"containerOverrides": BIG}),
    (r"at most 20 jobs: 21", {"dependsOn": [{"jobId": "x"}] * 21}),
    (r"job nowhere does not exist", {"dependsOn": [{"jobId": "nowhere"}]}),
    (r"for array jobs", {"dependsOn": [{"type": "SEQUENTIAL"}]}),
    (r"jobName must be", {"jobName": "-x"}),
    (r"jobName must be", {"jobName": "x" * 129}),
    (r"jobName must be", {"jobName": "a name"}),
    (r"between 1 and 10: 11", {"retryStrategy": {"attempts": 11}}),
    (r"between 1 and 10: 0", {"retryStrategy": {"attempts": 0}}),
    (r"needs attempts", {"retryStrategy": {"evaluateOnExit": [EXIT]}}),
    (r"at most 5 rules", {"retryStrategy": {"attempts": 2, "evaluateOnExit": [EXIT] * 6}}),
    (
        r"onReason may hold",
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{**EXIT, "onReason": "*x"}]}},
    ),
    (
        r"onReason may hold up to 512",
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{**EXIT, "onReason": "x" * 513}]}},
    ),
    (
        r"onExitCode may hold",
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{**EXIT, "onExitCode": "x"}]}},
    ),
    (r"at least 60: 59", {"timeout": {"attemptDurationSeconds": 59}}),
    (
        r"must not begin with AWS_BATCH",
        {"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}},
    ),
    (r"scheduling policy", {"shareIdentifier": "team"}),
    (r"JobQueue nowhere does not exist", {"jobQueue": "nowhere"}),
    (r"JobDefinition nothing does not exist", {"jobDefinition": "nothing"}),
    (r"at most 50 tags", {"tags": {f"t{i}": "x" for i in range(51)}}),
]


@pytest.mark.parametrize(("message", "changes"), REFUSED_SUBMITS)
def test_submit_job_refuses(lab: Lab, message: str, changes: dict[str, Any]) -> None:
    name = changes.pop("jobName", "limits")
    request = {"jobName": name, "jobQueue": "sandbox", "jobDefinition": lab.define(), **changes}
    with pytest.raises(ClientError, match=rf"ClientException.*{message}"):
        lab.batch.submit_job(**request)


def test_dependencies_between_arrays_need_the_same_size(lab: Lab) -> None:
    first = lab.submit(size=2)
    with pytest.raises(ClientError, match="same size"):
        lab.submit(size=3, dependsOn=[{"jobId": first, "type": "N_TO_N"}])


NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
REFUSED_DEFINITIONS: list[tuple[str, dict[str, Any]]] = [
    (r"at most 24576 bytes", {"command": ["x" * 25_000]}),
    (r"image is required", {"image": ""}),
    (r"needs VCPU and MEMORY", {"resourceRequirements": NEEDS[:1]}),
    (r"at least 4 MiB", {"resourceRequirements": [NEEDS[0], {"type": "MEMORY", "value": "3"}]}),
    (r"VCPU cannot be '0'", {"resourceRequirements": [{"type": "VCPU", "value": "0"}, NEEDS[1]]}),
    (r"must not begin with AWS_BATCH", {"environment": [{"name": "AWS_BATCH", "value": ""}]}),
    (r"no volume named 'x'", {"mountPoints": [{"sourceVolume": "x", "containerPath": "/x"}]}),
]


@pytest.mark.parametrize(("message", "changes"), REFUSED_DEFINITIONS)
def test_register_job_definition_refuses(lab: Lab, message: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=rf"ClientException.*{message}"):
        lab.define(container=changes)


REFUSED_READS: list[tuple[str, Callable[[Any], Any]]] = [
    (r"1 to 100 ids: 101", lambda batch: batch.describe_jobs(jobs=["x"] * 101)),
    (r"1 to 100 ids: 0", lambda batch: batch.describe_jobs(jobs=[])),
    (r"exactly one of", lambda batch: batch.list_jobs()),
    (r"exactly one of", lambda batch: batch.list_jobs(jobQueue="sandbox", arrayJobId="x")),
    (r"only one filter", lambda batch: batch.list_jobs(jobQueue="sandbox", filters=[FILTER] * 2)),
    (r"jobStatus must be", lambda batch: batch.list_jobs(jobQueue="sandbox", jobStatus="DONE")),
    (r"Job x does not exist", lambda batch: batch.terminate_job(jobId="x", reason="r")),
    (r"1024 characters", lambda batch: batch.cancel_job(jobId="x", reason="r" * 1_025)),
]


@pytest.mark.parametrize(("message", "ask"), REFUSED_READS)
def test_reading_and_stopping_refuse(lab: Lab, message: str, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(ClientError, match=rf"ClientException.*{message}"):
        ask(lab.batch)


def test_listing_knows_status_names_pages_and_children(lab: Lab) -> None:
    definition = lab.define()
    array = lab.submit(name="listed-array", size=5, definition=definition)
    lab.end(array)
    jobs = [lab.submit(name=f"listed-{i}", definition=definition) for i in range(3)]
    for job in jobs:
        lab.end(job)

    def names(**asked: Any) -> list[str]:
        pages = lab.batch.get_paginator("list_jobs").paginate(**asked)
        return [j["jobName"] for page in pages for j in page["jobSummaryList"]]

    named = [{"name": "JOB_NAME", "values": ["LISTED-*"]}]
    found = names(jobQueue="sandbox", filters=named, maxResults=2)
    assert found == ["listed-2", "listed-1", "listed-0", "listed-array"]  # the newest first
    assert names(jobQueue="sandbox") == []  # only RUNNING without a status
    assert "listed-1" in names(jobQueue="sandbox", jobStatus="SUCCEEDED")
    children = lab.batch.list_jobs(arrayJobId=array, jobStatus="SUCCEEDED", maxResults=3)
    assert [c["arrayProperties"]["index"] for c in children["jobSummaryList"]] == [0, 1, 2]
    assert names(arrayJobId=array, jobStatus="FAILED") == []


def test_more_than_fifty_submits_a_second_are_refused() -> None:
    now = [100.0]
    rate = Rate(SUBMITS_PER_S, lambda: now[0])
    for _ in range(50):
        rate.take()
    with pytest.raises(ServiceError) as refused:
        rate.take()
    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)
    now[0] += 1
    rate.take()


def test_a_definition_has_revisions_and_takes_no_jobs_once_deregistered(lab: Lab) -> None:
    first, second = lab.define("exit 1"), lab.define("exit 0")
    assert int(second.split(":")[1]) == int(first.split(":")[1]) + 1
    assert lab.end(lab.submit(definition="shell"))["status"] == "SUCCEEDED"  # the latest
    lab.batch.deregister_job_definition(jobDefinition=second)
    assert lab.end(lab.submit(definition="shell"))["jobDefinition"].endswith(first)
    with pytest.raises(ClientError, match="not active"):
        lab.submit(definition=second)
    described = lab.batch.describe_job_definitions(jobDefinitions=[second])["jobDefinitions"]
    assert [d["status"] for d in described] == ["INACTIVE"]
