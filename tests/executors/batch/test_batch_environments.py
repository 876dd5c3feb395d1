"""Packages count by their version where a call runs: in the image, not here."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.support.lumps import have, install

import cellgraph as cg
from cellgraph.described import Described
from cellgraph.errors import ConfigError, EnvironmentChanged, LimitError, TaskError
from cellgraph.events import RemoteJobAdded
from cellgraph.surroundings import entry_of, on_record
from cellgraph.testing.executor_lab import eventually, user_code

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed]

_CODE = """
import cellgraph as cg
import lumps

@cg.task(executor="batch")
def weigh(n):
    return f"{n} by {lumps.RELEASE}"

@cg.task(executor="batch", packages="none")
def weigh_with_any(n):
    return f"{n} by {lumps.RELEASE}"

@cg.task
def gather(n):
    return [weigh(i) for i in range(n)]

@cg.task
def weigh_anywhere(n):
    return f"{n} by {lumps.RELEASE}"

@cg.task
def scatter(n):
    return [weigh_anywhere.options(executor="batch")(i) for i in range(n)]

@cg.task(inherit={"executor": "batch"}, executor="thread")
def spread(n):
    return [weigh_anywhere(i) for i in range(n)]

@cg.task(executor="batch")
def plain(n):
    return n + 1
"""


class Lab:
    """Tasks that name a package, and images that have it in some version."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, opened: Callable[..., Any]) -> None:
        self._folder = folder
        self._opened = opened
        have(patch, folder, "1.0")
        self.tasks = user_code(_CODE, "notebook_of_lumps")

    def image(self, release: str, name: str = "science:latest") -> Any:
        """A session whose image has `lumps` in that version, or not at all."""
        site = self._folder / f"lumps-{release or 'missing'}" / "site-packages"
        if not site.is_dir():
            install(self._folder, release)
        return self._opened(image=name, environment={"PYTHONPATH": str(site)})


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Any]) -> Lab:
    return Lab(tmp_path, monkeypatch, opened)


def jobs(watched: Any) -> list[str]:
    return [added.task for added in watched.of(RemoteJobAdded)]


def test_equal_versions_make_equal_results(lab: Lab, uri: str) -> None:
    """What a thread has computed answers for a job, once it is known what the image has."""
    weigh = lab.tasks["weigh"]
    with cg.Session(store=uri) as here:
        assert here.evaluate(weigh.options(executor="thread")(3)) == "3 by 1.0"
    watched = lab.image("1.0")
    assert watched.session.evaluate(weigh(3)) == "3 by 1.0"
    assert jobs(watched) == ["describe image science:latest"]
    described, _ = on_record(watched.session.store, "image science:latest") or (None, 0)
    assert described is not None
    assert described.packages["lumps"] == "1.0"
    assert watched.session.evaluate(weigh(4)) == "4 by 1.0"
    again = lab.image("1.0")
    run = again.session.submit([weigh(3), weigh(4)])
    assert run.result() == ["3 by 1.0", "4 by 1.0"]
    assert (run.counts.executed, jobs(again)) == (0, [])


def test_other_versions_make_other_results(lab: Lab, uri: str) -> None:
    """Also of a task that only another one calls; each place finds its own again."""
    gather, weigh = lab.tasks["gather"], lab.tasks["weigh"]
    with cg.Session(store=uri) as here:
        assert here.evaluate(weigh.options(executor="thread")(1)) == "1 by 1.0"
    watched = lab.image("2.0")
    assert watched.session.evaluate(gather(2)) == ["0 by 2.0", "1 by 2.0"]
    assert jobs(watched) == ["describe image science:latest", "weigh"]
    run = watched.session.submit(gather(2))
    assert run.result() == ["0 by 2.0", "1 by 2.0"]
    assert run.counts.executed == 0
    moved = weigh.options(executor="thread")
    run = watched.session.submit(moved(1))
    assert run.result() == "1 by 1.0"
    assert run.counts.executed == 0


@pytest.mark.slow
def test_a_package_that_the_image_lacks(lab: Lab) -> None:
    watched = lab.image("")
    weigh, gather = lab.tasks["weigh"], lab.tasks["gather"]
    for call in (weigh(1), gather(2)):
        with pytest.raises(ConfigError, match=r"weigh names .* lumps.*image science:latest"):
            watched.session.evaluate(call)
    assert jobs(watched) == ["describe image science:latest"]
    with pytest.raises(TaskError, match="No module named 'lumps'"):
        watched.session.evaluate(lab.tasks["weigh_with_any"](1))
    # the tag stands for another image by now
    other = lab.image("1.0")
    assert other.session.evaluate(weigh(1)) == "1 by 1.0"
    assert jobs(other) == ["describe image science:latest", "weigh"]


