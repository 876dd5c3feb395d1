"""What every executor keeps: subclass `ExecutorContract` in your tests and say how to make one.

    class TestMyExecutor(ExecutorContract):
        @pytest.fixture
        def executor(self) -> Executor:
            return MyExecutor()

The base starts it with a `CollectingHost` and closes it afterwards.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cellgraph.digest import digest
from cellgraph.errors import CallCancelled, CallTimeout, ConfigError, ExecutorError
from cellgraph.executor import Executor, Function, Job, JobDone, JobFailed, JobLog, Resources
from cellgraph.result import Inline, Stored
from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.executor_lab import (
    CollectingHost,
    eventually,
    held,
    result_of,
    user_code,
)

# The functions of "the user": not part of this package, so that their frames are the user's.
_USER_CODE = """
import os, sys, time

def add(a, b=1):
    return a + b

def fail(text):
    raise ValueError(text)

def leave():
    raise SystemExit(3)

def speak(text):
    print(text)
    print("and " + text, file=sys.stderr)
    print("no newline", end="")

def change(items):
    items.append("changed")
    return items

def numbers(n):
    return list(range(n))

def wait_for(path, text=""):
    if text:
        print(text)
    while not os.path.exists(path):
        time.sleep(0.005)
    return path

def spin():
    while True:
        pass

