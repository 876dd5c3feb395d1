"""Calls in worker processes: the contract, deaths, and what they find around them."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cellgraph.errors import CallCancelled, CallTimeout, ConfigError, HostLost, OutOfMemory
from cellgraph.executor import Executor, Function, Job, JobFailed, Resources
from cellgraph.stores.local import LocalStore
from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.executor_contract import ExecutorContract
from cellgraph.testing.executor_lab import CollectingHost, eventually, held, result_of, user_code
from cellgraph_executors.machine import Machine
from cellgraph_executors.process import ProcessExecutor


class TestProcessContract(ExecutorContract):
    """With a store the workers cannot open: values travel with the calls."""

    many = 300

    @pytest.fixture
    def executor(self) -> Executor:
        return ProcessExecutor()


class TestProcessOverLocalStoreContract(ExecutorContract):
    """With a store in a folder, which the workers open."""

    many = 300

    @pytest.fixture
    def executor(self) -> Executor:
        return ProcessExecutor(workers=2, machine=Machine(vcpus=2))

    @pytest.fixture
    def host(self, tmp_path: Path) -> Iterator[CollectingHost]:
        store = LocalStore(tmp_path / "store")
        yield CollectingHost(store)
        store.close()


_CODE = """
import ctypes, os, signal, subprocess, sys, time

def kill(number):
    print("last words", end="")
    os.kill(os.getpid(), number)
    time.sleep(60)

def crash():
    ctypes.string_at(0)

def leave(code):
    os._exit(code)

def pid():
    return os.getpid()

def nap(path, seconds):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(seconds)

def count(path):
    with open(path, "a") as file:
        file.write("x")
    return 1

def around():
    return os.getcwd(), os.environ.get("CELLGRAPH_TEST_SIDE"), sys.path[-1]

def shell():
    subprocess.run(["sh", "-c", "echo from a child; echo oops >&2"], check=True)

def threads():
    import numpy, threadpoolctl
    numpy.zeros(1)
    told = os.environ["OMP_NUM_THREADS"]
    return [told, *(i["num_threads"] for i in threadpoolctl.threadpool_info())]

def total(frame):
    frame["x"] += 1
    return float(frame["x"].sum()), frame
