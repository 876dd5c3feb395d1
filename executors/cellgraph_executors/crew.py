"""Threads that take jobs from one queue, as the machine admits them.

The part that threads and processes of this machine share: the queue, admission, reporting in
batches, cancelling, closing. Where a job's function runs is for the subclass.

How the hot path gets by without locks: `deque.popleft` and `append` are atomic, and a worker keeps
its admission while it works off plain calls. A worker writes `job`, then reads `claimed` (or the
set of cancelled ids); whoever stops a call writes those first and reads `job` then. So at least one
of the two sees the other, and the locks decide.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final, Generic, TypeVar

from cellgraph.errors import CallCancelled, ConfigError, ExecutorError
from cellgraph.executor import ExecutorHost, Job, JobDone, JobEvent, JobFailed
from cellgraph.options import OPTION_NAMES
from cellgraph.suggest import closest
from cellgraph_executors.interrupting import Stopped
from cellgraph_executors.jobqueue import JobQueue
from cellgraph_executors.machine import Machine
from cellgraph_executors.workers import Worker, is_plain, join_all

# A batch of events is handed over when it is this old, this long, or a job took that long.
_BATCH_S: Final = 0.002
_BATCH_EVENTS: Final = 256
_LONG_JOB_S: Final = 0.001
_CLOSE_S: Final = 8.0


W = TypeVar("W", bound=Worker)


class Crew(ABC, Generic[W]):
    """An executor on this machine. `workers` bounds the calls that run at once."""

    job_options: ClassVar[frozenset[str]] = frozenset()
    # Whoever makes several executors gives them one instance as `machine`.
    machine_type: ClassVar = Machine

    def __init__(self, name: str, workers: int, machine: Machine, scale: float) -> None:
        """*scale* weighs the vCPUs of calls: below 1 where there are more workers than vCPUs."""
        self.name = name
        self._limit = workers
        self._machine = machine
        self._host: ExecutorHost
        self._queue = JobQueue(machine, scale)
        self._lock = threading.Lock()  # guards everything below
        self._workers: list[W] = []
        self._idle: list[W] = []
        self._active: int = 0
        self._hired = 0
        self._closed = False
        self._cancelled: set[int] = set()
        self._unlisten = machine.listen(self._freed)

    # --- what a subclass says ---

    @abstractmethod
    def _hire(self) -> W:
        """Return a new worker; called with the crew's lock held."""

    @abstractmethod
    def _perform(self, worker: W, job: Job) -> JobDone | JobFailed:
        """Run *job* to its end, on the worker's thread."""

    @abstractmethod
    def _halt(self, worker: W, job: Job) -> None:
        """Stop *job*, which somebody has answered for; called with the worker's lock held."""

    @abstractmethod
    def _after_halt(self, worker: W, event: JobDone | JobFailed) -> None:
        """Deal with the end of a call that somebody has answered for, on the worker's thread."""

    @abstractmethod
    def _wanted(self, jobs: int) -> int:
        """How many workers to wake for *jobs* more jobs; called with the crew's lock held."""

    def _say_last_words(self, worker: W) -> None:
        """Report what a call has printed so far, before somebody else answers for it."""

    def _arrive(self, worker: W) -> None:
        """First thing on the worker's thread."""

    def _depart(self, worker: W) -> None:
        """Last thing on the worker's thread."""

    # --- the executor protocol ---

    def start(self, host: ExecutorHost) -> None:
        """See `cellgraph.executor.Executor`."""
        self._host = host

    def check_options(self, extra: Mapping[str, object]) -> None:
        """See `cellgraph.executor.Executor`: on this machine there are no further options."""
        for name in extra:
            raise ConfigError(
                f"executor {self.name!r} has no option {name!r}{closest(name, OPTION_NAMES)}"
            )

    def submit(self, jobs: Sequence[Job]) -> None:
        """See `cellgraph.executor.Executor`."""
        self._queue.jobs.extend(jobs)
        with self._lock:
            if not self._closed:
                self._wake(self._wanted(len(jobs)))
                return
        self.cancel([job.id for job in jobs])

    def running(self) -> Collection[int]:
        """See `cellgraph.executor.Executor`."""
        with self._lock:
            workers = list(self._workers)
        jobs = [w.job for w in workers if not w.claimed]
        return [job.id for job in jobs if job is not None]

    def withdraw(self, jobs: Collection[int]) -> None:
        """See `cellgraph.executor.Yielding`."""
        dropped, _ = self._drop(set(jobs))
        if dropped:
            self._host.report([self._cancelled_event(job) for job in dropped])
        self._machine.announce()

    def _drop(self, ids: set[int]) -> tuple[list[Job], list[W]]:
        """Take jobs from the queue; return those that are to be answered for, and the workers."""
        self._cancelled |= ids
        with self._lock:
            # All under the lock: an idle crew forgets which ids were cancelled.
            dropped = [job for job in self._queue.drop(ids) if self._answer_is_mine(job.id)]
            return dropped, list(self._workers)

    def cancel(self, jobs: Collection[int]) -> None:
        """See `cellgraph.executor.Executor`."""
        ids = set(jobs)
        dropped, workers = self._drop(ids)
        running = [(w, w.job) for w in workers]
        claimed = [
            (worker, job)
            for worker, job in running
            if job is not None
            and job.id in ids
            and self._answer_is_mine(job.id)
            and self._claim(worker, job, CallCancelled(f"{job.function.name} was cancelled"))
        ]
        if dropped:
            self._host.report([self._cancelled_event(job) for job in dropped])
        for worker, job in claimed:  # all are answered before the first is stopped, which may take
            self._stop(worker, job)
        with self._lock:
            self._forget_cancelled()
        self._machine.announce()

    def close(self) -> None:
        """See `cellgraph.executor.Executor`. Waits a few seconds for what it stops."""
        with self._lock:
            first, self._closed = not self._closed, True
            waiting, workers = self._queue.ids(), list(self._workers)
        if not first:
            return
        self.cancel([*waiting, *self.running()])
        self._unlisten()
        with self._lock:
            for worker in self._idle:
                worker.retired = True
                worker.go.release()
            self._idle.clear()
        self.cancel(self.running())  # what a worker was just taking from the queue
        join_all([w.thread for w in workers], _CLOSE_S)

    # --- the work ---

    def _work(self, worker: W) -> None:
        self._arrive(worker)
        while not worker.retired:
            worker.go.acquire()
            try:
                if not worker.retired:
                    self._drain(worker)
            except Stopped:
                pass  # only ever sent to a worker that has been retired
        self._depart(worker)

    def _drain(self, worker: W) -> None:
        """Work off jobs until none can start, then park."""
        queue, events, machine = self._queue, worker.events, self._machine
        jobs = queue.jobs
        while True:
            job: Job | None = None
            if worker.plain and not machine.crowded and not queue.aside:
                try:
                    job = jobs.popleft()
                except IndexError:
                    job = None
            if job is None or job.resources is not worker.plain_seen:
                job = self._next(worker, job)
                if job is None:
                    return
            worker.began = time.time()
            worker.job = job
            if self._cancelled and self._answer_is_mine(job.id):
                worker.job = None
                events.append(self._cancelled_event(job))
                continue
            event = self._performed(worker, job)
            worker.job = None
            if worker.claimed and self._was_claimed(worker):
                self._after_halt(worker, event)
                if worker.retired:
                    return
                continue
            events.append(event)
            if (
                event.elapsed_s >= _LONG_JOB_S
                or worker.began - worker.reported >= _BATCH_S
                or len(events) >= _BATCH_EVENTS
                or not jobs
            ):
                self._flush(worker)

    def _performed(self, worker: W, job: Job) -> JobDone | JobFailed:
        try:
            return self._perform(worker, job)
        except Stopped:
            raise
        except BaseException as error:  # a fault of ours still answers for the job
            return JobFailed(job.id, worker.began, time.time() - worker.began, error, "")

    def _next(self, worker: W, job: Job | None) -> Job | None:
        """Return the next job that is admitted, *job* (taken from the queue already) before the
        rest of the queue; None, with the worker parked, when there is none."""
        if job is not None and worker.plain and is_plain(job.resources) and not self._queue.aside:
            if job.resources.timeout_s is None:
                worker.plain_seen = job.resources
            return job  # admitted by the ticket at hand
        self._flush(worker)
        held, refused = worker.ticket, list[JobEvent]()
        with self._lock:
            if held is not None:
                self._machine.give_back(held)
            chosen = None if self._closed else self._queue.choose(job, refused)
            if chosen is None:
                worker.ticket, worker.plain = None, False
                self._park(worker)
            else:
                found, worker.ticket = chosen
                worker.plain = is_plain(found.resources)
        if refused:
            self._host.report(refused)
        if held is not None and (chosen is None or chosen[1].milli < held.milli or held.mib):
            self._machine.announce()
        return None if chosen is None else chosen[0]

    def _park(self, worker: W) -> None:
        self._active -= 1
        if self._closed:
            worker.retired = True
            return
        self._idle.append(worker)
        self._forget_cancelled()

    def _forget_cancelled(self) -> None:
        """When all are idle, what is left was answered before it was cancelled, or is not ours."""
        if not self._active and not self._queue:
            self._cancelled.clear()

    def _wake(self, count: int) -> None:
        while count > 0 and (self._idle or self._hired < self._limit):
            worker = self._idle.pop() if self._idle else self._recruit()
            self._active += 1
            worker.go.release()
            count -= 1

    def _recruit(self) -> W:
        worker = self._hire()
        self._hired += 1
        name = f"cellgraph-{self.name}-{self._hired}"
        worker.thread = threading.Thread(target=self._work, args=(worker,), name=name, daemon=True)
        self._workers.append(worker)
        worker.thread.start()
        return worker

    def _freed(self) -> None:
        with self._lock:
            backlog = len(self._queue)
            if backlog and not self._closed:
                self._wake(min(backlog, max(1, self._wanted(backlog))))

    def _flush(self, worker: W) -> None:
        """Report what the worker has to say. Thread-safe."""
        events = worker.events
        if not events:
            return
        with worker.reporting:
            batch = [events.popleft() for _ in range(len(events))]
            if batch:
                self._host.report(batch)
        worker.reported = time.time()

    # --- stopping ---

    def _claim(self, worker: W, job: Job, error: ExecutorError) -> bool:
        """Answer for *job* with *error*; false if it has ended or been answered for meanwhile.

        Whoever has claimed a job stops it with `_stop`.
        """
        with worker.lock:
            if worker.claimed:
                return False
            worker.claimed = True
            if worker.job is not job:
                worker.claimed = False
                return False
        self._say_last_words(worker)
        elapsed = max(0.0, time.time() - worker.began)
        self._host.report([JobFailed(job.id, worker.began, elapsed, error, "")])
        return True

    def _stop(self, worker: W, job: Job) -> None:
        """Stop a job that has been claimed, if it still runs."""
        with worker.lock:
            if worker.job is job:
                self._halt(worker, job)

    def _was_claimed(self, worker: W) -> bool:
        with worker.lock:
            claimed, worker.claimed = worker.claimed, False
            return claimed

    def _answer_is_mine(self, job_id: int) -> bool:
        """Whether *job_id* was cancelled and nobody has answered yet; true for one caller only."""
        try:
            self._cancelled.remove(job_id)
        except KeyError:
            return False
        return True

    def _cancelled_event(self, job: Job) -> JobEvent:
        error = CallCancelled(f"{job.function.name} was cancelled before it ran")
        return JobFailed(job.id, time.time(), 0.0, error, "")