"""


class ExecutorContract:
    """The tests. Override `many` for a place where a call takes long."""

    many: ClassVar[int] = 2_000

    @pytest.fixture
    def executor(self) -> Executor:
        """A new executor, not started."""
        raise NotImplementedError("give a fixture `executor`")

    @pytest.fixture
    def host(self) -> CollectingHost:
        """What the executor reports to."""
        return CollectingHost(MemoryStore())

    @pytest.fixture
    def started(self, executor: Executor, host: CollectingHost) -> Iterator[Executor]:
        """The executor, started; closed after the test."""
        executor.start(host)
        yield executor
        executor.close()

    @pytest.fixture
    def functions(self) -> dict[str, Any]:
        """The user's functions by name."""
        return user_code(_USER_CODE)

    @pytest.fixture
    def job(self, functions: dict[str, Any]) -> Callable[..., Job]:
        """Make a job: ``job("add", 1, b=2, resources=Resources())``, ids counted from 1."""
        made: list[Job] = []

        def make(name: str, *args: Any, resources: Resources | None = None, **kwargs: Any) -> Job:
            function = Function(name, functions[name], digest(name.encode()))
            new = Job(len(made) + 1, function, args, kwargs, resources or Resources())
            made.append(new)
            return new

        return make

    # --- results ---

    def test_a_call_is_answered_with_its_value(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        before = time.time()
        started.submit([job("add", 1, b=2)])
        answer = host.wait([1])[1]
        assert result_of(answer, host.store) == 3
        assert before - 1 <= answer.started <= time.time()
        assert 0 <= answer.elapsed_s <= time.time() - before + 1

    def test_a_task_owns_its_arguments(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        items = [1, [2]]
        started.submit([job("change", held(items)), job("change", held(items))])
        answers = host.wait([1, 2])
        for answer in answers.values():
            assert result_of(answer, host.store) == [1, [2], "changed"]
        assert items == [1, [2]]

    def test_results_are_arguments_of_further_calls(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        """Small and large ones, the latter through the store."""
        started.submit([job("numbers", 3), job("numbers", 50_000)])
        small, large = host.wait([1, 2]).values()
        assert isinstance(small, JobDone)
        assert isinstance(small.outcome, Inline)
        assert isinstance(large, JobDone)
        assert isinstance(large.outcome, Stored)
        assert host.store.has_blob(large.outcome.blob)
        started.submit([job("add", small.outcome, b=large.outcome), job("add", [1], b=[2])])
        nested, plain = host.wait([3, 4]).values()
        assert result_of(nested, host.store) == [*range(3), *range(50_000)]
        assert result_of(plain, host.store) == [1, 2]

    def test_many_calls_are_each_answered_once(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        jobs = [job("add", i) for i in range(self.many)]
        started.submit(jobs[: self.many // 2])
        started.submit(jobs[self.many // 2 :])
        answers = host.wait([j.id for j in jobs])
        assert [result_of(answers[j.id], host.store) for j in jobs] == [*range(1, self.many + 1)]
        assert set(Counter(a.id for a in host.answers()).values()) == {1}

    # --- failures ---

    def test_a_failure_has_its_error_and_the_users_frames(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit([job("fail", "no rows")])
        answer = host.wait([1])[1]
        assert isinstance(answer, JobFailed)
        assert type(answer.error) is ValueError
        assert str(answer.error) == "no rows"
        assert not answer.by_executor
        assert "in fail" in answer.traceback
        assert "raise ValueError(text)" in answer.traceback  # the line itself
        assert "ValueError: no rows" in answer.traceback
        assert "cellgraph" not in answer.traceback

    def test_leaving_the_interpreter_is_a_failure_of_the_call(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit([job("leave"), job("add", 1)])
        answers = host.wait([1, 2])
        assert isinstance(answers[1], JobFailed)
        assert isinstance(answers[1].error, SystemExit)
        assert result_of(answers[2], host.store) == 2

    # --- what calls print ---

    def test_prints_belong_to_their_call(
        self,
        started: Executor,
        host: CollectingHost,
        job: Callable[..., Job],
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        started.submit([job("speak", "one"), job("add", 1), job("speak", "two")])
        host.wait([1, 2, 3])
        assert host.text(1) == "one\nno newline"
        assert host.text(1, "stderr") == "and one\n"
        assert host.text(2) == ""
        assert host.text(3) == "two\nno newline"
        spoken = (JobLog, JobDone, JobFailed)
        order = [(type(e), e.id) for e in host.events if isinstance(e, spoken) and e.id == 1]
        assert order[-1] == (JobDone, 1)
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err == ""

    def test_prints_arrive_while_the_call_runs(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job], tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        started.submit([job("wait_for", str(gate), text="still at it")])
        eventually(lambda: host.text(1) == "still at it\n")
        assert host.answers() == []
        gate.touch()
        host.wait([1])

    # --- stopping ---

    def test_running_names_what_runs(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job], tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        assert list(started.running()) == []
        started.submit([job("wait_for", str(gate))])
        eventually(lambda: list(started.running()) == [1])
        gate.touch()
        host.wait([1])
        eventually(lambda: list(started.running()) == [])

    def test_queued_calls_are_cancelled(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job], tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        jobs = [job("wait_for", str(gate)) for _ in range(200)]
        started.submit(jobs)
        eventually(lambda: len(started.running()) > 0)
        going = set(started.running())
        waiting = [j.id for j in jobs if j.id > max(going) + 100]
        started.cancel(waiting)
        answers = host.wait(waiting)
        for answer in answers.values():
            assert isinstance(answer, JobFailed)
            assert isinstance(answer.error, CallCancelled)
            assert answer.by_executor
        gate.touch()
        answers = host.wait([j.id for j in jobs])
        assert all(isinstance(answers[i], JobDone) for i in going)
        assert set(Counter(a.id for a in host.answers()).values()) == {1}

    def test_a_running_call_is_cancelled(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit([job("spin")])
        eventually(lambda: list(started.running()) == [1])
        started.cancel([1])
        answer = host.wait([1])[1]
        assert isinstance(answer, JobFailed)
        assert isinstance(answer.error, CallCancelled)
        started.submit([job("add", 1)])
        assert result_of(host.wait([2])[2], host.store) == 2
        assert set(Counter(a.id for a in host.answers()).values()) == {1}

    def test_cancelling_what_has_ended_changes_nothing(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit([job("add", 1)])
        host.wait([1])
        started.cancel([1, 77])
        started.submit([job("add", 2)])
        assert result_of(host.wait([2])[2], host.store) == 3
        assert len(host.answers()) == 2

    def test_a_call_runs_out_of_time(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit([job("spin", resources=Resources(timeout_s=0.2)), job("add", 1)])
        answers = host.wait([1, 2])
        assert isinstance(answers[1], JobFailed)
        assert isinstance(answers[1].error, CallTimeout)
        assert "0.2" in str(answers[1].error)
        assert result_of(answers[2], host.store) == 2

    def test_a_call_in_time_is_not_stopped(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        jobs = [job("add", i, resources=Resources(timeout_s=60)) for i in range(20)]
        started.submit(jobs)
        answers = host.wait([j.id for j in jobs])
        assert all(isinstance(a, JobDone) for a in answers.values())

    # --- admission and options ---

    def test_more_than_there_is_is_refused(
        self, started: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        started.submit(
            [
                job("add", 1, resources=Resources(vcpus=100_000)),
                job("add", 1, resources=Resources(memory_gib=1e9)),
                job("add", 1),
            ]
        )
        answers = host.wait([1, 2, 3])
        for number, option in ((1, "vcpus"), (2, "memory_gib")):
            answer = answers[number]
            assert isinstance(answer, JobFailed)
            assert isinstance(answer.error, ExecutorError)
            assert option in str(answer.error)
        assert result_of(answers[3], host.store) == 2

    def test_an_unknown_option_is_named(self, executor: Executor) -> None:
        executor.check_options({})
        with pytest.raises(ConfigError, match="surely_no_option"):
            executor.check_options({"surely_no_option": 1})

    def test_closing_answers_for_everything(
        self, executor: Executor, host: CollectingHost, job: Callable[..., Job]
    ) -> None:
        executor.start(host)
        jobs = [job("spin") for _ in range(10)]
        executor.submit(jobs)
        executor.close()
        executor.close()
        answers = host.wait([j.id for j in jobs])
        for answer in answers.values():
            assert isinstance(answer, JobFailed)
            assert isinstance(answer.error, CallCancelled)

    def test_closing_what_was_never_used(self, executor: Executor, host: CollectingHost) -> None:
        executor.start(host)
        executor.close()
        assert host.events == []
