"""Small parts of the process executor, each alone."""

import os
import threading
import time
from pathlib import Path

from cellgraph.executor import JobLog
from cellgraph_executors.blas import ProcessBlasLimit
from cellgraph_executors.logs import LogFiles
from cellgraph_executors.memory import OomWatch, resident_gib
from cellgraph_executors.parcels import parcel
from cellgraph_executors.ticker import Ticker


def test_a_kill_by_the_kernel_is_noticed(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free 1\noom_kill 4\nother 2\n")
    watch = OomWatch(vmstat)
    assert not watch.struck()
    vmstat.write_text("nr_free 1\noom_kill 5\nother 2\n")
    watch.note()  # noticed by the look just before the death is known: still recent
    assert watch.struck()


def test_where_the_kernel_does_not_count_nothing_is_claimed(tmp_path: Path) -> None:
    watch = OomWatch(tmp_path / "none")
    watch.note()
    assert not watch.struck()


def test_memory_of_a_process() -> None:
    assert 0.001 < resident_gib(os.getpid()) < 100
    assert resident_gib(2**30) == 0.0


def test_blas_limits_are_told_through_the_environment() -> None:
    environ = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "many", "HOME": "/home"}
    limit = ProcessBlasLimit(environ)
    limit.set(0.5)
    assert set(environ) == {*ProcessBlasLimit.VARIABLES, "HOME"}
    assert {environ[name] for name in ProcessBlasLimit.VARIABLES} == {"1"}
    limit.set(4)
    assert environ["OMP_NUM_THREADS"] == "2"  # the user's own lower value
    assert environ["MKL_NUM_THREADS"] == "4"


def test_logs_are_read_as_they_grow(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path, 3)
    first = logs.path
    with Path(f"{first}.stdout").open("ab", buffering=0) as out:
        out.write("näh".encode()[:2])
        assert logs.read(1) == [JobLog(1, "stdout", "n")]
        out.write("näh".encode()[2:])
        assert logs.read(1) == [JobLog(1, "stdout", "äh")]
        out.write(b"\xe4")
        assert logs.read(1) == []
        assert logs.read(1, final=True) == [JobLog(1, "stdout", "�")]
    logs.next_call()
    assert logs.path != first
    again = logs.path
    logs.next_call()  # nothing was written: the same files serve
    assert logs.path == again
    logs.close()
    assert list(tmp_path.iterdir()) == []


def test_large_parcels_go_through_a_file(tmp_path: Path) -> None:
    small, large = parcel(b"x", tmp_path), parcel(b"y" * (1 << 20), tmp_path)
    assert (small.path, large.data) == ("", b"")
    assert small.open() == b"x"
    assert large.open(keep=True) == large.open() == b"y" * (1 << 20)
    assert list(tmp_path.iterdir()) == []


def test_a_ticker_sleeps_until_it_is_poked() -> None:
    ticks: list[float | None] = []
    done = threading.Semaphore(0)
    pauses: list[float | None] = [0.001, 0.02, None, None]

    def tick() -> float | None:
        pause = pauses.pop(0) if pauses else None
        ticks.append(pause)
        done.release()
        return pause

    ticker = Ticker("test-ticker", tick)
    assert threading.active_count() == (before := threading.active_count())
    ticker.poke()
    for _ in range(4):
        assert done.acquire(timeout=30)
    time.sleep(0.05)
    seen = len(ticks)
    time.sleep(0.05)
    assert len(ticks) == seen  # nothing to do: it sleeps
    ticker.poke()
    assert done.acquire(timeout=30)
    ticker.close()
    ticker.close()
    assert threading.active_count() == before
