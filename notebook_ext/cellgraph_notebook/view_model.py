"""Events -> the state of one run, as a reader sees it. Pure: no thread, clock or I/O.

One model feeds every renderer. Applying an event costs a microsecond or two per call and keeps nine
bytes for it, so that ten thousand calls cost about 20 ms and a million still work. Times come from
the events or from the `now` (seconds since the epoch) passed by whoever asks. Not thread-safe: one
thread applies and asks, or a lock is held.
"""

from collections.abc import Callable
from math import inf
from typing import Any

from cellgraph.events import (
    CallFailed,
    CallProgress,
    CallsAdded,
    CallsElsewhere,
    CallsFinished,
    CallsLinked,
    CallsReused,
    CallsSkipped,
    CallsStarted,
    Event,
    LogText,
    MissesExplained,
    Notice,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
    RunFinished,
    RunStarted,
)
from cellgraph_notebook import remote_wording
from cellgraph_notebook.boxes import Boxes
from cellgraph_notebook.calls import Calls, Group
from cellgraph_notebook.estimate import remaining_s
from cellgraph_notebook.findings import Failures, Logs, Remarks
from cellgraph_notebook.folding import Folded, fold
from cellgraph_notebook.grouping import Grouping
from cellgraph_notebook.remote_jobs import RemoteJob, RemoteJobs
from cellgraph_notebook.snapshot import Cause, Snapshot, Totals
from cellgraph_notebook.statuses import (
    CANCELLED,
    DONE,
    FAILED,
    REUSED,
    RUNNING,
    SKIPPED,
    WAITING,
    ViewStatus,
    no_counts,
)


