"""Calls on threads: the contract, and what only threads do."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cellgraph.digest import digest
from cellgraph.errors import CallCancelled, CallTimeout, ConfigError
from cellgraph.executor import Executor, Function, Job, JobDone, JobFailed, Resources
from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.executor_contract import ExecutorContract
from cellgraph.testing.executor_lab import CollectingHost, eventually, result_of
from cellgraph_executors.machine import Machine
from cellgraph_executors.thread import ThreadExecutor


class TestThreadContract(ExecutorContract):
    many = 10_000

    @pytest.fixture
    def executor(self) -> Executor:
        return ThreadExecutor()


class TestManyWorkersContract(ExecutorContract):
    """More workers than vCPUs, as for calls that wait for a database."""

    @pytest.fixture
    def executor(self) -> Executor:
        return ThreadExecutor(workers=6, machine=Machine(vcpus=2), name="waiting")


@pytest.fixture
def host() -> CollectingHost:
    return CollectingHost(MemoryStore())


@pytest.fixture
def executor(host: CollectingHost) -> Iterator[ThreadExecutor]:
    made = ThreadExecutor(machine=Machine(vcpus=2, memory_gib=4))
    made.start(host)
    yield made
    made.close()


def call(
    number: int, func: Callable[..., Any], *args: Any, resources: Resources | None = None
) -> Job:
    name = func.__name__
    return Job(
        number, Function(name, func, digest(name.encode())), args, {}, resources or Resources()
    )


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="did you mean 'workers'"):
        ThreadExecutor(worker=2)
    with pytest.raises(ConfigError, match="workers=0"):
        ThreadExecutor(workers=0)
    with pytest.raises(ConfigError, match="did you mean 'vcpus'"):
        ThreadExecutor().check_options({"vcpu": 2})


def test_two_long_calls_run_side_by_side(host: CollectingHost, executor: ThreadExecutor) -> None:
    both = threading.Barrier(2)

    def meet() -> int:
        return both.wait(30)

    executor.submit([call(1, meet), call(2, meet)])
    assert sorted(result_of(a, host.store) for a in host.wait([1, 2]).values()) == [0, 1]


def test_a_long_call_does_not_hold_back_the_short_ones_before_it(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    gate = threading.Event()
    gate_open = gate.wait

    def short() -> None:
        return None

    executor.submit([*(call(i, short) for i in range(1, 4)), call(4, gate_open, 30)])
    host.wait([1, 2, 3])
    assert 4 not in {a.id for a in host.answers()}
    gate.set()
    assert result_of(host.wait([4])[4], host.store) is True


def test_a_call_in_c_is_answered_at_once_and_its_result_is_not_lost(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    gate = threading.Lock()
    gate.acquire()
    # `acquire` is one call into C: no exception reaches the thread before it returns
    executor.submit([call(1, gate.acquire)])
    eventually(lambda: list(executor.running()) == [1])
    executor.cancel([1])
    answer = host.wait([1])[1]
    assert isinstance(answer, JobFailed)
    assert isinstance(answer.error, CallCancelled)
    executor.submit([call(2, int), call(3, int)])
    host.wait([2, 3])
    gate.release()
    eventually(lambda: len(host.answers()) == 4)
    late = host.answers()[-1]
    assert isinstance(late, JobDone)
    assert (late.id, late.outcome) == (1, True)


def test_a_function_that_catches_everything_is_not_lost_either(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    def stubborn() -> str:
        try:
            while True:
                pass
        except BaseException:
            return "caught"

    executor.submit([call(1, stubborn, resources=Resources(timeout_s=0.1))])
    eventually(lambda: len(host.answers()) == 2)
    first, second = host.answers()
    assert isinstance(first, JobFailed)
    assert isinstance(first.error, CallTimeout)
    assert isinstance(second, JobDone)
    assert second.outcome == "caught"


def test_cancelled_threads_end(host: CollectingHost, executor: ThreadExecutor) -> None:
    def spin() -> None:
        while True:
            pass

    before = threading.active_count()
    for number in range(1, 6):
        executor.submit([call(number, spin)])
        eventually(lambda n=number: list(executor.running()) == [n])  # type: ignore[misc]  # a default binds it now
        executor.cancel([number])
        host.wait([number])
    eventually(lambda: threading.active_count() <= before + 1)


def test_cancelling_at_random_moments_answers_each_call_once(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    def work() -> int:
        return sum(range(300))

    for start in range(0, 3000, 100):
        jobs = [call(start + i, work) for i in range(100)]
        executor.submit(jobs)
        time.sleep(0.0001 * (start % 7))
        executor.cancel([j.id for j in jobs])
    host.wait(range(3000))
    executor.submit([call(3000, work)])
    host.wait([3000])
    cancelled = {a.id for a in host.answers() if isinstance(a, JobFailed)}
    done = [a.id for a in host.answers() if isinstance(a, JobDone)]
    assert len(done) == len(set(done))
    # a call that was being stopped may have returned after all
    assert len(cancelled) + len(done) >= 3001
    assert cancelled | set(done) == set(range(3001))
    for answer in host.answers():
        assert isinstance(answer, JobDone) or isinstance(answer.error, CallCancelled)


def test_large_calls_wait_for_room_and_are_not_starved(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    """Calls of both vCPUs among small ones: never beside another, and not after all of them."""
    lock, now, worst, order = threading.Lock(), [0.0], [0.0], list[int]()

    def use(number: int, vcpus: float) -> None:
        with lock:
            now[0] += vcpus
            worst[0] = max(worst[0], now[0])
            order.append(number)
        time.sleep(0.003)
        with lock:
            now[0] -= vcpus

    jobs = [
        call(
            i,
            use,
            i,
            2.0 if i in (3, 5) else 1.0,
            resources=Resources(vcpus=2.0 if i in (3, 5) else 1.0),
        )
        for i in range(100)
    ]
    executor.submit(jobs)
    host.wait([j.id for j in jobs])
    assert worst[0] == 2.0
    assert order.index(3) < 50
    assert order.index(5) < 50


def test_memory_is_admitted(host: CollectingHost, executor: ThreadExecutor) -> None:
    lock, now, worst = threading.Lock(), [0.0], [0.0]

    def use(gib: float) -> None:
        with lock:
            now[0] += gib
            worst[0] = max(worst[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= gib

    jobs = [call(i, use, 3.0, resources=Resources(vcpus=0.5, memory_gib=3)) for i in range(10)]
    executor.submit(jobs)
    host.wait([j.id for j in jobs])
    assert worst[0] == 3.0


def test_fractions_of_a_vcpu_run_side_by_side(
    host: CollectingHost, executor: ThreadExecutor
) -> None:
    all_four = threading.Barrier(4)
    half = Resources(vcpus=0.5)
    executor.submit([call(i, all_four.wait, 30, resources=half) for i in range(4)])
    answers = host.wait(range(4))
    assert sorted(result_of(a, host.store) for a in answers.values()) == [0, 1, 2, 3]


def test_executors_share_a_machine(host: CollectingHost) -> None:
    machine = Machine(vcpus=1)
    one, two = (
        ThreadExecutor(machine=machine, name="one"),
        ThreadExecutor(machine=machine, name="two"),
    )
    lock, now, worst = threading.Lock(), [0], [0]

    def use() -> None:
        with lock:
            now[0] += 1
            worst[0] = max(worst[0], now[0])
        time.sleep(0.001)
        with lock:
            now[0] -= 1

    for executor in (one, two):
        executor.start(host)
    one.submit([call(i, use) for i in range(50)])
    two.submit([call(50 + i, use) for i in range(50)])
    host.wait(range(100))
    assert worst[0] == 1
    for executor in (one, two):
        executor.close()


def test_blas_is_limited_for_calls_that_say_so(host: CollectingHost) -> None:
    import numpy as np
    import threadpoolctl  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # none

    info: Any = threadpoolctl.threadpool_info

    def threads() -> list[int]:
        np.zeros(1)
        return [library["num_threads"] for library in info()]

    before = threads()
    executor = ThreadExecutor(machine=Machine(vcpus=8))
    executor.start(host)
    executor.submit([call(1, threads, resources=Resources(vcpus=3)), call(2, threads)])
    limited = result_of(host.wait([1])[1], host.store)
    host.wait([2])
    executor.close()
    assert set(limited) == {3}
    assert threads() == before


def test_others_prints_and_loggers_are_left_alone(
    host: CollectingHost, executor: ThreadExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler()  # holds the sys.stderr of now
    log = logging.getLogger("test_thread_executor")
    log.addHandler(handler)
    log.propagate = False
    inside, outside = threading.Event(), threading.Event()

    def speak() -> None:
        print("from the task")
        log.warning("logged by the task")
        inside.set()
        assert outside.wait(30)

    executor.submit([call(1, speak)])
    assert inside.wait(30)
    print("from the test")
    log.warning("logged by the test")
    outside.set()
    host.wait([1])
    log.removeHandler(handler)
    assert host.text(1) == "from the task\n"
    assert host.text(1, "stderr") == "logged by the task\n"
    captured = capsys.readouterr()
    assert captured.out == "from the test\n"
    assert captured.err == "logged by the test\n"


def test_closing_gives_the_streams_back(host: CollectingHost, tmp_path: Path) -> None:
    out, err, threads = sys.stdout, sys.stderr, threading.active_count()
    one, two = ThreadExecutor(name="one"), ThreadExecutor(name="two")
    for number, executor in enumerate((one, two), start=1):
        executor.start(host)
        executor.submit([call(number, print, number)])
    host.wait([1, 2])
    assert sys.stdout is not out
    one.close()
    print("goes on")
    assert (host.text(1), host.text(2)) == ("1\n", "2\n")
    two.close()
    assert sys.stdout is out
    assert sys.stderr is err
    assert threading.active_count() == threads
