"""What left for another machine: each array, job or run of a service, child by child.

A child's state is read off its calls, so that it never differs from the graph; the service adds who
is running or waits, and how each child ended. Bounded: a byte per child, and a sample of times.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from cellgraph.events import (
    CallProgress,
    ChildEnded,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
    RemoteStatus,
)
from cellgraph_notebook.calls import Calls
from cellgraph_notebook.durations import Durations, quantiles
from cellgraph_notebook.snapshot import FailedChild, JobState
from cellgraph_notebook.statuses import (
    CANCELLED,
    DONE,
    FAILED,
    REUSED,
    RUNNING,
    SKIPPED,
    WAITING,
    no_counts,
)

SHOWN: Final = 12
_ENDED: Final = frozenset({"done", "failed", "cancelled", "detached"})
_FAILED_LISTED: Final = 200
# Of the calls in one child: what stands for it, most telling first.
_TELLING: Final = (FAILED, RUNNING, CANCELLED, SKIPPED)
_LETTERS: Final = bytes(ord("0") + code if code < len(no_counts()) else 0 for code in range(256))


class RemoteJob:
    """One job of a service and what is known of its children."""

    def __init__(self, number: int, event: RemoteJobAdded, revision: int) -> None:
        self.number = number
        self.added = event
        self.status: RemoteStatus = "submitted"
        self.note = ""
        self.revision = revision
        self.running_children: tuple[int, ...] = ()
        self.running = 0  # as the service counts them
        self.failed: dict[int, ChildEnded] = {}
        self.took = Durations()
        self.waited = Durations()
        self.repeated = 0
        self.ran_s = 0.0
        self.running_since: float | None = None
        self.measured_s = 0.0  # vCPU seconds, by the service
        self.progress: tuple[float, float, str] = (0.0, 0.0, "")  # done, total, at what
        self.well = bytearray(self.children)  # 1: it ended without a failure

    @property
    def children(self) -> int:
        """How many children it has."""
        return -(-len(self.added.calls) // self.added.calls_per_child)

    def calls_of(self, child: int) -> tuple[int, ...]:
        """The calls that *child* runs."""
        each = self.added.calls_per_child
        return self.added.calls[child * each : (child + 1) * each]

    def end(self, children: Iterable[ChildEnded]) -> None:
        """Note how children ended; one that is tried again ends more than once."""
        for ended in children:
            self.ran_s += ended.elapsed_s
            self.took.add(ended.elapsed_s)
            self.waited.add(ended.waited_s)
            self.repeated += ended.attempt > 1
            if ended.child < len(self.well):
                self.well[ended.child] = not ended.failed
            if not ended.failed:
                self.failed.pop(ended.child, None)
            elif len(self.failed) < _FAILED_LISTED or ended.child in self.failed:
                self.failed[ended.child] = ended

    def _of_others(self) -> list[int]:
        """Children whose calls are all of another run: what became of them the service says."""
        if -1 not in self.added.calls:
            return []
        children = range(self.children)
        return [c for c in children if all(call < 0 for call in self.calls_of(c))]

    def failure_of(self, child: int, calls: Calls) -> FailedChild | None:
        """Why *child* failed; None if it did not."""
        ended = self.failed.get(child)
        if ended is None:
            return None
        return FailedChild(
            child=child, call=self.name_of(child, calls), reason=ended.reason,
            exit_code=ended.exit_code, attempt=ended.attempt,
        )  # fmt: skip

    def name_of(self, child: int, calls: Calls) -> str:
        """What a reader calls it: the call in it, or the first and last of several."""
        run = self.calls_of(child)
        mine = tuple(call for call in run if call >= 0)
        return " – ".join(dict.fromkeys(calls.label(c) for c in _ends(mine))) or f"child {child}"

    def codes(self, calls: Calls) -> bytearray:
        """Return the status code of each child."""
        status, each = calls.status, self.added.calls_per_child
        if each == 1:
            codes = bytearray(_status(status, call) for call in self.added.calls)
        else:
            codes = bytearray(
                _together({_status(status, call) for call in self.calls_of(child)})
                for child in range(self.children)
            )
        for child in self._of_others():
            codes[child] = DONE if self.well[child] else WAITING
        for child in self.running_children:
            if child < len(codes) and codes[child] == WAITING:
                codes[child] = RUNNING
        for child in self.failed:
            if child < len(codes):
                codes[child] = FAILED
        return codes


class RemoteJobs:
    """The jobs of one run, in the order in which they left."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._jobs: dict[str, RemoteJob] = {}

    def add(self, event: RemoteJobAdded, revision: int) -> None:
        """A job was submitted, or is watched again."""
        if event.job not in self._jobs:
            self._jobs[event.job] = RemoteJob(len(self._jobs), event, revision)

    def change(self, event: RemoteJobChanged, revision: int) -> None:
        """The service says how a job is doing."""
        job = self._jobs.get(event.job)
        if job is not None:
            job.status, job.note, job.revision = event.status, event.note, revision
            job.running, job.running_children = event.running, event.running_children
            job.measured_s = event.vcpu_s or job.measured_s
            if event.running and job.running_since is None:
                job.running_since = event.at

    def end(self, event: RemoteChildrenEnded, revision: int) -> None:
        """Children of a job ended."""
        job = self._jobs.get(event.job)
        if job is not None:
            job.end(event.children)
            job.revision = revision

    def advance(self, event: CallProgress, revision: int) -> None:
        """A call says how far it is: it matters where a job is one call."""
        for job in self._jobs.values():
            if job.added.calls == (event.call,) and job.status not in _ENDED:
                job.progress, job.revision = (event.done, event.total, event.text), revision

    def give_up(self, revision: int) -> None:
        """The run is over: nobody in it watches what still goes on."""
        for job in self._jobs.values():
            if job.status not in _ENDED:
                codes = job.codes(self._calls)
                goes_on = WAITING in codes or RUNNING in codes
                bad = FAILED in codes
                job.status = "detached" if goes_on else "failed" if bad else "done"
                job.running, job.running_children, job.revision = 0, (), revision

    @property
    def shown(self) -> list[RemoteJob]:
        """The jobs that have room: of too many, those that go on or went wrong, then the newest."""
        jobs = list(self._jobs.values())
        if len(jobs) <= SHOWN:
            return jobs
        first = sorted(jobs, key=lambda j: (j.status == "done" and not j.failed, -j.number))
        return sorted(first[:SHOWN], key=lambda j: j.number)

    @property
    def hidden(self) -> int:
        """How many jobs have no room."""
        return max(0, len(self._jobs) - SHOWN)

    def order(self) -> list[int]:
        """Numbers of the jobs that have room, in the order in which they left."""
        return [job.number for job in self.shown]

    def job(self, number: int) -> RemoteJob | None:
        """The job with this number."""
        return next((j for j in self._jobs.values() if j.number == number), None)

    def states(self, since: int, now: float, *, whole: bool) -> list[JobState]:
        """What there is to show of the jobs that have changed after revision *since*, or of all."""
        return [self._state(j, now) for j in self.shown if whole or self._revision(j) > since]

    def _revision(self, job: RemoteJob) -> int:
        mine = [call for call in job.added.calls if call >= 0]
        numbers = {n for call in _ends(mine) if (n := self._group_of(call)) >= 0}
        return max([job.revision, *(self._calls.groups[n].revision for n in numbers)])

    def _group_of(self, call: int) -> int:
        known = self._calls.group_of
        return known[call] if 0 <= call < len(known) else -1

    def _state(self, job: RemoteJob, now: float) -> JobState:
        codes, added = job.codes(self._calls), job.added
        running_s = _running_s(job, now)
        took_s = job.ran_s or (running_s if added.kind == "glue" else None) or 0.0
        hours = (job.measured_s or took_s * added.vcpus) / 3600
        done, total, progress = job.progress if job.status == "running" else (0.0, 0.0, "")
        took, waited = quantiles([job.took]), quantiles([job.waited])
        return JobState(
            number=job.number,
            id=added.job,
            kind=added.kind,
            executor=added.executor,
            task=added.task,
            status=job.status,
            attached=added.attached,
            counts=_counts(codes, job.running),
            cells=codes.translate(_LETTERS).decode("ascii") if len(codes) > 1 else "",
            p50_s=took.p50_s if took and len(codes) > 1 else None,
            p95_s=took.p95_s if took and len(codes) > 1 else None,
            waited_s=waited.p50_s if waited else None,
            repeated=job.repeated,
            vcpus=added.vcpus,
            vcpu_hours=hours,
            usd=hours * added.usd_per_vcpu_hour,
            measured=job.measured_s > 0,
            running_s=running_s,
            done=done,
            total=total,
            progress=progress,
            note=job.note,
            failed=[f for child in sorted(job.failed) if (f := job.failure_of(child, self._calls))],
        )


def _running_s(job: RemoteJob, now: float) -> float | None:
    """How long the only child of a job has been running."""
    if job.running_since is None or job.status != "running" or job.children > 1:
        return None
    return max(0.0, now - job.running_since)


def _status(status: bytearray, call: int) -> int:
    return status[call] if 0 <= call < len(status) else WAITING


def _together(codes: Collection[int]) -> int:
    """The code of a child whose calls have these."""
    for code in _TELLING:
        if code in codes:
            return code
    if WAITING in codes:
        return RUNNING if len(codes) > 1 else WAITING
    return DONE if DONE in codes else REUSED


def _counts(codes: bytearray, running: int) -> list[int]:
    counts = [codes.count(code) for code in range(len(no_counts()))]
    # Of too many children the service only says how many run.
    more = min(max(0, running - counts[RUNNING]), counts[WAITING])
    counts[RUNNING] += more
    counts[WAITING] -= more
    return counts


def _ends(calls: Sequence[int]) -> Sequence[int]:
    """First and last: the calls of one job are of one task, and nearly always of one group."""
    return (calls[0], calls[-1]) if calls else ()