@pytest.mark.slow
def test_one_job_describes_whoever_asks(lab: Lab, box: Any) -> None:
    """Two runs of a session and another kernel; who asks for nothing waits for nothing."""
    weigh = lab.tasks["weigh"]
    kernels = [lab.image("1.0") for _ in range(2)]
    box.faults.lag(4)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(kernels[0].session.evaluate, weigh(i)) for i in range(2)]
        eventually(lambda: jobs(kernels[0]) != [])
        runs.append(pool.submit(kernels[1].session.evaluate, weigh(2)))
        here = weigh.options(executor="thread")(7)
        assert kernels[0].session.evaluate(here) == "7 by 1.0"
        assert not any(run.done() for run in runs)
        assert [run.result() for run in runs] == [f"{i} by 1.0" for i in range(3)]
    left = [added for kernel in kernels for added in kernel.of(RemoteJobAdded)]
    assert len({added.job for added in left if added.task.startswith("describe")}) == 1


def test_a_description_is_none_of_the_calls_that_are_limited(lab: Lab) -> None:
    watched = lab.image("1.0")
    weigh = lab.tasks["weigh"]
    with pytest.raises(LimitError, match="describe image"):
        watched.session.evaluate([weigh(1)], max_remote_calls=0)
    assert jobs(watched) == []
    calls = [weigh(i) for i in range(2)]
    with pytest.raises(LimitError, match="2 weigh would run"):
        watched.session.evaluate(calls, max_remote_calls=1)
    assert watched.session.evaluate(calls, max_remote_calls=2) == ["0 by 1.0", "1 by 1.0"]


@pytest.mark.slow
def test_a_tag_that_moves(lab: Lab) -> None:
    """What is on record is compared where a call runs; nothing is kept under a wrong name."""
    weigh = lab.tasks["weigh"]
    assert lab.image("1.0").session.evaluate(weigh(1)) == "1 by 1.0"
    watched = lab.image("2.0")
    run = watched.session.submit(weigh(2))
    with pytest.raises(TaskError, match=r"lumps 2\.0 and not 1\.0") as caught:
        run.result()
    assert isinstance(caught.value.error, EnvironmentChanged)
    assert watched.session.evaluate(weigh(2)) == "2 by 2.0"
    assert watched.session.evaluate(weigh(1)) == "1 by 2.0"
    third = lab.image("3.0")
    assert third.session.evaluate(weigh(3)) == "3 by 3.0"  # evaluated again by itself
    assert jobs(third) == ["weigh", "weigh"]
    fourth = lab.image("4.0")
    kept = fourth.session.evaluate([weigh(4), lab.tasks["plain"](4)], fail="keep")
    assert kept == ["4 by 4.0", 5]


@pytest.mark.slow
def test_a_job_that_runs_anyway_describes_its_image(lab: Lab) -> None:
    watched = lab.image("2.0")
    assert watched.session.evaluate(lab.tasks["plain"](1)) == 2
    assert watched.session.evaluate(lab.tasks["weigh"](1)) == "1 by 2.0"
    assert jobs(watched) == ["plain", "weigh"]


def test_bytecode_for_another_python_is_not_sent(lab: Lab) -> None:
    """Once it is on record which Python an image has."""
    made: dict[str, Any] = {"__name__": "nowhere"}
    exec("def add(a, b):\n    return a + b", made)
    task: Any = cg.task(executor="batch")(made["add"])
    watched = lab.image("1.0", "science:old")
    record = Described("3.9.18", "x86_64-linux", {}).text()
    watched.session.store.append([entry_of("image science:old", record, 0.0)])
    with pytest.raises(TaskError, match=r"needs Python .* and image science:old has 3\.9: add .*"):
        watched.session.evaluate(task(1, 2))
    assert jobs(watched) == []


@pytest.mark.slow
def test_final_values_rest_on_the_versions_below_them(lab: Lab) -> None:
    """Whether a task says itself where it runs, or whoever calls it does."""
    calls = [lab.tasks[name](2) for name in ("gather", "scatter", "spread")]
    first = lab.image("1.0")
    assert first.session.evaluate(calls) == [["0 by 1.0", "1 by 1.0"]] * 3
    run = first.session.submit(calls)
    assert run.result() == [["0 by 1.0", "1 by 1.0"]] * 3
    assert run.counts.executed == 0
    second = lab.image("2.0")
    assert second.session.evaluate(lab.tasks["weigh"](9)) == "9 by 2.0"
    for call in calls:
        assert second.session.evaluate(call) == ["0 by 2.0", "1 by 2.0"]
