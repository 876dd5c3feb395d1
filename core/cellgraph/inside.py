"""Which task's body the current thread is running, if any."""

import threading


class _Inside(threading.local):
    task: str | None = None


_inside = _Inside()


def current_task() -> str | None:
    """Name of the task whose body runs on this thread, or None."""
    return _inside.task


def enter(task: str | None) -> str | None:
    """Mark this thread as inside the body of *task* (None: no task's); return what it was in."""
    outer = _inside.task
    _inside.task = task
    return outer
