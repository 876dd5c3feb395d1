"""The one endpoint: what it counts, whom it serves, and how it says no."""

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
)

import cellgraph
from cellgraph.errors import ConfigError
from cellgraph.stores.trusted import is_trusted
from cellgraph_executors.sandbox.box import Sandbox

pytestmark = pytest.mark.aws

aws: Any = boto3


def test_a_session_finds_its_results_in_the_sandboxs_bucket(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    log = tmp_path / "ran"

    @cellgraph.task
    def double(x: int) -> int:
        with log.open("a") as file:
            file.write("once ")
        return 2 * x

    for _ in range(2):
        with cellgraph.Session(box.store) as session:
            assert session.evaluate(double(4)) == 8
    assert log.read_text() == "once "
    assert box.requests["s3", "PutObject"] > 0


def test_the_boxs_own_requests_are_not_counted(box: Sandbox) -> None:
    box.forget_requests()
    box.client("s3").list_buckets()
    assert not box.requests
    aws.client("s3").list_buckets()
    aws.client("iam").list_roles()
    assert box.requests == {("s3", "ListBuckets"): 1, ("iam", "ListRoles"): 1}


def test_an_action_that_nobody_has_is_one_clear_refusal(box: Sandbox) -> None:
    box.forget_requests()
    with pytest.raises(ClientError, match=r"UnknownOperation.*no glue GetJobBookmark") as refused:
        aws.client("glue").get_job_bookmark(JobName="x")
    answer: Any = refused.value
    assert answer.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert box.requests["glue", "GetJobBookmark"] == 1  # and is not tried again


def test_the_environment_is_as_before_when_the_sandbox_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    before = dict(os.environ)
    with cellgraph.sandbox() as inner:
        assert os.environ["AWS_ENDPOINT_URL"] == inner.url
        assert "AWS_PROFILE" not in os.environ
        assert is_trusted(inner.store)
    assert dict(os.environ) == before
    assert not is_trusted(inner.store)


def test_a_setting_it_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no setting 'vcpu'.*vcpus"):
        cellgraph.sandbox(vcpu=2).__enter__()


def test_without_moto_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        """No module is installed."""

    monkeypatch.setattr("cellgraph_executors.sandbox.find_spec", absent)
    with pytest.raises(ConfigError, match=r"pip install 'cellgraph\[sandbox\]'"):
        cellgraph.sandbox()


def test_a_request_that_does_not_fit_the_model_is_refused_by_the_server(box: Sandbox) -> None:
    """Clients check before they send; what speaks HTTP by itself does not."""
    for body, message in ((b'{"jobName": "x"}', "jobQueue"), (b"[", "not JSON"), (b"[]", "object")):
        asked = urllib.request.Request(
            f"{box.url}/v1/submitjob",
            data=body,
            headers={"Authorization": "Credential=AK/20261127/us-east-1/batch/aws4_request"},
        )
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            urllib.request.urlopen(asked)
        with refused.value as answer:
            assert message in answer.read().decode()
