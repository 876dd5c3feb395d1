"""Moves jobs through Batch's states. One thread starts them and keeps the time."""

import threading
import time
from collections import deque
from collections.abc import Sequence

from cellgraph_executors.sandbox.batch import limits, verdict
from cellgraph_executors.sandbox.batch.attempts import ended_attempt, ended_state
from cellgraph_executors.sandbox.batch.board import Board
from cellgraph_executors.sandbox.batch.dependencies import Dependencies
from cellgraph_executors.sandbox.batch.launch import Launcher
from cellgraph_executors.sandbox.batch.model import WAITING, Asked, Change, Spec, State
from cellgraph_executors.sandbox.batch.placing import Placing
from cellgraph_executors.sandbox.batch.runner import CannotStart
from cellgraph_executors.sandbox.batch.timers import Timers
from cellgraph_executors.sandbox.batch.verdict import Planned, judge
from cellgraph_executors.sandbox.batch.work import Group, Job, Life
from cellgraph_executors.sandbox.faults import Faults


class BatchEngine:
    """Thread-safe. *speed*: how many times faster timeouts and grace periods pass than AWS's."""

    def __init__(self, board: Board, launcher: Launcher, faults: Faults, speed: float) -> None:
        self._board = board
        self._launcher = launcher
        self._faults = faults
        self._speed = speed
        self._changed = threading.Condition()
        self._groups: dict[str, Group] = {}
        self._new: deque[Group] = deque()
        self._dependencies = Dependencies(self._groups)
        self._placing = Placing(launcher.vcpus_of)
        self._timers = Timers()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="cellgraph-sandbox-batch")
        self._thread.daemon = True
        self._thread.start()

    def submit(self, spec: Spec) -> None:
        """Take a job. Raises ServiceError when it depends on one that is unknown."""
        group = Group(spec, State("SUBMITTED"), left=spec.size or 1)
        indices: Sequence[int | None] = range(spec.size) if spec.size else [None]
        group.jobs = [Job(group, index, State("SUBMITTED")) for index in indices]
        with self._changed:
            self._dependencies.check(group)
            self._groups[spec.id] = group
            self._board.add(spec)
            self._new.append(group)
            self._changed.notify()

    def cancel(self, job: str, index: int | None, reason: str) -> None:
        """CancelJob: what has started is left alone."""
        with self._changed:
            for each in self._meant(job, index, "cancelled"):
                if each.blockers and each.state.status == "PENDING":
                    each.stop_reason = reason  # it ends when its dependencies have
                    self._set(each, each.state._replace(asked="cancelled"))
                elif each.state.status in WAITING:
                    self._finish(each, _stopped(each, reason)._replace(asked="cancelled"))
            self._changed.notify()

    def terminate(self, job: str, index: int | None, reason: str) -> None:
        """TerminateJob: SIGTERM to what runs, and SIGKILL later."""
        with self._changed:
            for each in self._meant(job, index, "terminated"):
                if each.state.status in WAITING:
                    self._finish(each, _stopped(each, reason)._replace(asked="terminated"))
                elif each.life is not None:
                    self._set(each, each.state._replace(asked="terminated"))
                    self._stop(each.life, "terminated", reason)
            self._changed.notify()

    def close(self) -> None:
        """Kill what runs and start nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._launcher.close()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                while self._new:
                    self._admit(self._new.popleft())
                self._timers.run(time.monotonic())
                while found := self._placing.next(time.monotonic()):
                    job, fits = found
                    if fits:
                        self._start(job)
                    else:
                        self._set(job, job.state._replace(reason=verdict.TOO_LARGE))
                now = time.monotonic()
                times = (self._timers.soonest(), self._placing.soonest(now))
                due = [each for each in times if each is not None]
                self._changed.wait(max(0.0, min(due) - now) if due else None)

    def _admit(self, group: Group) -> None:
        """A job leaves SUBMITTED."""
        self._dependencies.add(group)
        if group.is_array and group.left:
            self._set_parent(group, group.parent._replace(status="PENDING"))
        for job in group.jobs:
            if job.ended:
                continue
            if job.failed_blocker:
                self._finish(job, _stopped(job, verdict.DEPENDENCY_FAILED))
            elif job.blockers:
                self._set(job, job.state._replace(status="PENDING"))
            else:
                self._make_runnable(job)

    def _make_runnable(self, job: Job) -> None:
        self._set(job, job.state._replace(status="RUNNABLE", task="", log_stream=""))
        delay_s = self._faults.delay_s(job.group.spec.name)
        self._placing.add(job, time.monotonic() + delay_s)

    def _start(self, job: Job) -> None:
        life = job.life = self._launcher.prepare(job)
        self._set(job, job.state._replace(status="STARTING", task=life.task))
        spec = job.group.spec
        planned = self._faults.planned(spec.name, job.index, life.number)
        life.started_ms = _now_ms()
        if planned is not None and planned.when == "start":
            life.log.line(f"[sandbox: a planned fault ends this attempt: {planned.cause}]")
            for log in life.logs.values():
                log.close()
            life.cause, life.text = planned.cause, planned.text
            self._timers.at(0, lambda: self._attempt_ended(job, life, planned.exit_code))
        else:
            try:
                life.running = self._launcher.start(
                    job, life, lambda code: self._ended(job, life, code)
                )
            except CannotStart as error:
                life.cause, life.text = "not started", str(error)
                self._timers.at(0, lambda: self._attempt_ended(job, life, 0))
                return
            self._watch(job, life, planned)
        self._set(
            job,
            job.state._replace(
                status="RUNNING", started_ms=life.started_ms, log_stream=life.log.name
            ),
        )

    def _watch(self, job: Job, life: Life, planned: Planned | None) -> None:
        """Set the clocks of an attempt that runs."""
        now = time.monotonic()
        timeout_s = job.group.spec.timeout_s
        if timeout_s:
            due = now + timeout_s / self._speed
            self._timers.at(due, lambda: self._stop(life, "timed out", ""))
        if planned is None:
            return
        if planned.when == "end":
            life.after = planned
        elif isinstance(planned.when, (int, float)):
            self._timers.at(now + planned.when, lambda: self._break(life, planned))

    def _stop(self, life: Life, cause: verdict.Cause, text: str) -> None:
        """End an attempt politely, then not."""
        if life.over or life.cause != "exited":
            return
        life.cause, life.text = cause, text
        running = life.running
        if running is not None:
            running.stop()
            self._timers.at(time.monotonic() + limits.GRACE_S / self._speed, running.kill)

    def _break(self, life: Life, planned: Planned) -> None:
        """End an attempt at once, as its host ends."""
        if not life.over and life.cause == "exited" and life.running is not None:
            life.after = planned
            life.running.kill()

    def _ended(self, job: Job, life: Life, code: int) -> None:
        """Called by the runner."""
        with self._changed:
            self._attempt_ended(job, life, code)
            self._changed.notify()

    def _attempt_ended(self, job: Job, life: Life, code: int) -> None:
        life.over = True
        job.life = None
        self._placing.free(job)
        if life.after is not None and life.cause == "exited":
            life.cause, life.text, code = life.after.cause, life.after.text, life.after.exit_code
        ending = judge(life.cause, code, life.text)
        attempt = ended_attempt(life, ending, _now_ms())
        state = ended_state(job.state, ending, attempt)
        again = not ending.final and job.group.spec.retry.again(
            life.number, ending.status_reason, ending.reason, ending.exit_code
        )
        if ending.succeeded or not again:
            self._finish(job, state)
        else:
            job.state = state
            self._make_runnable(job)

    def _finish(self, job: Job, state: State) -> None:
        """A job has ended; so may its array, and so may jobs that depend on either."""
        todo = deque([(job, state)])
        while todo:
            job, state = todo.popleft()
            if job.ended:
                continue
            self._set(job, state)
            group = job.group
            group.left -= 1
            group.failed += state.status == "FAILED"
            released = [(other, state) for other in self._release(group, job.index)]
            if group.is_array and group.left == 0:
                self._set_parent(group, _of_array(group))
                released += [(other, group.parent) for other in self._release(group, None)]
            for other, of in released:
                other.blockers -= 1
                if other.ended:
                    continue
                if of.status == "FAILED":
                    todo.append((other, _stopped(other, verdict.DEPENDENCY_FAILED)))
                elif not other.blockers and other.stop_reason:
                    todo.append((other, _stopped(other, other.stop_reason)))
                elif not other.blockers:
                    self._make_runnable(other)

    def _release(self, group: Group, index: int | None) -> list[Job]:
        return self._dependencies.release((group.spec.id, index))

    def _meant(self, id: str, index: int | None, asked: Asked) -> Sequence[Job]:
        """The jobs that a request is about: one, or all children of an array."""
        group = self._groups[id]
        if index is not None:
            return [group.jobs[index]]
        if group.is_array and group.left:
            self._set_parent(group, group.parent._replace(asked=asked))
        return group.jobs

    def _set(self, job: Job, state: State) -> None:
        job.state = state
        self._board.post([Change(job.group.spec.id, job.index, state)])

    def _set_parent(self, group: Group, state: State) -> None:
        group.parent = state
        self._board.post([Change(group.spec.id, None, state)])


def _now_ms() -> int:
    return int(time.time() * 1000)


def _stopped(job: Job, reason: str) -> State:
    """A job that ends without another attempt."""
    return job.state._replace(status="FAILED", reason=reason, stopped_ms=_now_ms(), task="")


def _of_array(group: Group) -> State:
    """The parent, when no child is left."""
    parent = group.parent._replace(stopped_ms=_now_ms())
    if group.failed:
        return parent._replace(status="FAILED", reason=verdict.CHILD_FAILED)
    return parent._replace(status="SUCCEEDED", reason="")
