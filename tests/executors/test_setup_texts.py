"""What is printed for images and accounts is what their readers accept."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from cellgraph.described import Described, describe, read
from cellgraph.errors import ConfigError
from cellgraph_executors.fsx import file_system
from cellgraph_executors.lock import check_signing, dockerfile, lock_of
from cellgraph_executors.template import template

FSX = """
[executors.batch.fsx]
file_system = "fs-0123456789abcdef0"
mount = "/fsx"
dns_name = "fs-0123456789abcdef0.fsx.eu-west-1.amazonaws.com"
mount_name = "abcdef01"
links = { "/scores" = "s3://lab/raw/scores" }
"""


def run(*args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cellgraph.cli", *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
    )


class Installed(Distribution):
    """A distribution as an installer leaves it."""

    def __init__(self, name: str, version: str, direct: object = None) -> None:
        self._files = {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
        if direct is not None:
            self._files["direct_url.json"] = json.dumps(direct)

    def read_text(self, filename: str) -> str | None:
        return self._files.get(filename)

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


_NOTHING: dict[str, str] = {}
EDITABLE = {"url": "file:///home/ada/proj", "dir_info": {"editable": True}}
GIT = {"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
ARCHIVE = {"url": "https://example.org/y-1.whl", "archive_info": _NOTHING}
BUILT = {"url": "file:///tmp/z-2-py3-none-any.whl", "archive_info": _NOTHING}


def test_a_lock_says_exactly_what_is_installed() -> None:
    found = [
        Installed("Zeta_One", "2", BUILT),
        Installed("numpy", "2.3.1"),
        Installed("proj", "0.1", EDITABLE),
        Installed("x", "1", GIT),
        Installed("y", "1", ARCHIVE),
        Installed("pip", "23.2"),
        Installed("numpy", "1.0"),
        Installed("cellgraph", "0.1.0", EDITABLE),
    ]
    lock = lock_of(found, cellgraph="cellgraph==1.0")
    assert lock.requirements == (
        "cellgraph==1.0",
        "numpy==2.3.1",
        "x @ git+https://example.org/x.git@abc123",
        "y @ https://example.org/y-1.whl",
        "zeta-one==2",
    )
    assert lock_of(reversed(found[:1]), cellgraph="").digest != lock.digest
    assert lock_of([*found[1:6], found[0], *found[7:]], cellgraph="cellgraph==1.0") == lock
    with pytest.raises(ConfigError, match="--cellgraph"):
        lock_of(found)


def test_this_interpreter_has_a_lock_that_pip_reads() -> None:
    lock = lock_of(cellgraph="cellgraph==1.0")
    names = {Requirement(line).name for line in lock.requirements}
    assert {"numpy", "pandas", "cellgraph"} <= names
    assert f"numpy=={distribution('numpy').version}" in lock.requirements


def test_the_dockerfile_holds_the_lock(tmp_path: Path) -> None:
    lock = lock_of(cellgraph="cellgraph==1.0")
    done = run("image", "--cellgraph", "cellgraph==1.0", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == dockerfile(lock)
    here = re.search(r"COPY <<'LOCK' \S+\n(.*?)^LOCK$", done.stdout, re.DOTALL | re.MULTILINE)
    assert here is not None
    assert here[1] == lock.text()
    assert f"FROM python:{lock.python}-slim\n" in done.stdout
    assert "FROM mine:1\n" in dockerfile(lock, "mine:1")


def test_an_environment_describes_itself(tmp_path: Path) -> None:
    done = run("describe", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = read(done.stdout)
    assert found == describe()
    assert found.minor == sys.version_info[:2]
    assert found.packages["numpy"] == distribution("numpy").version.partition("+")[0]
    again = Described(found.python, found.machine, dict(list(found.packages.items())[::-1]))
    assert again.digest == found.digest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "python": "3"}'])
def test_a_damaged_record_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="make it again in the image"):
        read(text)
    with pytest.raises(ConfigError, match="upgrade cellgraph"):
        read('{"format": 2}')


def test_the_template_is_clean(tmp_path: Path) -> None:
    (tmp_path / "cellgraph.toml").write_text(FSX)
    done = run("aws", "template", "--fsx", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "template.json"
    file.write_text(done.stdout)
    lint = Path(sys.executable).with_name("cfn-lint")
    strict = ["--regions", "eu-west-1", "--non-zero-exit-code", "informational"]
    checked = subprocess.run(
        [str(lint), *strict, "--template", str(file)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert (checked.returncode, checked.stdout) == (0, "")
    plain = template()["Resources"]
    assert set(json.loads(done.stdout)["Resources"]) - set(plain) == {
        "LaunchTemplate",
        "LustreFrom988",
        "LustreFrom1018",
    }


def statements(made: dict[str, Any]) -> list[dict[str, Any]]:
    """Every statement of every policy that the template itself writes."""
    found: list[dict[str, Any]] = []
    for resource in made["Resources"].values():
        said = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in said.get("Policies", [])]
        documents += [said["PolicyDocument"]] if "PolicyDocument" in said else []
        found += [statement for document in documents for statement in document["Statement"]]
    return found


def test_roles_may_do_little() -> None:
    made = template()
    for statement in statements(made):
        assert not any(action.endswith("*") for action in statement["Action"])
        if statement["Resource"] == "*":  # AWS offers no narrower resource for these
            reads = r"(batch|glue|scheduler):(Describe|List)"
            assert all(re.match(reads, action) for action in statement["Action"])
    job = made["Resources"]["JobRole"]["Properties"]
    assert "ManagedPolicyArns" not in job
    actions = {
        a for p in job["Policies"] for s in p["PolicyDocument"]["Statement"] for a in s["Action"]
    }
    assert all(action.startswith("s3:") for action in actions)
    passing = [s for s in statements(made) if s["Action"] == ["iam:PassRole"]]
    assert passing and all(statement["Condition"] for statement in passing)
    (role,) = made["Resources"]["SchedulerRole"]["Properties"]["Policies"]
    (submitting,) = role["PolicyDocument"]["Statement"]
    assert submitting["Action"] == ["batch:SubmitJob"]


def test_the_file_system_of_the_settings_is_explained(tmp_path: Path) -> None:
    done = run("aws", "fsx", folder=tmp_path)
    assert done.returncode == 1
    assert "no fsx for the executor 'batch'" in done.stderr
    (tmp_path / "cellgraph.toml").write_text(FSX)
    done = run("aws", "fsx", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Content-Type: multipart/mixed" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("aws fsx create-data")]
    request = json.loads(line.partition("'")[2].rstrip("'"))
    assert request["FileSystemPath"] == "/scores"
    assert request["DataRepositoryPath"] == "s3://lab/raw/scores/"


def test_a_template_with_a_mount_needs_an_address() -> None:
    with pytest.raises(ConfigError, match="dns_name and mount_name"):
        template(file_system({"mount": "/fsx"}))


def test_an_image_for_signed_stores_can_sign() -> None:
    bare = lock_of([Installed("cellgraph", "1.0"), Installed("cryptography-vectors", "44.0")])
    with pytest.raises(ConfigError, match="cellgraph\\[team\\]"):
        check_signing(bare, "signed")
    check_signing(bare, "bucket")
    check_signing(lock_of([Installed("Cryptography", "44.0")]), "signed")
