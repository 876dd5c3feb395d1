"""The functions that every peer runs, the same everywhere, and the counter of executions."""

import os
from collections.abc import Callable
from typing import Any, Final

from benchmarks.values import make_array, make_frame
from benchmarks.workloads import SEAL, Tasks

# A fixed descriptor rather than a variable: nothing here changes while tasks run, so a peer that
# follows what a task reaches sees constants only.
COUNTER_FD: Final = 199


def open_counter(path: str) -> None:
    """Let `tick` append to the file at *path*; once per process, before the first task."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(fd, COUNTER_FD)
    os.close(fd)


def tick() -> None:
    """Record one execution: one byte, appended in one system call, safe across threads."""
    os.write(COUNTER_FD, b".")


def make_tasks(task: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Tasks:
    """Return the workloads' functions, each wrapped by the peer's decorator *task*."""

    @task
    def trivial(x: int) -> int:
        return x

    @task
    def inc(x: int) -> int:
        tick()
        return x + 1

    @task
    def add(a: int, b: int) -> int:
        tick()
        return a + b

    @task
    def total(xs: list[int]) -> int:
        tick()
        return sum(xs)

    @task
    def total_again(xs: list[int]) -> int:
        tick()
        return sum(xs) + SEAL

    @task
    def seal(x: int) -> int:
        tick()
        return x + SEAL

    @task
    def keyed_add(key: int, a: int, b: int) -> int:
        tick()
        return a + b

    @task
    def fib(n: int, key: int) -> Any:
        tick()
        if n < 2:
            return n
        return keyed_add(key, fib(n - 1, 2 * key), fib(n - 2, 2 * key + 1))

    @task
    def array(tag: int) -> Any:
        tick()
        return make_array(tag)

    @task
    def frame(tag: int) -> Any:
        tick()
        return make_frame(tag)

    return Tasks(trivial, inc, add, total, total_again, seal, fib, array, frame)
