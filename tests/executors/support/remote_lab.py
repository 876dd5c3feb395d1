"""Sessions on a store of their own that send calls to AWS: the sandbox's, or an account's."""

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.support.aws import LIVE

import cellgraph as cg
from cellgraph.events import Event
from cellgraph.executor import Executor, Job
from cellgraph.testing.executor_contract import ExecutorContract
from cellgraph.testing.executor_lab import CollectingHost


def leave_out_sandboxed(items: Iterable[pytest.Item], who: str) -> None:
    """With `AWS_LIVE=1`, leave out what an account cannot do. *who* is what runs there."""
    reason = f"AWS_LIVE=1: it plans faults, or its {who} write to this machine's disk"
    for item in items:
        if LIVE and item.get_closest_marker("sandboxed"):
            item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def empty_store(box: Any, patch: pytest.MonkeyPatch, folder: Path) -> Generator[str]:
    """The URI of a store that is empty, seen from a machine that has never seen one."""
    patch.setenv("XDG_CACHE_HOME", str(folder))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    patch.chdir(folder)
    box.forget_requests()
    yield f"{box.store}-{uuid.uuid4().hex[:8]}"
    box.faults.clear()


class Watched:
    """A session and what was said in it."""

    def __init__(self, session: cg.Session) -> None:
        self.session = session
        self.events: list[Event] = []
        session.bus.subscribe(self.events.append)

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if type(event) is kind]


@contextmanager
def sessions(
    uri: str, executor: str, section: Mapping[str, Any]
) -> Generator[Callable[..., Watched]]:
    """What opens a session whose *executor* has *section* and further settings; all are closed."""
    begun: list[cg.Session] = []

    def open_(**settings: Any) -> Watched:
        said = {**section, "poll_s": 0.2, **settings}
        session = cg.Session(store=uri, executors={executor: said})
        begun.append(session)
        return Watched(session)

    yield open_
    for session in begun:
        session.close()


class RemoteContract(ExecutorContract):
    """The contract of every executor, where a place far away can keep it. Add `box`, `executor`."""

    @pytest.fixture
    def host(
        self, box: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[CollectingHost]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with cg.Session(store=f"{box.store}-{uuid.uuid4().hex[:8]}") as session:
            yield CollectingHost(session.store)

    # They arrive with the outcome; until then they are in the job's log alone.
    test_prints_arrive_while_the_call_runs: ClassVar = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]  # not promised here
    # How much there is, the service alone knows: what fits nowhere waits there.
    test_more_than_there_is_is_refused: ClassVar = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]  # not promised here

    def test_queued_calls_are_cancelled(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job], tmp_path: Path
    ) -> None:
        """What was not sent yet is dropped, what was is stopped."""
        started.submit([job("add", i) for i in range(3)])
        started.cancel([1, 2, 3])
        answers = host.wait([1, 2, 3])
        assert {type(answer.error).__name__ for answer in answers.values()} == {"CallCancelled"}  # type: ignore[union-attr]
