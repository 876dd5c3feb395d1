"""`environment="lock"`: in the place of an image a Python with pip and nothing else; pip asks an
index on loopback."""

import ensurepip
import venv
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.support.index import WORKER, Index, serving
from tests.executors.batch.support.lumps import have

from cellgraph.errors import ConfigError, TaskError
from cellgraph.events import RemoteJobAdded
from cellgraph.testing.executor_lab import user_code
from cellgraph_executors.batch.locked import started
from cellgraph_executors.batch.settings import checked

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed]

_CODE = """
import sys
import cellgraph as cg
import lumps

@cg.task(executor="batch")
def weigh(n):
    return f"{n} by {lumps.RELEASE}", sys.prefix
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with pip alone: the one that Python brings, unpacked (`with_pip` takes seconds)."""
    folder = tmp_path_factory.mktemp("image")
    venv.create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (pip,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    with zipfile.ZipFile(pip) as packed:
        packed.extractall(site)
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with serving(tmp_path_factory.mktemp("index"), WORKER) as index:
        index.make("lumps", "2.0", "RELEASE = '2.0'\n")
        yield index


@pytest.fixture
def weigh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A task that names a package, of which this machine has another version."""
    have(monkeypatch, tmp_path, "1.0")
    return user_code(_CODE, "notebook_of_locks")["weigh"]


@pytest.fixture
def locked(
    image: Path, index: Index, tmp_path: Path, opened: Callable[..., Any]
) -> Callable[..., Any]:
    """Open a session whose jobs install a lock; *host* is the machine that they run on."""

    def open_(host: str, lumps: str) -> Any:
        lock = tmp_path / "requirements.txt"
        lines = [f"{name}=={version(name)}" for name in WORKER]
        lock.write_text("\n".join(["cellgraph==0.0.1", *lines, lumps]))
        said = {
            "PATH": f"{image}/bin:/usr/bin:/bin",
            "PIP_INDEX_URL": index.url,
            "CELLGRAPH_ENVIRONMENTS": str(tmp_path / host),
        }
        return opened(image="python:3.11-slim", environment="lock", lock=str(lock), variables=said)

    return open_


def jobs(watched: Any) -> list[str]:
    return [added.task.partition(" with ")[0] for added in watched.of(RemoteJobAdded)]


@pytest.mark.slow
def test_packages_are_installed_once_and_kept(
    weigh: Any, locked: Callable[..., Any], index: Index, image: Path
) -> None:
    """By the first job, for all jobs on all hosts; the index is asked once."""
    first = locked("a", "lumps==2.0")
    values = first.session.evaluate([weigh(i) for i in range(3)])
    assert values == [(f"{i} by 2.0", str(image)) for i in range(3)]
    assert jobs(first) == ["describe image python:3.11-slim", "weigh"]
    asked = dict(index.asked)
    assert asked["lumps"] == 2  # its page and its wheel
    first.session.close()

    other = locked("b", "lumps==2.0")
    assert other.session.evaluate(weigh(3)) == ("3 by 2.0", str(image))
    assert jobs(other) == ["weigh"]
    assert dict(index.asked) == asked
    # the reducer as a job, too: its calls are those of here
    run = other.session.submit([weigh(3), weigh(4)], on="batch")
    assert run.result() == [("3 by 2.0", str(image)), ("4 by 2.0", str(image))]
    assert dict(index.asked) == asked


@pytest.mark.slow
def test_what_pip_cannot_install_is_said_on_the_call(
    weigh: Any, locked: Callable[..., Any]
) -> None:
    """With pip's own last lines; corrected, it goes on."""
    wrong = locked("a", "lumps==9.9")
    with pytest.raises(TaskError) as caught:
        wrong.session.evaluate(weigh(1))
    assert "pip cannot install the locked packages" in str(caught.value.error)
    assert "No matching distribution found for lumps==9.9" in str(caught.value.error)
    assert jobs(wrong) == ["describe image python:3.11-slim"]
    right = locked("a", "lumps==2.0")
    assert right.session.evaluate(weigh(1))[0] == "1 by 2.0"


def test_an_old_python_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it meets what it cannot read."""
    monkeypatch.setattr("sys.version_info", (3, 9, 18))
    python, _, program, *rest = started(["cellgraph", "worker", "run", "--array", "a"])
    assert (python, rest) == ("python3", ["run", "--array", "a"])
    with pytest.raises(SystemExit, match=r"has Python 3\.9: name one that has 3\.11"):
        exec(program, {})


def test_settings_of_a_lock() -> None:
    assert checked("batch", {"environment": "lock"}).said_variables == {}
    made = checked("batch", {"environment": {"A": "1"}, "variables": {"B": "2"}})
    assert made.said_variables == {"A": "1", "B": "2"}
    assert not made.is_locked
    with pytest.raises(ConfigError, match="lock= names what environment="):
        checked("batch", {"lock": "requirements.txt"})
    with pytest.raises(ConfigError, match='expected a section, or "lock"'):
        checked("batch", {"environment": "lcok"})
