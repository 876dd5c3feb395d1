"""Jobs in order, and the few that stand aside because they do not fit now."""

import time
from collections import deque
from typing import Final

from cellgraph.errors import ExecutorError
from cellgraph.executor import Job, JobEvent, JobFailed
from cellgraph_executors.machine import Machine, Ticket

# How many jobs that do not fit may stand aside for later ones.
_ASIDE: Final = 8


class JobQueue:
    """What waits to run. `jobs` is used without a lock for appending at its end and taking from its
    front; everything else with the lock of the crew held, which the caller sees to."""

    def __init__(self, machine: Machine, scale: float) -> None:
        self.jobs: deque[Job] = deque()
        self.aside: list[tuple[Job, Ticket]] = []
        self._machine = machine
        self._scale = scale

    def __len__(self) -> int:
        return len(self.jobs) + len(self.aside)

    def ids(self) -> list[int]:
        """Ids of all jobs that wait."""
        return [job.id for job in list(self.jobs)] + [job.id for job, _ in self.aside]

    def choose(self, first: Job | None, refused: list[JobEvent]) -> tuple[Job, Ticket] | None:
        """Take out the first job that is admitted now: of those aside, *first*, the rest in order.

        Jobs that never can be are answered for in *refused*.
        """
        if first is not None:
            self.jobs.appendleft(first)
        for position, (job, ticket) in enumerate(self.aside):
            if self._machine.try_take(ticket):
                del self.aside[position]
                return job, ticket
        while len(self.aside) < _ASIDE:
            try:
                job = self.jobs.popleft()
            except IndexError:  # empty, or another worker was quicker
                return None
            try:
                ticket = self._machine.ticket(job.resources, self._scale)
            except ExecutorError as error:
                refused.append(JobFailed(job.id, time.time(), 0.0, error, ""))
                continue
            if self._machine.try_take(ticket):
                return job, ticket
            self.aside.append((job, ticket))
        return None

    def drop(self, ids: set[int]) -> list[Job]:
        """Take out and return the jobs *ids*."""
        dropped: list[Job] = []
        kept: list[Job] = []
        while self.jobs:
            try:
                job = self.jobs.popleft()
            except IndexError:  # a worker was quicker
                break
            (dropped if job.id in ids else kept).append(job)
        self.jobs.extendleft(reversed(kept))
        for job, ticket in self.aside:
            if job.id in ids:
                dropped.append(job)
                self._machine.withdraw(ticket)
        self.aside = [(job, ticket) for job, ticket in self.aside if job.id not in ids]
        return dropped

    def head_fits(self) -> bool:
        """Whether the job at the head would be admitted. Needs no lock."""
        try:
            return self._machine.fits(self.jobs[0].resources, self._scale)
        except IndexError:
            return False