class RunModel:
    """One run: apply its events in order, ask for a snapshot, or for what changed since another."""

    def __init__(self, label: str = "") -> None:
        self.run = ""
        self.label = label
        self.status: ViewStatus = "planned"
        self.ended = False
        self.revision = 0
        self._shape_revision = 0  # when boxes or edges last changed
        self._calls = Calls()
        self._grouping = Grouping(self._calls)
        self._failures = Failures()
        self._logs = Logs()
        self._remarks = Remarks()
        self._jobs = RemoteJobs(self._calls)
        self._started_at = inf
        self._busy_since = inf
        self._folded = Folded((), (), ())
        self._folded_at = 0
        # The last word on these is RunFinished's: a replay counts calls that it does not add.
        self._elsewhere: set[int] = set()  # calls that another session computes
        self._final = Totals(
            calls=0, counts=no_counts(), elsewhere=0, saved_s=0.0, elapsed_s=None, eta_s=None
        )
        self._by_type: dict[type[object], Callable[[Any], None]] = {
            RunStarted: self._on_run_started,
            CallsAdded: self._on_added,
            CallsLinked: self._on_linked,
            CallsStarted: self._on_started,
            CallsElsewhere: self._on_elsewhere,
            CallsReused: self._on_reused,
            CallsFinished: self._on_finished,
            CallFailed: self._on_failed,
            CallsSkipped: self._on_skipped,
            RemoteJobAdded: self._on_job_added,
            RemoteJobChanged: self._on_job_changed,
            RemoteChildrenEnded: self._on_children_ended,
            LogText: self._on_log,
            CallProgress: self._on_progress,
            Notice: self._on_notice,
            MissesExplained: self._on_misses,
            RunFinished: self._on_run_finished,
        }

    def apply(self, event: Event) -> None:
        """Take in *event*. One of a kind this version does not know changes nothing.

        Nor does one told after the end: jobs that were stopped report later that they failed.
        """
        take = self._by_type.get(type(event))
        if take is not None and not self.ended:
            self.revision += 1
            take(event)

    def abandon(self, now: float) -> None:
        """End a run whose end was never told: what was not finished counts as cancelled."""
        if not self.ended:
            totals = self._totals(now)
            elapsed_s, counts = totals["elapsed_s"] or 0.0, totals["counts"]
            executed = counts[DONE] + counts[FAILED]
            self.apply(
                RunFinished(
                    self.run, "cancelled", now, elapsed_s, executed, counts[REUSED],
                    counts[FAILED], totals["saved_s"],
                )
            )  # fmt: skip

    def snapshot(self, now: float, since: int = -1) -> Snapshot:
        """Return the run at *now*; with *since* (a revision), only what changed after it.

        Cost: tens of microseconds for each group returned, however many calls there are.
        """
        whole = since < 0 or since < self._shape_revision
        folded = self._fold()
        boxes = Boxes(self._calls, self._logs, self._remarks, folded)
        changed = [s for s in folded.shown if whole or boxes.changed_since(s, since)]
        return Snapshot(
            run=self.run,
            label=self.label,
            status=self.status,
            revision=self.revision,
            whole=whole,
            totals=self._totals(now),
            groups=[boxes.state(shown, now) for shown in changed],
            order=[shown.id for shown in folded.shown] if whole else [],
            edges=list(folded.edges) if whole else [],
            failures=self._causes() if whole or self._failures.revision > since else None,
            unlisted=self._failures.unlisted,
            jobs=self._jobs.states(since, now, whole=whole),
            job_order=self._jobs.order(),
            hidden_jobs=self._jobs.hidden,
            notices=self._remarks.notices,
        )

    def job(self, number: int) -> RemoteJob | None:
        """The remote job with this number (`JobState`)."""
        return self._jobs.job(number)

    def about_child(self, job: RemoteJob, child: int) -> tuple[str, str]:
        """What a child is, and if it failed why; and the end of what its calls have printed."""
        name, failure = job.name_of(child, self._calls), job.failure_of(child, self._calls)
        tails = [self._logs.tail(call) for call in job.calls_of(child)]
        printed = "\n".join(tail.rstrip() for tail in tails if tail)
        return remote_wording.child_title(name, child, failure), printed

    def _on_run_started(self, event: RunStarted) -> None:
        self.run, self.label, self.status = event.run, event.label, "running"
        self._started_at = event.at

    def _on_added(self, event: CallsAdded) -> None:
        if self._grouping.add(event.calls, self.revision):
            self._shape_revision = self.revision

    def _on_linked(self, event: CallsLinked) -> None:
        if self._grouping.link(event.calls):
            self._shape_revision = self.revision

    def _on_started(self, event: CallsStarted) -> None:
        self._busy_since = min(self._busy_since, event.at)
        for number in self._calls.move(event.calls, RUNNING, self.revision):
            group = self._calls.groups[number]
            group.started_at = min(group.started_at, event.at)

    def _on_elsewhere(self, event: CallsElsewhere) -> None:
        self._elsewhere.update(event.calls)

    def _on_reused(self, event: CallsReused) -> None:
        self._calls.finish(event.calls, REUSED, Group.reused, self.revision)

    def _on_finished(self, event: CallsFinished) -> None:
        self._calls.finish(event.calls, DONE, Group.ran, self.revision)

    def _on_failed(self, event: CallFailed) -> None:
        to = WAITING if event.will_retry else FAILED
        self._calls.move((event.call,), to, self.revision)
        group = self._calls.group(event.call)
        if not event.will_retry:
            task = group.task if group else ""
            self._failures.add(task, event, self._logs.tail(event.call), self.revision)
        elif group:
            group.retried += 1

    def _on_skipped(self, event: CallsSkipped) -> None:
        self._calls.reserve(max(event.calls, default=-1) + 1)
        status = self._calls.status
        running = [call for call in event.calls if status[call] == RUNNING]
        waiting = [call for call in event.calls if status[call] == WAITING]
        self._calls.move(running, CANCELLED, self.revision)
        self._calls.move(waiting, SKIPPED, self.revision)

    def _on_job_added(self, event: RemoteJobAdded) -> None:
        self._jobs.add(event, self.revision)

    def _on_job_changed(self, event: RemoteJobChanged) -> None:
        self._jobs.change(event, self.revision)

    def _on_children_ended(self, event: RemoteChildrenEnded) -> None:
        self._jobs.end(event, self.revision)

    def _on_progress(self, event: CallProgress) -> None:
        self._jobs.advance(event, self.revision)
        group = self._calls.group(event.call)
        if group:
            group.progress, group.revision = event, self.revision

    def _on_log(self, event: LogText) -> None:
        self._logs.add(event.call, event.text)
        group = self._calls.group(event.call)
        if group:
            group.last_log, group.revision = event.call, self.revision

    def _on_notice(self, event: Notice) -> None:
        self._remarks.notice(event.text)

    def _on_misses(self, event: MissesExplained) -> None:
        tasks = self._remarks.missed(event.misses)
        for group in self._calls.groups:
            if group.task in tasks:
                group.revision = self.revision

    def _on_run_finished(self, event: RunFinished) -> None:
        self._jobs.give_up(self.revision)  # it asks which calls have not ended
        change = bytearray(range(256))
        change[RUNNING] = CANCELLED
        change[WAITING] = CANCELLED if event.status == "cancelled" else SKIPPED
        if event.status == "cancelled" and not event.failed:
            change[SKIPPED] = CANCELLED
        self._calls.turn(bytes(change), self.revision)
        counts = self._calls.counts()
        counts[REUSED] = max(counts[REUSED], event.reused)
        self._final = Totals(
            calls=sum(counts), counts=counts, elsewhere=0, saved_s=event.saved_s,
            elapsed_s=event.elapsed_s, eta_s=None,
        )  # fmt: skip
        self.status, self.ended = event.status, True

    def _fold(self) -> Folded:
        if self._folded_at != self._shape_revision:
            self._folded = fold(self._calls.groups)
            self._folded_at = self._shape_revision
        return self._folded

    def _totals(self, now: float) -> Totals:
        if self.ended:
            return self._final
        groups, counts = self._calls.groups, self._calls.counts()
        started = self._started_at < inf
        busy_since = self._busy_since if self._busy_since < inf else self._started_at
        status = self._calls.status
        waiting = {c for c in self._elsewhere if c >= len(status) or status[c] == WAITING}
        self._elsewhere = waiting
        return Totals(
            calls=sum(counts),
            counts=counts,
            elsewhere=len(waiting),
            saved_s=sum(group.saved_s for group in groups),
            elapsed_s=max(0.0, now - self._started_at) if started else None,
            eta_s=remaining_s(groups, now - busy_since),
        )

    def _causes(self) -> list[Cause]:
        return [
            Cause(
                calls=[self._calls.label(call) for call in cause.calls],
                count=cause.count,
                error=cause.error,
                where=cause.where,
                traceback=cause.traceback,
                log=cause.log,
                attempts=cause.attempts,
            )
            for cause in self._failures.causes.values()
        ]