"""


class Lab:
    """An executor of two processes and what it reports."""

    def __init__(self, store: LocalStore | MemoryStore) -> None:
        self.host = CollectingHost(store)
        self.executor = ProcessExecutor(workers=2, machine=Machine(vcpus=2))
        self.executor.start(self.host)
        self.functions = user_code(_CODE)
        self._ids = iter(range(1, 1_000_000))

    def job(self, name: str, *args: Any, resources: Resources | None = None) -> Job:
        func = self.functions[name]
        return Job(
            next(self._ids), Function(name, func, name.encode()), args, {}, resources or Resources()
        )

    def run(self, name: str, *args: Any, resources: Resources | None = None) -> Any:
        """The value of one call."""
        job = self.job(name, *args, resources=resources)
        self.executor.submit([job])
        return result_of(self.host.wait([job.id])[job.id], self.host.store)

    def failure(self, name: str, *args: Any, resources: Resources | None = None) -> JobFailed:
        """The failure of one call."""
        job = self.job(name, *args, resources=resources)
        self.executor.submit([job])
        answer = self.host.wait([job.id])[job.id]
        assert isinstance(answer, JobFailed)
        return answer


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    store = LocalStore(tmp_path / "store")
    made = Lab(store)
    yield made
    made.executor.close()
    store.close()


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="did you mean 'workers'"):
        ProcessExecutor(worker=2)
    with pytest.raises(ConfigError, match="workers=True"):
        ProcessExecutor(workers=True)


@pytest.mark.parametrize(
    ("name", "argument", "said"),
    [
        ("kill", signal.SIGKILL, "SIGKILL"),
        ("crash", None, "SIGSEGV"),
        ("leave", 3, "exit code 3"),
        ("leave", 0, "exit code 0"),
    ],
)
def test_a_worker_that_dies_costs_one_call(
    lab: Lab, tmp_path: Path, name: str, argument: int | None, said: str
) -> None:
    log = tmp_path / "log"
    jobs = [lab.job("count", str(log)) for _ in range(40)]
    deadly = lab.job(name, *([] if argument is None else [int(argument)]))
    jobs.insert(10, deadly)
    lab.executor.submit(jobs)
    answers = lab.host.wait([j.id for j in jobs])
    failed = [a for a in answers.values() if isinstance(a, JobFailed)]
    assert [a.id for a in failed] == [deadly.id]
    assert type(failed[0].error) is HostLost
    assert said in str(failed[0].error)
    assert name in str(failed[0].error)
    assert failed[0].by_executor
    assert log.read_text() == "x" * 40
    assert len(lab.host.answers()) == 41


def test_workers_killed_at_any_moment_cost_one_call_each(lab: Lab, tmp_path: Path) -> None:
    """Also while they start, fetch a call or send an answer."""
    me = psutil.Process()
    others = {child.pid for child in me.children(recursive=True)}
    jobs = [lab.job("count", str(tmp_path / "log")) for _ in range(400)]
    lab.executor.submit(jobs)
    kills = 0
    while len(lab.host.answers()) < len(jobs) and kills < 12:
        time.sleep(0.03)
        for child in me.children():
            with contextlib.suppress(psutil.Error):  # it may be gone already
                if child.pid not in others and "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    kills += 1
                    break
    answers = lab.host.wait([j.id for j in jobs])
    failed = [a for a in answers.values() if isinstance(a, JobFailed)]
    assert kills > 0
    assert len(failed) <= kills
    assert {type(a.error) for a in failed} <= {HostLost, OutOfMemory}
    assert len(lab.host.answers()) == len(jobs)


def test_last_words_are_kept(lab: Lab) -> None:
    answer = lab.failure("kill", int(signal.SIGKILL))
    assert lab.host.text(answer.id) == "last words"


def test_a_worker_that_died_idle_costs_nothing(lab: Lab) -> None:
    pids = {lab.run("pid") for _ in range(3)}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        eventually(lambda p=pid: not psutil.pid_exists(p))  # type: ignore[misc]  # a default binds it now
    assert lab.run("pid") not in pids


def test_a_call_in_c_is_stopped_and_its_process_ends(lab: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    job = lab.job("nap", str(note), 600)
    lab.executor.submit([job])
    eventually(lambda: note.exists() and note.read_text() != "")
    lab.executor.cancel([job.id])
    answer = lab.host.wait([job.id])[job.id]
    assert isinstance(answer, JobFailed)
    assert isinstance(answer.error, CallCancelled)
    pid = int(note.read_text())
    eventually(lambda: not psutil.pid_exists(pid))
    assert lab.run("pid") != pid


def test_an_interrupt_of_the_process_group_does_not_reach_workers(lab: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    job = lab.job("nap", str(note), 0.3)
    lab.executor.submit([job])
    eventually(lambda: note.exists() and note.read_text() != "")
    os.kill(int(note.read_text()), signal.SIGINT)
    assert result_of(lab.host.wait([job.id])[job.id], lab.host.store) is None


def test_a_timeout_ends_the_process(lab: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    answer = lab.failure("nap", str(note), 600, resources=Resources(timeout_s=0.5))
    assert isinstance(answer.error, CallTimeout)
    eventually(lambda: not psutil.pid_exists(int(note.read_text())))
    assert len(lab.host.answers()) == 1


def test_two_long_calls_run_side_by_side(lab: Lab, tmp_path: Path) -> None:
    notes = [tmp_path / "one", tmp_path / "two"]
    jobs = [lab.job("nap", str(note), 600) for note in notes]
    lab.executor.submit(jobs)
    eventually(lambda: all(note.exists() for note in notes))
    assert sorted(lab.executor.running()) == [j.id for j in jobs]
    lab.executor.cancel([j.id for j in jobs])
    lab.host.wait([j.id for j in jobs])


def test_closing_ends_every_process_and_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    lab = Lab(MemoryStore())
    note = tmp_path / "pid"
    pids = {lab.run("pid") for _ in range(3)}
    lab.executor.submit([lab.job("nap", str(note), 600), lab.job("nap", str(tmp_path / "2"), 600)])
    eventually(note.exists)
    folder = lab.executor.folder
    lab.executor.close()
    lab.executor.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert threading.active_count() == threads
    assert folder is not None
    assert not folder.exists()


def test_functions_see_the_folder_environment_and_path_of_now(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in ("one", "two"):
        (tmp_path / side).mkdir()
        monkeypatch.chdir(tmp_path / side)
        monkeypatch.setenv("CELLGRAPH_TEST_SIDE", side)
        monkeypatch.setattr("sys.path", [*sys.path, str(tmp_path / side)])
        for _ in range(3):
            assert list(lab.run("around")) == [str(tmp_path / side), side, str(tmp_path / side)]
    monkeypatch.delenv("CELLGRAPH_TEST_SIDE")
    assert lab.run("around")[1] is None


def test_prints_of_child_processes_belong_to_the_call(lab: Lab) -> None:
    job = lab.job("shell")
    lab.executor.submit([job])
    lab.host.wait([job.id])
    assert lab.host.text(job.id) == "from a child\n"
    assert lab.host.text(job.id, "stderr") == "oops\n"


def test_blas_has_the_vcpus_of_the_call(lab: Lab) -> None:
    for vcpus in (1.0, 2.0, 1.0, 0.5):
        told, *told_libraries = lab.run("threads", resources=Resources(vcpus=vcpus))
        expected = max(1, int(vcpus))
        assert told == str(expected)
        assert told_libraries
        assert set(told_libraries) == {expected}


def test_large_values_go_through_the_store(lab: Lab) -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": range(200_000)})
    passed = held(frame)
    for _ in range(2):
        total, changed = lab.run("total", passed)
        assert total == sum(range(1, 200_001))
        assert changed["x"].iloc[-1] == 200_000
    assert frame["x"].iloc[-1] == 199_999


def test_one_identity_may_stand_for_changed_code(lab: Lab) -> None:
    """With `version=` the identity stays; what runs is the present function all the same."""
    assert lab.run("pid") > 0
    lab.functions["pid"] = user_code("def pid(): return 'other'")["pid"]
    assert lab.run("pid") == "other"
