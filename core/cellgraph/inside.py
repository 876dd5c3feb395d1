"""Which task's body the current thread is running, if any."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Inside(threading.local):
    task: str | None = None


_inside = _Inside()


def current_task() -> str | None:
    """Name of the task whose body runs on this thread, or None."""
    return _inside.task


@contextmanager
def running(task: str) -> Iterator[None]:
    """Mark this thread as inside the body of *task*."""
    outer = _inside.task
    _inside.task = task
    try:
        yield
    finally:
        _inside.task = outer
