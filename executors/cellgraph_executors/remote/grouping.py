"""Which calls leave together. Pure: the clock is passed in.

A window opens with the first call of a group and closes `window_s` later, whatever else arrives: a
steady trickle postpones nothing. It closes at once when it is full, or when the engine says that
nothing else can become ready.
"""

import math
from collections.abc import Collection, Hashable
from typing import Final, NamedTuple

from cellgraph.executor import Job

MAX_WINDOW_S: Final = 3.0
MAX_ARRAY: Final = 10_000  # children of an array job; AWS Batch takes 2..10,000
# "auto": a child works about so long, and a group keeps at least so many children busy.
_AUTO_S: Final = 60.0
_AUTO_CHILDREN: Final = 50


class Group(NamedTuple):
    """Calls that leave as one job: child i runs `jobs` from i * `calls_per_child`."""

    jobs: tuple[Job, ...]
    calls_per_child: int

    @property
    def children(self) -> int:
        """How many children the job has; 1: it is no array."""
        return math.ceil(len(self.jobs) / self.calls_per_child)


class _Window:
    def __init__(self, closes: float) -> None:
        self.closes = closes
        self.jobs: dict[int, Job] = {}


class Grouping:
    """The windows that are open. Not thread-safe. Times in seconds of any steady clock.

    *array_max*: children of one job.
    """

    def __init__(self, window_s: float, array_max: int) -> None:
        self._window_s = min(window_s, MAX_WINDOW_S)
        self._array_max = min(array_max, MAX_ARRAY)
        self._windows: dict[Hashable, _Window] = {}
        self._closed: list[Group] = []
        self._times: dict[str, tuple[int, float]] = {}  # task -> calls seen, seconds of all

    def add(self, job: Job, now: float) -> None:
        """A call is ready."""
        key = company(job)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(now + self._window_s)
        window.jobs[job.id] = job
        asked = job.resources.calls_per_job
        if len(window.jobs) >= self._array_max * (asked if isinstance(asked, int) else 1):
            self._close(key)

    def remove(self, ids: Collection[int]) -> list[Job]:
        """Calls that are not wanted any more; return those that were here."""
        removed: list[Job] = []
        for key, window in list(self._windows.items()):
            removed += [window.jobs.pop(job_id) for job_id in window.jobs.keys() & ids]
            if not window.jobs:
                del self._windows[key]
        closed, self._closed = self._closed, []
        for group in closed:
            left = tuple([job for job in group.jobs if job.id not in ids])
            removed += [job for job in group.jobs if job.id in ids]
            if left:
                self._closed.append(Group(left, min(group.calls_per_child, len(left))))
        return removed

    def flush(self) -> None:
        """Nothing more can become ready: close every window."""
        for key in list(self._windows):
            self._close(key)

    def due(self, now: float) -> list[Group]:
        """The groups that leave now."""
        for key in [k for k, w in self._windows.items() if w.closes <= now]:
            self._close(key)
        closed, self._closed = self._closed, []
        return closed

    def next_due(self) -> float | None:
        """When a window closes next; None when none is open. In the past: something is due."""
        if self._closed:
            return -math.inf
        return min((window.closes for window in self._windows.values()), default=None)

    def waiting(self) -> int:
        """How many calls wait for company."""
        return sum(len(window.jobs) for window in self._windows.values())

    def took(self, task: str, elapsed_s: float) -> None:
        """A call of *task* ran so long: what `calls_per_job="auto"` goes by."""
        calls, seconds = self._times.get(task, (0, 0.0))
        self._times[task] = (calls + 1, seconds + elapsed_s)

    def _close(self, key: Hashable) -> None:
        jobs = tuple(self._windows.pop(key).jobs.values())
        each = self._calls_per_child(jobs)
        size = self._array_max * each
        for at in range(0, len(jobs), size):
            part = jobs[at : at + size]
            self._closed.append(Group(part, min(each, len(part))))

    def _calls_per_child(self, jobs: tuple[Job, ...]) -> int:
        asked = jobs[0].resources.calls_per_job
        if asked is None:
            return 1
        if asked != "auto":
            return max(1, asked)
        calls, seconds = self._times.get(jobs[0].function.name, (0, 0.0))
        if not calls:
            return 1
        fits = int(_AUTO_S / max(seconds / calls, 1e-3))
        return max(1, min(fits, math.ceil(len(jobs) / _AUTO_CHILDREN)))


def company(job: Job) -> Hashable:
    """Calls with an equal one may be children of the same array: same code, same job."""
    r = job.resources
    return (
        job.function.name,
        job.function.code,
        r.vcpus,
        r.memory_gib,
        r.gpus,
        r.timeout_s,
        r.calls_per_job,
        repr(sorted((r.extra or {}).items(), key=str)),
        repr(sorted((r.tags or {}).items())),
    )
