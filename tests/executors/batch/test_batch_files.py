"""What a call needs goes with it: files, modules of the project, secrets; mounts of a bucket."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cellgraph as cg
from cellgraph.errors import ConfigError
from cellgraph.testing.executor_lab import user_code

pytestmark = pytest.mark.aws

CODE = """
import os
from pathlib import Path
import cellgraph as cg
import shipped_kit

NAMES = cg.File("data/names.txt")

@cg.task(executor="batch")
def score(i, table, parts, token):
    here = Path.cwd().resolve()
    assert str(table.path.resolve()).startswith(str(here)), "not a copy of its own"
    rows = table.read_text().splitlines()
    return (NAMES.read_text().split()[i], shipped_kit.total(rows[i]),
            sorted(p.name for p in parts), len(token.value()))

@cg.task(executor="batch")
def passed_on(file):
    return file

@cg.task(executor="batch")
def mounted(file):
    return file.read_text(), str(file.path)
"""


@pytest.fixture
def project(tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A project with data and a module that no worker can import from where it is."""
    folder = tmp_path / "project"
    (folder / "data" / "parts").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (folder / "data" / "table.csv").write_text("1,2\n3,4\n5,6\n")
    (folder / "data" / "names.txt").write_text("ada bea cid")
    (folder / "data" / "parts" / "x.txt").write_text("x")
    (folder / "shipped_kit.py").write_text(
        "import shipped_more\n"
        "def total(row): return shipped_more.SIGN * sum(map(int, row.split(',')))\n"
    )
    (folder / "shipped_more.py").write_text("SIGN = -1\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))  # pyright: ignore[reportUnknownMemberType]  # pytest does not say of what
    yield user_code(CODE)
    for name in ("shipped_kit", "shipped_more"):
        sys.modules.pop(name, None)


def test_files_modules_and_secrets_go_with_the_calls(
    opened: Callable[..., Any], project: Any
) -> None:
    session = opened(environment={"SHIP_TOKEN": "s3cret-enough"}).session
    args = (cg.File("data/table.csv"), cg.Dir("data/parts"), cg.Secret("env:SHIP_TOKEN"))
    values = session.evaluate([project["score"](i, *args) for i in range(3)])
    assert values == [
        ("ada", -3, ["x.txt"], 13),
        ("bea", -7, ["x.txt"], 13),
        ("cid", -11, ["x.txt"], 13),
    ]
    same = session.evaluate(project["passed_on"](cg.File("data/table.csv")))
    assert same == cg.File("data/table.csv")


@pytest.mark.sandboxed
def test_a_job_sees_the_mount_of_a_bucket(
    box: Any, opened: Callable[..., Any], project: Any, tmp_path: Path
) -> None:
    bucket = box.store.removeprefix("s3://").split("/")[0]
    s3 = box.client("s3")
    for name in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=f"raw/{name}.txt", Body=f"{name} in S3".encode())
    mount = tmp_path / "fsx"
    (mount / "ns").mkdir(parents=True)
    (mount / "ns" / "a.txt").write_text("a on fs")
    fsx = {"mount": str(mount), "links": {"/ns": f"s3://{bucket}/raw"}}
    session = opened(fsx=fsx).session
    files = [cg.File(f"s3://{bucket}/raw/{name}.txt") for name in ("a", "b")]
    (a, where), (b, copied) = session.evaluate([project["mounted"](f) for f in files])
    assert (a, where) == ("a on fs", str(mount / "ns" / "a.txt"))
    assert b == "b in S3"
    assert not copied.startswith(str(mount))
    found = box.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    containers = [d["containerProperties"] for d in found]
    (container,) = [c for c in containers if c.get("mountPoints")]
    assert container["mountPoints"][0]["containerPath"] == str(mount)
    assert container["volumes"][0]["host"]["sourcePath"] == str(mount)
    told = {v["name"]: v["value"] for v in container["environment"]}["CELLGRAPH_MOUNTS"]
    assert json.loads(told) == {f"s3://{bucket}/raw": str(mount / "ns")}
    # what it was read from is no part of what it is called
    other = opened().session
    run = other.submit([project["mounted"](f) for f in files])
    assert run.result()[0][0] == "a on fs"
    assert run.counts.executed == 0


def test_wrong_links_are_refused_before_anything_leaves(
    box: Any, opened: Callable[..., Any], project: Any
) -> None:
    with pytest.raises(ConfigError, match="overlap"):
        opened(fsx={"links": {"/a": "s3://x/y", "/b": "s3://x/y/z"}}).session.evaluate(
            project["passed_on"](cg.File("data/table.csv"))
        )
    assert box.requests["batch", "SubmitJob"] == 0
