"""Which path an object is mounted at, and what has to be set up for that."""

import email
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellgraph.errors import ConfigError
from cellgraph_executors.fsx import Link, association_requests, file_system, look_up, user_data

SAID = {
    "file_system": "fs-0123456789abcdef0",
    "mount": "/fsx/",
    "links": {"/scores": "s3://lab/raw/scores/", "/ref": "s3://lab/reference"},
    "dns_name": "fs-0123456789abcdef0.fsx.eu-west-1.amazonaws.com",
    "mount_name": "abcdef01",
}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3://lab/raw/scores/2026/part-7.csv", "/fsx/scores/2026/part-7.csv"),
        ("s3://lab/raw/scores", "/fsx/scores"),
        ("s3://lab/raw/scores/", "/fsx/scores"),
        ("s3://lab/raw/scores2/part-7.csv", None),
        ("s3://lab/raw", None),
        ("s3://lab2/raw/scores/part-7.csv", None),
        ("s3://lab/reference/hg38.fa", "/fsx/ref/hg38.fa"),
        ("s3://lab/reference/../secret", None),
        ("s3://lab/reference//hg38.fa", None),
        ("/data/raw/scores/part-7.csv", None),
    ],
)
def test_an_object_is_found_below_the_mount(uri: str, path: str | None) -> None:
    assert file_system(SAID).path_of(uri) == path


def test_the_longest_prefix_is_asked_first() -> None:
    links = {"/a": "s3://lab/x", "/b": "s3://lab/y/long", "/c": "s3://lab/longer-name"}
    found = [link.uri for link in file_system({"links": links}).links]
    assert found == sorted(found, key=len, reverse=True)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"links": {"/a": "s3://lab/x", "/b": "s3://lab/x/y"}}, "s3://lab/x and s3://lab/x/y over"),
        ({"links": {"/a": "s3://lab/x", "/b": "s3://lab/x/"}}, "overlap"),
        ({"links": {"/a": "s3://lab/x", "/a/b": "s3://lab/y"}}, "folders /a and /a/b overlap"),
        ({"links": {"a": "s3://lab/x"}}, "'a' is no folder"),
        ({"links": {"/": "s3://lab/x"}}, "is no folder"),
        ({"links": {"/a/../b": "s3://lab/x"}}, "is no folder"),
        ({"links": {"/a": "/data"}}, "is no prefix of a bucket"),
        ({"links": {"/a": "s3://"}}, "is no prefix of a bucket"),
        ({"links": [1]}, "expected {"),
        ({"links": {f"/{i}": f"s3://lab/{i}" for i in range(9)}}, "9 links; a file system has 8"),
        ({"mount": "fsx"}, "expected an absolute folder"),
        ({"mount": "/"}, "expected an absolute folder"),
        ({"mount": 7}, "expected a text"),
        ({"mounts": "/fsx"}, "did you mean 'mount'"),
    ],
)
def test_wrong_settings_are_one_clear_error(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        file_system(said)
    assert message in str(caught.value)


def test_prefixes_that_share_letters_do_not_overlap() -> None:
    assert len(file_system({"links": {"/a": "s3://lab/x", "/ab": "s3://lab/xy"}}).links) == 2


KEYS = st.lists(
    st.text("ab.", min_size=1, max_size=3).filter(lambda part: part not in (".", "..")),
    min_size=1,
    max_size=4,
)


@given(KEYS, KEYS)
def test_what_is_mapped_lies_below_its_folder(prefix: list[str], key: list[str]) -> None:
    system = file_system({"links": {"/ns": "s3://lab/" + "/".join(prefix)}})
    path = system.path_of("s3://lab/" + "/".join(key))
    assert (path is not None) == (key[: len(prefix)] == prefix)
    if path is not None:
        assert path == "/".join(["/fsx/ns", *key[len(prefix) :]])


def test_the_job_definition_gets_volume_and_mount_point() -> None:
    container = file_system(SAID).overlay()["containerProperties"]
    (volume,), (point,) = container["volumes"], container["mountPoints"]
    assert volume == {"name": point["sourceVolume"], "host": {"sourcePath": "/fsx"}}
    assert (point["containerPath"], point["readOnly"]) == ("/fsx", True)
    assert json.loads(file_system(SAID).told())["s3://lab/reference"] == "/fsx/ref"


def test_user_data_is_mime_with_a_script_that_a_shell_reads(tmp_path: Path) -> None:
    message = email.message_from_string(user_data(file_system(SAID)))
    assert message.get_content_type() == "multipart/mixed"
    assert not message.defects
    _, part = message.walk()
    assert part.get_content_type() == "text/x-shellscript"
    script: Any = part.get_payload()
    assert script.startswith("#!/bin/sh\n")
    path = tmp_path / "mount.sh"
    path.write_text(script)
    subprocess.run(["sh", "-n", str(path)], check=True, timeout=20)
    address = "fs-0123456789abcdef0.fsx.eu-west-1.amazonaws.com@tcp:/abcdef01 /fsx"
    assert f"mount -t lustre -o ro,relatime,flock {address}" in script


def test_user_data_needs_an_address_without_tricks() -> None:
    with pytest.raises(ConfigError, match="dns_name and mount_name are needed"):
        user_data(file_system({"mount": "/fsx"}))
    with pytest.raises(ConfigError, match="characters that do not belong"):
        user_data(file_system({**SAID, "mount_name": "x; reboot"}))


def test_associations_are_what_fsx_accepts() -> None:
    import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none
    from botocore.validate import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
        ParamValidator,
    )

    library: Any = boto3
    client: Any = library.client("fsx", region_name="eu-west-1")
    shape = client.meta.service_model.operation_model("CreateDataRepositoryAssociation").input_shape
    requests = association_requests(file_system({**SAID, "read_only": False}))
    assert [r["DataRepositoryPath"] for r in requests] == [
        "s3://lab/reference/",
        "s3://lab/raw/scores/",
    ]
    validator: Any = ParamValidator()
    for request in requests:
        assert not validator.validate(request, shape).has_errors()
        assert "AutoExportPolicy" in request["S3"]


