"""The contract of every executor, where a place far away can keep it."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import cellgraph as cg
from cellgraph.executor import Executor, Job
from cellgraph.testing.executor_contract import ExecutorContract
from cellgraph.testing.executor_lab import CollectingHost
from cellgraph_executors.glue.executor import GlueExecutor

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with cg.sandbox() as box:
        yield box


class TestGlueExecutor(ExecutorContract):
    many: ClassVar[int] = 8

    @pytest.fixture
    def executor(self, box: Any) -> Executor:
        return GlueExecutor(**box.glue, poll_s=0.2)

    @pytest.fixture
    def host(
        self, box: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[CollectingHost]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with cg.Session(store=f"{box.store}-{uuid.uuid4().hex[:8]}") as session:
            yield CollectingHost(session.store)

    # They arrive with the outcome; until then they are in the run's log alone.
    test_prints_arrive_while_the_call_runs = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # not promised here
    # How much there is, Glue alone knows.
    test_more_than_there_is_is_refused = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # not promised here

    def test_queued_calls_are_cancelled(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job], tmp_path: Path
    ) -> None:
        """What was not sent yet is dropped, what was is stopped."""
        started.submit([job("add", i) for i in range(3)])
        started.cancel([1, 2, 3])
        answers = host.wait([1, 2, 3])
        assert {type(answer.error).__name__ for answer in answers.values()} == {"CallCancelled"}  # type: ignore[union-attr]
