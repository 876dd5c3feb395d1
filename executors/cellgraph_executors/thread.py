"""Calls on threads of this process: the default place."""

import sys
import time
from typing import Any, ClassVar, Final

from cellgraph.errors import CallTimeout
from cellgraph.executor import Job, JobDone, JobFailed, JobProgress
from cellgraph.inside import Progress, listen
from cellgraph.worker import run_job
from cellgraph_executors.blas import SharedBlasLimit
from cellgraph_executors.capture import Capture, Sink
from cellgraph_executors.crew import Crew
from cellgraph_executors.interrupting import interrupt
from cellgraph_executors.machine import Machine
from cellgraph_executors.settings import reject_unknown, workers_setting
from cellgraph_executors.ticker import Ticker
from cellgraph_executors.workers import Worker

# How often the ticker looks while calls queue up: the delay before a second long call starts.
_TICK_S: Final = 0.002
# Calls shorter than this on average stay on one worker: two would fight for the interpreter.
_WORTH_A_THREAD_S: Final = 0.0002
# Printed text is passed on this often.
_TEXT_S: Final = 0.05
# After so many ticks without anything to do the ticker sleeps.
_LINGER: Final = 5
# Calls of a fraction of a vCPU may run on more threads than there are vCPUs.
_THREADS_PER_VCPU: Final = 4
# vCPUs that say nothing about the threads of libraries: the default, and the engine's own steps.
_NO_LIMIT: Final = (0.0, 1.0)


