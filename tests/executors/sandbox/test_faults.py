"""Requests that fail on demand: always the same ones, and never the sandbox's own."""

from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import pytest
from botocore.config import Config  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
    ConnectionClosedError,
)
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox.box import Sandbox

pytestmark = pytest.mark.aws

aws: Any = boto3


def once(service: str) -> Any:
    """A client that does not try again."""
    return aws.client(service, config=Config(retries={"total_max_attempts": 1}))


def pattern(batch: Any, tries: int) -> str:
    """Which of so many requests pass (.), and which are refused (x)."""
    seen = ""
    for _ in range(tries):
        try:
            batch.describe_job_queues()
            seen += "."
        except ClientError as error:
            answer: Any = error
            assert answer.response["Error"]["Code"] == "TooManyRequestsException"
            assert answer.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            seen += "x"
    return seen


def test_a_share_of_requests_is_throttled_and_always_the_same_ones(lab: Lab) -> None:
    batch = once("batch")
    lab.box.faults.throttle(0.3, seed=1)
    first = pattern(batch, 40)
    lab.box.faults.clear()
    lab.box.faults.throttle(0.3, seed=1)
    assert pattern(batch, 40) == first
    assert 4 <= first.count("x") <= 20
    lab.box.client("batch").describe_job_queues()  # the box's own requests pass
    lab.box.faults.clear()
    assert pattern(batch, 3) == "..."


def test_s3_is_slow_down_for_its_share(lab: Lab) -> None:
    lab.box.faults.s3_unavailable(1.0, action="PutObject")
    s3 = once("s3")
    with pytest.raises(ClientError, match="SlowDown") as refused:
        s3.put_object(Bucket=lab.box.bucket, Key="x", Body=b"x" * 100_000)
    answer: Any = refused.value
    assert answer.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert s3.list_objects_v2(Bucket=lab.box.bucket, Prefix="x")["KeyCount"] == 0
    lab.box.faults.clear()
    s3.put_object(Bucket=lab.box.bucket, Key="x", Body=b"x")


def test_a_lost_reply_leaves_the_job_made(lab: Lab) -> None:
    lab.box.faults.lose_reply("SubmitJob")
    definition = lab.define()
    asked = {"jobName": "lost", "jobQueue": "sandbox", "jobDefinition": definition}
    with pytest.raises(ConnectionClosedError):
        once("batch").submit_job(**asked)
    named = [{"name": "JOB_NAME", "values": ["lost"]}]
    found = lab.batch.list_jobs(jobQueue="sandbox", filters=named)["jobSummaryList"]
    assert len(found) == 1
    assert lab.end(found[0]["jobId"])["status"] == "SUCCEEDED"


def test_expired_credentials_stay_so_until_a_client_has_new_ones(lab: Lab) -> None:
    box: Sandbox = lab.box
    old_batch, old_s3 = once("batch"), once("s3")
    box.faults.expire_credentials()
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        old_batch.describe_job_queues()
    with pytest.raises(ClientError, match="ExpiredToken"):
        old_s3.list_buckets()
    job = Lab(box)
    job.batch = box.client("batch")  # jobs go on: their credentials are their role's
    assert job.end(job.submit("echo ok"))["status"] == "SUCCEEDED"
    box.renew_credentials()
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        old_batch.describe_job_queues()
    new: Any = aws.Session()
    assert new.client("batch").describe_job_queues()["jobQueues"]


@pytest.mark.parametrize(("when", "work"), [("end", "true"), (0.05, "sleep 600")])
def test_a_host_may_be_lost_in_the_middle_or_after_the_work(lab: Lab, when: Any, work: str) -> None:
    lab.box.faults.lose_host(job="late", when=when)
    job = lab.submit(
        f"echo at work; test $AWS_BATCH_JOB_ATTEMPT = 2 || {work}",
        name="late",
        retryStrategy={"attempts": 2},
    )
    seen = lab.end(job)
    assert seen["status"] == "SUCCEEDED"
    first, second = seen["attempts"]
    assert first["statusReason"].startswith("Host EC2")
    assert second["container"]["exitCode"] == 0
    assert lab.printed(second) == ["at work"]
    if when == "end":
        assert lab.printed(first) == ["at work"]
