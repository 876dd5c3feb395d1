"""A file system that shows a bucket, mounted where jobs expect it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # no type hints
    ClientError,
)
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox.batch import hosting, mounting
from cellgraph_executors.sandbox.batch.model import Mount

pytestmark = pytest.mark.aws

aws: Any = boto3
POLICY = {"AutoImportPolicy": {"Events": ["NEW"]}, "AutoExportPolicy": {"Events": ["NEW"]}}


@pytest.fixture
def system(lab: Lab) -> Iterator[str]:
    """A file system that hosts mount at /fsx."""
    fsx = lab.box.client("fsx")
    made = fsx.create_file_system(
        FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=["subnet-0123456789abcdef0"]
    )["FileSystem"]["FileSystemId"]
    lab.box.file_systems.mount(made, "/fsx")
    yield made
    fsx.delete_file_system(FileSystemId=made)


def associate(lab: Lab, system: str, path: str, prefix: str) -> None:
    aws.client("fsx").create_data_repository_association(
        FileSystemId=system,
        FileSystemPath=path,
        DataRepositoryPath=f"s3://{lab.box.bucket}/{prefix}",
        S3=POLICY,
    )


def mounted(lab: Lab, script: str, *, read_only: bool = False, at: str = "/fsx") -> str:
    return lab.define(
        container={
            "command": ["sh", "-c", script],
            "environment": [{"name": "DATA", "value": f"{at}/raw"}],
            "volumes": [{"name": "fsx", "host": {"sourcePath": "/fsx"}}],
            "mountPoints": [{"sourceVolume": "fsx", "containerPath": at, "readOnly": read_only}],
        }
    )


def test_a_file_system_is_described_with_what_mounting_it_needs(lab: Lab, system: str) -> None:
    associate(lab, system, "/raw", "described")
    fsx = aws.client("fsx")
    found = fsx.describe_file_systems(FileSystemIds=[system])["FileSystems"][0]
    assert found["Lifecycle"] == "AVAILABLE"
    assert found["DNSName"].startswith(system)
    assert found["LustreConfiguration"]["MountName"]
    links = fsx.describe_data_repository_associations(
        Filters=[{"Name": "file-system-id", "Values": [system]}]
    )["Associations"]
    assert [(a["FileSystemPath"], a["DataRepositoryPath"]) for a in links] == [
        ("/raw", f"s3://{lab.box.bucket}/described")
    ]


@pytest.mark.parametrize("at", ["/fsx", "/opt/data/fsx"])
def test_a_job_reads_objects_and_its_files_become_objects(lab: Lab, system: str, at: str) -> None:
    s3, bucket = lab.box.client("s3"), lab.box.bucket
    s3.put_object(Bucket=bucket, Key="raw/a/one.txt", Body=b"one")
    associate(lab, system, "/raw", "raw")
    s3.put_object(Bucket=bucket, Key="raw/two.txt", Body=b"two")  # imported by its policy
    script = "cat $DATA/a/one.txt $DATA/two.txt; echo made > $DATA/three.txt; pwd; ls -d /usr/bin"
    seen = lab.end(lab.submit(definition=mounted(lab, script, at=at)))
    said = lab.printed(seen)
    assert seen["status"] == "SUCCEEDED", said
    assert said[0] == f"onetwo{lab.box.folder}/jobs/{said[0].rpartition('/')[2]}"
    assert said[1] == "/usr/bin"
    assert s3.get_object(Bucket=bucket, Key="raw/three.txt")["Body"].read() == b"made\n"
    assert not Path(at).exists()


def test_a_read_only_mount_cannot_be_written(lab: Lab, system: str) -> None:
    seen = lab.end(
        lab.submit(definition=mounted(lab, "touch /fsx/x 2>&1 && echo written", read_only=True))
    )
    assert seen["status"] == "FAILED"
    assert "Read-only file system" in lab.printed(seen)[0]


def test_without_namespaces_the_environment_names_the_folder(
    lab: Lab, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "has_namespaces", lambda: False)
    lab.box.client("s3").put_object(Bucket=lab.box.bucket, Key="raw/x.txt", Body=b"x")
    associate(lab, system, "/raw", "raw")
    seen = lab.end(lab.submit(definition=mounted(lab, "cat $DATA/x.txt")))
    note, text = lab.printed(seen)
    assert (note[:27], text) == ("[sandbox: no namespaces her", "x")


def test_associations_do_not_overlap(lab: Lab, system: str) -> None:
    associate(lab, system, "/raw", "p/q")
    for path, prefix in (("/raw/in", "other"), ("/", "other"), ("/b", "p"), ("/b", "p/q/r")):
        with pytest.raises(ClientError, match="overlaps"):
            associate(lab, system, path, prefix)
    associate(lab, system, "/raw2", "p/q2")


def test_only_whole_paths_are_rewritten() -> None:
    environment = {
        "A": "/fsx/x:/fsx",
        "B": "/data/fsx",
        "C": '{"mount": "/fsx"}',
        "D": "/fsx2",
        "PATH": "/fsx",
    }
    assert mounting.rewritten(environment, [Mount("/host", "/fsx", False)]) == {
        "A": "/host/x:/host",
        "B": "/data/fsx",
        "C": '{"mount": "/host"}',
        "D": "/fsx2",
        "PATH": "/fsx",
    }
