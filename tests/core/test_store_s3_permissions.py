"""The policy that `doctor` prints is enough, and each part of it is needed."""

import fnmatch
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

from cellgraph.cli.app import FAILED, OK, run
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.s3.bucket import Access, Bucket
from cellgraph.stores.s3.faults import Refused
from cellgraph.stores.s3.place import parse_uri
from cellgraph.testing.store_samples import contents, key_of, sample_payload

CALM = Pace(flush_s=3600, refresh_s=0)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(
    shared_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[S3Server]:
    point_at(shared_server, monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shared_server.forget_requests()
    yield shared_server
    shared_server.fault = lambda method, path: None


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["doctor", "--policy", *arguments]) == OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


class Guard:
    """Answers requests as a bucket with this policy would."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.policy = policy
        self.used: set[str] = set()

    def __call__(self, method: str, path: str) -> tuple[int, str] | None:
        place, _, query = path.partition("?")
        said = parse_qs(query, keep_blank_values=True)
        bucket, _, key = place.removeprefix("/").partition("/")
        resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
        action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}.get(method)
        if "list-type" in said:
            action = "s3:ListBucket"
        elif method == "POST":
            action = "s3:DeleteObject" if "delete" in said else "s3:PutObject"
        elif method == "DELETE":
            action = "s3:AbortMultipartUpload" if "uploadId" in said else "s3:DeleteObject"
        assert action is not None
        self.used.add(action)
        if action == "s3:DeleteObject" and not key:
            resource += "/*"  # the keys are in the body
        for statement in self.policy["Statement"]:
            like = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
            prefix = said.get("prefix", [""])[0]
            if (
                action in statement["Action"]
                and (resource.startswith(statement["Resource"].rstrip("*")))
                and (like is None or any(fnmatch.fnmatchcase(prefix, each) for each in like))
            ):
                return None
        return 403, "AccessDenied"


def work(uri: str, home: Path, said: list[str]) -> None:
    """Write, merge and read as several machines do; raises AssertionError when that fails."""
    large = sample_payload(9, (20_000_000,))
    for i in range(5):
        store = S3Store(uri, cache=home / f"{i}", pace=CALM, say=said.append)
        store.append([Entry(key_of(i), 1, b"x")])
        store.put_blob(large if i == 0 else sample_payload(i))
        store.write_file(f"runs/{i}.json", b"{}")
        store.get_many([key_of("none")])
        store.close()
    other = S3Store(uri, cache=home / "other", pace=CALM, say=said.append)
    assert len(other.get_many([key_of(i) for i in range(5)])) == 5
    assert contents(other.get_blob(large.digest())) == contents(large)
    assert len(other.list_files("runs")) == 5
    other.close()


def test_it_is_enough(server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"s3://{BUCKET}/{tmp_path.name}"
    guard = server.fault = Guard(printed(capsys, "--store", uri))
    said: list[str] = []
    work(uri, tmp_path, said)
    assert said == []
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= guard.used
    elsewhere: list[str] = []
    with pytest.raises(AssertionError):
        work(f"s3://{BUCKET}/another", tmp_path / "more", elsewhere)
    assert any("refuses to be" in text for text in elsewhere)


@pytest.mark.parametrize("lacking", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_each_part_is_needed_and_doctor_says_so(
    server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], lacking: str
) -> None:
    uri = f"s3://{BUCKET}/{tmp_path.name}"
    policy = printed(capsys, "--store", uri)
    for statement in policy["Statement"]:
        statement["Action"] = [a for a in statement["Action"] if a != lacking]
    server.fault = Guard(policy)
    assert run(["doctor", "--store", uri]) == FAILED
    out = capsys.readouterr().out
    assert "refuses to be" in out and f"cellgraph doctor --policy --store {uri}" in out
    server.fault = lambda method, path: None
    run(["doctor", "--store", uri])
    assert f"{uri}: 0 runs on record; everybody who can write" in capsys.readouterr().out


def test_keys_and_whole_buckets(
    server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = printed(capsys, "--store", "s3://team")
    assert "Condition" not in whole["Statement"][1]
    assert whole["Statement"][0]["Resource"] == "arn:aws:s3:::team/*"
    resources: dict[str, str] = {}
    for name in ("arn:aws:kms:eu-west-1:1:key/a-b", "a-b", "alias/team"):
        (tmp_path / "cellgraph.toml").write_text(f'store = "s3://team/x"\ns3.kms_key = "{name}"\n')
        statement = printed(capsys)["Statement"][2]
        resources[name] = statement["Resource"]
        assert ("Condition" in statement) == name.startswith("alias")
    assert list(resources.values()) == [
        "arn:aws:kms:eu-west-1:1:key/a-b", "arn:aws:kms:*:*:key/a-b", "*",
    ]  # fmt: skip
    assert run(["doctor", "--policy", "--store", str(tmp_path)]) == FAILED


def test_what_may_not_be_deleted_is_said(server: S3Server, tmp_path: Path) -> None:
    """S3 answers 200 to the request, and says of each object whether it went."""
    bucket = Bucket(parse_uri(f"s3://{BUCKET}/{tmp_path.name}"), Access())
    names = ["a", "kept/b", "c"]
    for name in names:
        bucket.put(name, b"x")
    arn = f"arn:aws:s3:::{BUCKET}/{tmp_path.name}/kept/*"
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": arn}
    with policy_of({"Version": "2012-10-17", "Statement": [denied]}):
        with pytest.raises(Refused, match="AccessDenied"):
            bucket.delete(names)
        assert [found.name for found in bucket.list("")] == ["kept/b"]
    bucket.delete(names)
    assert list(bucket.list("")) == []
    bucket.close()


@contextmanager
def policy_of(policy: dict[str, Any]) -> Generator[None]:
    """The bucket answers as one with this policy, which it itself knows."""
    aws: Any = botocore.session
    client = aws.get_session().create_client("s3")
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    try:
        yield
    finally:
        client.delete_bucket_policy(Bucket=BUCKET)