class ThreadWorker(Worker):
    """A thread that runs calls itself."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self.sink = sink
        self.timed: tuple[Job, float] | None = None  # the call and its time.monotonic() limit
        self.done = 0
        self.seen: Job | None = None  # what ran at the last tick
        self.said: JobProgress | None = None  # how far a call has come, not reported yet


class ThreadExecutor(Crew[ThreadWorker]):
    """Runs calls on threads of this process.

    Settings: `workers`, calls that may run at once (default: as many as fit the machine's vCPUs);
    `machine`, the admission shared with other executors of this process; `name`.

    A call that is cancelled or runs out of time is answered at once and stopped at its next Python
    instruction. In one long call into C that is when the call returns: use `executor="process"`
    for those.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("workers", "machine", "name")

    def __init__(
        self,
        *,
        workers: int | None = None,
        machine: Machine | None = None,
        name: str = "thread",
        **unknown: Any,
    ) -> None:
        reject_unknown(name, unknown, self.SETTINGS)
        asked = workers_setting(name, workers)
        machine = machine or Machine(vcpus=asked)
        super().__init__(
            name,
            workers=asked or max(1, int(machine.vcpus)) * _THREADS_PER_VCPU,
            machine=machine,
            scale=min(1.0, machine.vcpus / asked) if asked else 1.0,
        )
        self._capture = Capture()
        self._blas = SharedBlasLimit()
        self._ticker = Ticker(f"cellgraph-{name}-ticker", self._tick)
        self._stopping: list[tuple[ThreadWorker, Job]] = []
        self._ticked = 0.0
        self._done = 0
        self._quiet = 0
        self._texts_at = 0.0

    def close(self) -> None:
        """See `cellgraph.executor.Executor`. A thread inside a long C call is left to end alone."""
        super().close()
        self._ticker.close()
        self._capture.close()

    # --- the work ---

    def _hire(self) -> ThreadWorker:
        return ThreadWorker(Sink(self._ticker.poke))

    def _arrive(self, worker: ThreadWorker) -> None:
        listen(lambda progress: self._heard(worker, worker.sink.job_id, progress))

    def _depart(self, worker: ThreadWorker) -> None:
        self._capture.detach(worker.sink)

    def _wanted(self, jobs: int) -> int:
        if self._active or jobs > 1:
            self._ticker.poke()
        return 0 if self._active else 1

    def _perform(self, worker: ThreadWorker, job: Job) -> JobDone | JobFailed:
        sink = worker.sink
        if sys.stdout is not sink.out or sys.stderr is not sink.err:
            self._capture.attach(sink)
        sink.used = False
        sink.job_id = job.id
        if job.resources is worker.plain_seen:
            event = run_job(job, self._host.store)
        else:
            event = self._perform_limited(worker, job)
        sink.job_id = None
        if sink.used:
            self._fetch_text(worker)
        worker.done += 1
        return event

    def _perform_limited(self, worker: ThreadWorker, job: Job) -> JobDone | JobFailed:
        timeout_s = job.resources.timeout_s
        if timeout_s is not None:
            worker.timed = (job, time.monotonic() + timeout_s)
            self._ticker.poke()
        try:
            if job.resources.vcpus in _NO_LIMIT:
                return run_job(job, self._host.store)
            with self._blas.at_most(max(1, int(job.resources.vcpus))):
                return run_job(job, self._host.store)
        finally:
            worker.timed = None

    def _say_last_words(self, worker: ThreadWorker) -> None:
        self._fetch_text(worker)
        self._flush(worker)

    def _fetch_text(self, worker: ThreadWorker, *, whole: bool = True) -> None:
        with worker.sink.lock:
            worker.events.extend(worker.sink.take(whole=whole))

    def _heard(self, worker: ThreadWorker, job_id: int | None, progress: Progress) -> None:
        """Note how far a call has come: the ticker reports the last that was said. Any thread."""
        if job_id is not None:
            worker.said = JobProgress(job_id, *progress)
            self._ticker.poke()

    # --- stopping ---

    def _halt(self, worker: ThreadWorker, job: Job) -> None:
        """Write the worker off: its thread may take a while to leave the function."""
        worker.retired = True
        with self._lock:
            self._workers.remove(worker)
            self._hired -= 1
            self._active -= 1
            ticket, worker.ticket = worker.ticket, None
            if ticket is not None:
                self._machine.give_back(ticket)
            if self._queue.jobs and not self._closed:
                self._wake(1)
        ident = worker.thread.ident
        if ident is None or not interrupt(ident):
            self._stopping.append((worker, job))
            self._ticker.poke()

    def _after_halt(self, worker: ThreadWorker, event: JobDone | JobFailed) -> None:
        if isinstance(event, JobDone):  # it returned after all: a finished result is never lost
            worker.events.append(event)
        self._flush(worker)

    # --- the ticker ---

    def _tick(self) -> float | None:
        """Look after workers; return seconds until the next look, None if there is no need."""
        now = time.monotonic()
        pauses = [self._check_time(worker, now) for worker in list(self._workers)]
        if self._pass_on_text(now):
            pauses.append(_TEXT_S)
        if self._stopping:
            self._stop_again()
            pauses.append(_TICK_S)
        stuck = [worker for worker in list(self._workers) if self._is_stuck(worker)]
        for worker in stuck:
            self._flush(worker)  # what it has finished shall not wait for what it runs
        if self._queue.jobs and self._active:
            self._spread(now, bool(stuck))
            self._quiet = 0
        else:
            self._quiet += 1
        if self._quiet <= _LINGER:
            pauses.append(_TICK_S)
        return min((p for p in pauses if p is not None), default=None)

    def _check_time(self, worker: ThreadWorker, now: float) -> float | None:
        timed = worker.timed
        if timed is None:
            return None
        job, limit = timed
        if now < limit:
            return limit - now
        text = f"{job.function.name} ran longer than timeout_s={job.resources.timeout_s:g}"
        if self._claim(worker, job, CallTimeout(text)):
            self._stop(worker, job)
            self._machine.announce()
        return None

    def _pass_on_text(self, now: float) -> bool:
        """Report what running calls have printed; return whether there was or will be any."""
        talking = [w for w in list(self._workers) if w.sink.pending or w.said is not None]
        if talking and now - self._texts_at >= _TEXT_S:
            self._texts_at = now
            for worker in talking:
                self._fetch_text(worker, whole=False)
                said, worker.said = worker.said, None
                if said is not None:
                    worker.events.append(said)
                self._flush(worker)
        return bool(talking)

    def _stop_again(self) -> None:
        """Try again to reach threads that were in the middle of our own code."""
        for item in list(self._stopping):
            worker, job = item
            with worker.lock:
                ident = worker.thread.ident
                over = worker.job is not job or ident is None or not worker.thread.is_alive()
                if over or (ident is not None and interrupt(ident)):
                    self._stopping.remove(item)

    def _is_stuck(self, worker: ThreadWorker) -> bool:
        """Whether the worker runs what it ran at the last tick."""
        job = worker.job
        stuck = job is not None and job is worker.seen
        worker.seen = job
        return stuck

    def _spread(self, now: float, stuck: bool) -> None:
        """Wake further workers while calls queue up behind long ones."""
        done = sum(worker.done for worker in list(self._workers))
        finished, since = done - self._done, now - self._ticked
        self._done, self._ticked = done, now
        slow = finished > 0 and since * self._active / finished >= _WORTH_A_THREAD_S
        if (stuck or slow) and self._queue.head_fits():
            with self._lock:
                self._wake(min(self._active, len(self._queue.jobs)))
