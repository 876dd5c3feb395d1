"""Moves runs through Glue's states. One thread keeps the time; processes start on a few others."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cellgraph_executors.sandbox.batch.timers import Timers
from cellgraph_executors.sandbox.batch.verdict import Planned
from cellgraph_executors.sandbox.faults import Faults
from cellgraph_executors.sandbox.glue import limits
from cellgraph_executors.sandbox.glue.endings import error_of
from cellgraph_executors.sandbox.glue.launch import CannotLaunch, Launcher
from cellgraph_executors.sandbox.glue.model import Seen, Spec
from cellgraph_executors.sandbox.glue.work import Run
from cellgraph_executors.sandbox.wire import ServiceError

_LAUNCHING = 4


class GlueEngine:
    """Thread-safe. *speed*: how many times faster timeouts and grace periods pass than AWS's."""

    def __init__(self, launcher: Launcher, faults: Faults, speed: float) -> None:
        self._launcher = launcher
        self._faults = faults
        self._speed = speed
        self._changed = threading.Condition()
        self._runs: dict[str, Run] = {}  # in the order in which they were started
        self._numbers: dict[str, int] = {}
        self._most: dict[str, int] = {}  # what a job's definition allows at once
        self._timers = Timers()
        self._closed = False
        self._pool = ThreadPoolExecutor(_LAUNCHING, thread_name_prefix="cellgraph-sandbox-glue")
        self._thread = threading.Thread(target=self._run, name="cellgraph-sandbox-glue")
        self._thread.daemon = True
        self._thread.start()

    def start(self, spec: Spec, most: int) -> None:
        """Take a run, of which its job allows *most* at once. Raises ServiceError."""
        with self._changed:
            number = self._numbers.get(spec.job, 0)
            spec = replace(spec, number=number)
            self._most[spec.job] = most
            full = self._full(spec.job)
            if full is not None and not spec.queuing:
                raise full
            self._numbers[spec.job] = number + 1
            state = Seen("WAITING" if full else "STARTING", spec.started_ms)
            run = Run(spec, state._replace(detail=full.message if full else ""))
            self._runs[spec.id] = run
            if full is None:
                self._begin(run)

    def stop(self, job: str, id: str) -> None:
        """Stop a run. Raises ServiceError for one that is not there, or is over."""
        with self._changed:
            run = self._runs.get(id)
            if run is None or run.spec.job != job:
                raise ServiceError("EntityNotFoundException", f"JobRun {id} of {job} not found")
            if run.ended or run.cause == "stopped":
                raise ServiceError(
                    "InvalidInputException", f"JobRun {id} is in state {run.seen.state}"
                )
            waited = run.seen.state == "WAITING"
            self._become(run, run.seen._replace(state="STOPPING", detail=""))
            self._end_by(run, "stopped")
            if waited:
                self._timers.at(0, lambda: self._over(run, 0))
            self._changed.notify()

    def find(self, job: str, id: str) -> tuple[Spec, Seen] | None:
        """One run of a job."""
        with self._changed:
            run = self._runs.get(id)
            return None if run is None or run.spec.job != job else (run.spec, self._shown(run))

    def of(self, job: str) -> Sequence[tuple[Spec, Seen]]:
        """The runs of a job, the newest first."""
        with self._changed:
            return [
                (r.spec, self._shown(r)) for r in reversed(self._runs.values()) if r.spec.job == job
            ]

    def close(self) -> None:
        """Kill what runs and start nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._launcher.close()

    # --- inside, with the lock held but where it says otherwise ---

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                self._timers.run(time.monotonic())
                due = self._timers.soonest()
                self._changed.wait(None if due is None else max(0.0, due - time.monotonic()))

    def _shown(self, run: Run) -> Seen:
        """A new run is seen at once; its changes may be seen late."""
        return run.shown(time.monotonic() - self._faults.lag_s)

    def _full(self, job: str) -> ServiceError | None:
        """Why one more run of a job cannot start now."""
        now = [run.spec.job for run in self._runs.values() if run.counts]
        if now.count(job) >= self._most[job]:
            text = f"Concurrent runs exceeded for {job}"
            return ServiceError("ConcurrentRunsExceededException", text)
        if len(now) >= limits.RUNS_PER_ACCOUNT:
            text = "Max concurrent job runs per account exceeded"
            return ServiceError("ResourceNumberLimitExceededException", text)
        return None

    def _begin(self, run: Run) -> None:
        due = time.monotonic() + self._faults.delay_s(run.spec.job)
        self._timers.at(due, lambda: self._launch(run))
        self._changed.notify()

    def _launch(self, run: Run) -> None:
        if run.ended:
            return
        spec = run.spec
        planned = self._faults.planned(spec.job, spec.number, spec.attempt + 1)
        if run.cause == "stopped":
            self._over(run, 0)
        elif planned is not None and planned.when == "start":
            self._set_running(run)
            self._break_by(run, planned)
            self._over(run, planned.exit_code)
        else:
            self._pool.submit(self._start, run, planned)

    def _start(self, run: Run, planned: Planned | None) -> None:
        """On a thread of the pool, without the lock: the script is fetched."""
        try:
            order = self._launcher.prepare(run.spec)
            with self._changed:
                if run.cause == "stopped" or self._closed:
                    self._launcher.forget(order)
                    self._over(run, 0)
                    return
                run.running = self._launcher.start(order, lambda code: self._ended(run, code))
                self._set_running(run)
                self._watch(run, planned)
                self._changed.notify()
        except CannotLaunch as error:
            with self._changed:
                run.cause, run.text = "not launched", str(error)
                self._over(run, 1)

    def _set_running(self, run: Run) -> None:
        self._become(run, run.seen._replace(state="RUNNING", running_ms=_now_ms(), detail=""))

    def _watch(self, run: Run, planned: Planned | None) -> None:
        """Set the clocks of a run that goes on."""
        now = time.monotonic()
        late = now + run.spec.timeout_min * 60 / self._speed
        self._timers.at(late, lambda: self._end_by(run, "timed out"))
        if planned is None:
            return
        if planned.when == "end":
            run.after = planned
        elif isinstance(planned.when, (int, float)):
            self._timers.at(now + planned.when, lambda: self._kill(run, planned))

    def _end_by(self, run: Run, cause: str) -> None:
        """End a run politely, then not."""
        if run.ended or run.cause != "exited":
            return
        run.cause = "stopped" if cause == "stopped" else "timed out"
        running = run.running
        if running is not None:
            running.stop()
            self._timers.at(time.monotonic() + limits.GRACE_S / self._speed, running.kill)

    def _kill(self, run: Run, planned: Planned) -> None:
        if not run.ended and run.cause == "exited" and run.running is not None:
            run.after = planned
            run.running.kill()

    def _break_by(self, run: Run, planned: Planned) -> None:
        if planned.cause in ("host lost", "out of memory"):
            run.cause = planned.cause
        run.text = planned.text

    def _ended(self, run: Run, code: int) -> None:
        """Called by the runner."""
        with self._changed:
            if run.after is not None and run.cause == "exited":
                self._break_by(run, run.after)
                code = run.after.exit_code
            self._over(run, code)
            self._changed.notify()

    def _over(self, run: Run, code: int) -> None:
        if run.ended:
            return
        run.running = None
        ended = run.seen._replace(completed_ms=_now_ms())
        if run.cause == "stopped":
            ended = ended._replace(state="STOPPED")
        elif run.cause == "timed out":
            ended = ended._replace(state="TIMEOUT")
        elif run.cause == "exited" and code == 0:
            ended = ended._replace(state="SUCCEEDED")
        else:
            printed = self._launcher.printed(run.spec.id)
            ended = ended._replace(
                state="FAILED", error=error_of(run.cause, code, run.text, printed)
            )
        self._become(run, ended)
        if ended.state == "FAILED" and run.spec.retries and not self._closed:
            self._again(run)
        self._next()

    def _again(self, run: Run) -> None:
        """Glue's own retry: a run of its own, named after the first."""
        spec = run.spec
        attempt = spec.attempt + 1
        first = spec.id.partition("_attempt_")[0]
        made = replace(
            spec,
            id=f"{first}_attempt_{attempt}",
            attempt=attempt,
            previous=spec.id,
            retries=spec.retries - 1,
            started_ms=_now_ms(),
        )
        again = Run(made, Seen("STARTING", made.started_ms))
        self._runs[made.id] = again
        self._begin(again)

    def _next(self) -> None:
        """Those that wait begin, in their order, as far as there is room."""
        for run in list(self._runs.values()):
            if run.seen.state == "WAITING" and self._full(run.spec.job) is None:
                self._become(run, run.seen._replace(state="STARTING", detail=""))
                self._begin(run)

    def _become(self, run: Run, seen: Seen) -> None:
        run.become(seen._replace(modified_ms=_now_ms()), time.monotonic())


def _now_ms() -> int:
    return int(time.time() * 1000)
