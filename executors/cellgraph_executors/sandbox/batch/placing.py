"""Which runnable job starts next: in order, as far as its queue's vCPUs reach.

Guarded by the engine's lock.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from cellgraph_executors.sandbox.batch.work import Job


class _Waiting(NamedTuple):
    ready_at: float  # on the engine's clock
    number: int
    job: Job


class Placing:
    """Runnable jobs by queue, and the vCPUs in use."""

    def __init__(self, vcpus_of: Callable[[str], float]) -> None:
        self._vcpus_of = vcpus_of
        self._numbers = count()
        self._waiting: defaultdict[str, list[_Waiting]] = defaultdict(list)
        self._used: defaultdict[str, float] = defaultdict(float)

    def add(self, job: Job, ready_at: float) -> None:
        """A job may start, not before *ready_at*."""
        entry = _Waiting(ready_at, next(self._numbers), job)
        heapq.heappush(self._waiting[job.group.spec.queue], entry)

    def next(self, now: float) -> tuple[Job, bool] | None:
        """Take out the job that starts now, with its vCPUs; None when nothing fits.

        With False comes a job that its queue can never run: it took no vCPUs.
        """
        for queue, waiting in self._waiting.items():
            while waiting and waiting[0].ready_at <= now:
                job = waiting[0].job
                wanted, most = job.group.spec.vcpus, self._vcpus_of(queue)
                runnable = job.state.status == "RUNNABLE"
                if runnable and wanted <= most < wanted + self._used[queue]:
                    break
                heapq.heappop(waiting)
                if runnable and wanted <= most:
                    self._used[queue] += wanted
                if runnable:
                    return job, wanted <= most
        return None

    def free(self, job: Job) -> None:
        """A job has let go of its vCPUs."""
        self._used[job.group.spec.queue] -= job.group.spec.vcpus

    def soonest(self, now: float) -> float | None:
        """When a job that is held back may start; None when none is."""
        later = [w[0].ready_at for w in self._waiting.values() if w and w[0].ready_at > now]
        return min(later, default=None)