SYSTEM = "fs-0123456789abcdef0"


def answering(*answers: tuple[str, dict[str, Any], dict[str, Any]]) -> Any:
    """botocore's client with these answers, operations and shapes checked against AWS's model."""
    import botocore.session  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none
    import botocore.stub  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none

    own = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    session: Any = botocore.session.Session()
    client = session.create_client("fsx", region_name="eu-west-1", **own)
    stubber: Any = botocore.stub.Stubber(client)
    for operation, request, answer in answers:
        stubber.add_response(operation, answer, request)
    stubber.activate()
    return client


def described(kind: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    answer = {
        "FileSystemId": SYSTEM,
        "FileSystemType": kind,
        "DNSName": "fs-1.fsx.eu-west-1.amazonaws.com",
        "LustreConfiguration": {"MountName": "m0unt"},
    }
    return "describe_file_systems", {"FileSystemIds": [SYSTEM]}, {"FileSystems": [answer]}


def test_links_and_address_are_asked_for() -> None:
    asked = {"Filters": [{"Name": "file-system-id", "Values": [SYSTEM]}]}
    one = {
        "FileSystemPath": "/ns/",
        "DataRepositoryPath": "s3://lab/x/",
        "Lifecycle": "AVAILABLE",
    }
    gone = {**one, "FileSystemPath": "/ns", "Lifecycle": "DELETING"}
    links = "describe_data_repository_associations"
    client = answering(
        described("LUSTRE"),
        (links, asked, {"Associations": [one], "NextToken": "next"}),
        (links, {**asked, "NextToken": "next"}, {"Associations": [gone]}),
    )
    found = look_up(client, file_system({"file_system": SYSTEM}))
    assert found.links == (Link("/ns", "s3://lab/x"),)
    assert (found.dns_name, found.mount_name) == ("fs-1.fsx.eu-west-1.amazonaws.com", "m0unt")
    with pytest.raises(ConfigError, match="not a file system of FSx for Lustre"):
        look_up(answering(described("WINDOWS")), file_system({"file_system": SYSTEM}))
