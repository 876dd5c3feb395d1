"""Each limit of AWS Batch that our requests can meet: at it they are taken, above it we say so.

The other side is the sandbox, which has the limits from AWS's documents by itself.

| limit | value | here |
|---|---|---|
| children of an array | 2 to 10,000 | `AT_AND_ABOVE`; one, or more: `test_remote_grouping` |
| SubmitJob | 30 KiB | `AT_AND_ABOVE` |
| job definition | 24 KiB | `AT_AND_ABOVE` |
| containerOverrides | 8,192 characters | `AT_AND_ABOVE` |
| dependsOn | 20 | `AT_AND_ABOVE` |
| attempts | 1 to 10 | `AT_AND_ABOVE`; `retries_on_host_loss=9` is the tenth |
| evaluateOnExit, its patterns | 5, 512 characters | `AT_AND_ABOVE` |
| timeout | 60 s at least | `AT_AND_ABOVE`; shorter ones are the worker's |
| memory | 4 MiB at least | `AT_AND_ABOVE` |
| tags | 50 | `AT_AND_ABOVE` |
| names of variables | not AWS_BATCH… | `AT_AND_ABOVE` |
| jobName | 128, letters digits - _ | `test_any_task_makes_a_name_of_a_job` |
| DescribeJobs | 100 ids | `test_more_than_a_hundred_jobs_are_described_in_parts` |
| ListJobs | 1,000 a page | `test_children_are_listed_over_pages` |
| SubmitJob | 50 a second | `test_batch_faults`: refused requests are sent again later |
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from tests.executors.batch.support.calls import quick

import cellgraph as cg
from cellgraph.errors import ConfigError
from cellgraph.executor import Resources
from cellgraph_executors.aws import Clients
from cellgraph_executors.batch.definition import definition, submission
from cellgraph_executors.batch.service import BatchJobs
from cellgraph_executors.batch.settings import checked
from cellgraph_executors.remote.flights import Pending, job_name

pytestmark = pytest.mark.aws


@dataclass(frozen=True)
class Case:
    """What a person says, with a number: the most that is taken, the least that is not."""

    say: Callable[[int], dict[str, Any]]  # settings, or `tags` and `memory_gib` of a task
    most: int
    above: int | None  # None: it is made to fit
    refusal: str = ""


def _rule(pattern: str) -> dict[str, str]:
    return {"onStatusReason": pattern, "action": "RETRY"}


def _variable(name: str, value: str = "") -> list[dict[str, str]]:
    return [{"name": name, "value": value}]


AT_AND_ABOVE = {
    "array": Case(
        lambda n: {"submit_job": {"arrayProperties": {"size": n}}}, 10_000, 10_001, "10001 children"
    ),
    "array of one": Case(
        lambda n: {"submit_job": {"arrayProperties": {"size": 3 - n}}}, 1, 2, "1 children"
    ),
    "submission": Case(
        lambda n: {"submit_job": {"parameters": {"x": "y" * n}}}, 29_000, 31_000, "30 KiB"
    ),
    "definition": Case(lambda n: {"environment": {"X": "y" * n}}, 23_000, 24_600, "24 KiB"),
    "overrides": Case(
        lambda n: {"submit_job": {"containerOverrides": {"environment": _variable("X", "y" * n)}}},
        7_900,
        8_200,
        "8192 characters",
    ),
    "dependencies": Case(
        lambda n: {"submit_job": {"dependsOn": [{"jobId": "JOB"}] * n}}, 20, 21, "more than 20 jobs"
    ),
    "attempts": Case(
        lambda n: {"submit_job": {"retryStrategy": {"attempts": n}}}, 10, 11, "11 attempts"
    ),
    "host losses": Case(lambda n: {"retries_on_host_loss": n}, 9, 10, "from 0 to 9"),
    "rules": Case(
        lambda n: {"submit_job": {"retryStrategy": {"evaluateOnExit": [_rule("Host EC2*")] * n}}},
        5,
        6,
        "more than 5 rules",
    ),
    "pattern": Case(
        lambda n: {"submit_job": {"retryStrategy": {"evaluateOnExit": [_rule("x" * n)]}}},
        512,
        513,
        "512 characters",
    ),
    "timeout": Case(
        lambda n: {"submit_job": {"timeout": {"attemptDurationSeconds": 120 - n}}},
        60,
        61,
        "59 s: 60 at least",
    ),
    "a short timeout_s": Case(lambda n: {"timeout_s": 1 / n}, 1, None),
    "memory": Case(lambda n: {"memory_gib": 1 / (n << 10)}, 1, None),
    "tags": Case(lambda n: {"tags": {f"t{i}": "" for i in range(n)}}, 50, 51, "more than 50 tags"),
    "variables": Case(
        lambda n: {"environment": {"AWS_BATCH_X"[-n:]: ""}}, 10, 11, "AWS_BATCH_X: names"
    ),
}


def requests(said: dict[str, Any], queue: str = "sandbox") -> tuple[dict[str, Any], dict[str, Any]]:
    """The definition and the submission of one call. Raises ConfigError."""
    settings = dict(said)
    names = ("tags", "memory_gib", "timeout_s")
    resources: Any = {name: settings.pop(name) for name in names if name in settings}
    made = checked("batch", settings)
    defined = definition("sandbox/python", {}, made.said_variables, made.job_definition)
    command = ["true"]
    submitted = submission(
        f"limit-{uuid.uuid4().hex}", queue, defined["jobDefinitionName"], command,
        Resources(**resources), 1, 1, made.retries_on_host_loss, made.submit_job,
    )  # fmt: skip
    return defined, submitted


@pytest.mark.parametrize("name", list(AT_AND_ABOVE))
def test_at_a_limit_it_is_taken_and_above_it_refused_here(box: Any, name: str) -> None:
    case = AT_AND_ABOVE[name]
    batch = box.client("batch")
    defined, submitted = requests(case.say(case.most), box.batch["queue"])
    batch.register_job_definition(**defined)
    for dependency in submitted.get("dependsOn", ()):
        dependency["jobId"] = depended_on(box, defined["jobDefinitionName"])
    job = batch.submit_job(**submitted)["jobId"]
    batch.terminate_job(jobId=job, reason="it was taken")
    if case.above is not None:
        with pytest.raises(ConfigError, match=case.refusal):
            requests(case.say(case.above))


def depended_on(box: Any, defined: str) -> str:
    """A job that others may wait for."""
    made = box.client("batch").submit_job(
        jobName="first", jobQueue=box.batch["queue"], jobDefinition=defined,
        containerOverrides={"command": ["true"]},
    )  # fmt: skip
    return str(made["jobId"])


def test_nothing_has_left_when_a_limit_is_met(box: Any, opened: Callable[..., Any]) -> None:
    session = opened(submit_job={"timeout": {"attemptDurationSeconds": 5}}).session
    with pytest.raises(cg.TaskError, match="60 at least"):
        session.evaluate(quick(1))
    assert box.requests["batch", "SubmitJob"] == 0


@pytest.mark.parametrize("task", ["align", "größe<lambda>", "_" * 10, "x" * 300, "a.b c/d"])
def test_any_task_makes_a_name_of_a_job(box: Any, task: str) -> None:
    batch = box.client("batch")
    defined, submitted = requests({}, box.batch["queue"])
    batch.register_job_definition(**defined)
    name = job_name(task, "20261127T231213-4c2b839b1e")
    made = batch.submit_job(**{**submitted, "jobName": name})
    assert made["jobName"] == name


def test_more_than_a_hundred_jobs_are_described_in_parts(
    box: Any, opened: Callable[..., Any]
) -> None:
    """`%jobs` of a store with 120 jobs on record, which Batch knows no longer."""
    session = opened().session
    for n in range(120):
        array = f"20261127T231213-{n:010d}"
        pending = Pending(
            array, "n", "batch", "", "t", bytes(16), 1, 1.0, time.time(), str(uuid.uuid4())
        )
        session.store.arrays.put(f"pending/{array}", msgspec.msgpack.encode(pending))
    listed = session.jobs.list()
    assert {job.note for job in listed} == {"the service knows it no longer"}
    assert len(listed) == 120
    assert box.requests["batch", "DescribeJobs"] == 2


@pytest.mark.sandboxed
def test_children_are_listed_over_pages() -> None:
    children = 1_100

    def even(child: Any) -> int:
        return 1 - int(child.number) % 2

    with cg.sandbox(vcpus=200, in_process=even) as box:
        batch = box.client("batch")
        defined, submitted = requests({"submit_job": {"arrayProperties": {"size": 2 * children}}})
        batch.register_job_definition(**defined)
        job = batch.submit_job(**submitted)["jobId"]
        while batch.describe_jobs(jobs=[job])["jobs"][0]["status"] != "FAILED":
            time.sleep(0.05)
        pages = list(BatchJobs(Clients()).children(job, "FAILED"))
    assert [len(page) for page in pages] == [1_000, 100]
    assert sorted(f.child for page in pages for f in page) == list(range(0, 2 * children, 2))
