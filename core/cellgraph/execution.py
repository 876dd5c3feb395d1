"""Calls between "it has to run" and "its record is in the store": starting, retries, outcomes."""

import time
from typing import Any

from cellgraph.active import Active
from cellgraph.audit import complaint, verdict
from cellgraph.dispatch import Dispatch
from cellgraph.elsewhere import Elsewhere
from cellgraph.errors import CallCancelled, LimitError
from cellgraph.events import (
    CallDone,
    CallFailed,
    CallProgress,
    CallsFinished,
    CallsStarted,
    LogText,
)
from cellgraph.executor import JobDone, JobFailed, JobLog, JobProgress, Unreduced
from cellgraph.failure import Failure, Refailed
from cellgraph.failures import failure_entry
from cellgraph.keeping import Jobs, Keeper, Report, disturbed, is_current, was_current
from cellgraph.label import label
from cellgraph.node import Node, State
from cellgraph.reasons import Reasons
from cellgraph.recent import SAMPLED
from cellgraph.remotes import Remotes
from cellgraph.stores.base import Entry
from cellgraph.telling import Telling


class Execution:
    """The jobs of a session. Owner thread only."""

    def __init__(
        self, dispatch: Dispatch, telling: Telling, reasons: Reasons, jobs: Jobs, keeper: Keeper
    ) -> None:
        self._dispatch = dispatch
        self._telling = telling
        self._reasons = reasons
        self._jobs = jobs
        self._keeper = keeper
        self._in_flight: dict[bytes, Node] = {}
        self._running: set[int] = set()
        self._remotes = Remotes(jobs, telling.emit)
        self._yielded: set[int] = set()  # jobs that another session asked for
        self.elsewhere = Elsewhere(telling.store, telling, self._withdraw)

    @property
    def busy(self) -> bool:
        """Whether any job is out."""
        return bool(self._jobs.out)

    # --- starting -----------------------------------------------------------------------------

    def start(self, active: Active, nodes: list[Node]) -> None:
        """Hand calls that must run to their executors; join the ones another run has started, and
        wait for those that another session computes."""
        fresh: list[Node] = []
        for node in nodes:
            other = self._in_flight.get(node.name) if node.definition.cached else None
            if other is None:
                fresh.append(node)
            else:
                active.audited.pop(node.call, None)
                active.reduction.join(node, other)
        missed = self.elsewhere.sift(active, fresh)
        for node in missed:
            if node.definition.cached:
                self._in_flight[node.name] = node
                if node.call not in active.audited:
                    self._note_miss(active, node)
        refused = active.budget.refuses(active, missed)
        if refused is not None:
            self._give_up(active, missed, refused)
            return
        starting: list[Node] = []
        for node in missed:
            node.state = State.RUNNING
            if not node.definition.options.limits or self._dispatch.limits.take(node):
                starting.append(node)
        if starting:
            self._submit(active, starting)

    def _give_up(self, active: Active, nodes: list[Node], error: LimitError) -> None:
        """A limit of the caller's is reached: start nothing more, end the run with *error*."""
        for node in nodes:
            if self._in_flight.get(node.name) is node:
                del self._in_flight[node.name]
        self.elsewhere.done(nodes)
        active.reduction.failed(nodes[0], Failure(error))
        self._telling.skipped(active, active.reduction.stop())

    def _note_miss(self, active: Active, node: Node) -> None:
        task_id = node.definition.id
        before = active.misses.get(task_id, 0)
        active.misses[task_id] = before + 1
        if before < SAMPLED:
            self._reasons.sample(active, node)
        if task_id not in active.reasons:
            reason, entries = self._reasons.of(node.definition)
            active.reasons[task_id] = (node.definition.name, reason)
            if entries:
                self._telling.write(active, entries)

    def _submit(self, active: Active, nodes: list[Node]) -> None:
        self._mark_altered(active, nodes)
        jobs = self._dispatch.number(nodes)
        for job, node in jobs:  # known before an executor can report them
            self._jobs.out[job] = (active, node)
            active.jobs.add(job)
        try:
            private = active.altered | active.audited.keys()
            self._dispatch.submit(jobs, private)
        except Exception as error:  # an executor that cannot be had, an option it does not know
            for job, node in jobs:
                self._jobs.out.pop(job, None)
                active.jobs.discard(job)
                if node.call >= 0:
                    self._free(node)
                self._lost(active, node, Failure(error))

    def _mark_altered(self, active: Active, nodes: list[Node]) -> None:
        """Calls whose code is not what their keys say any more run, but are not kept.

        A second look after they ran would miss a change that is taken back in between.
        """
        current: dict[bytes, bool] = {}
        for node in nodes:
            definition = node.definition
            # a rule (its call is -1) has no definition
            if node.call < 0 or not definition.reads_state or not definition.cached:
                continue
            if not was_current(definition, current):
                active.altered.add(node.call)
                node.whole = False
                self._telling.state_changed(active, definition.name)

    def apply(self, active: Active, nodes: list[Node]) -> None:
        """Compute rules: at once where that is quick, else as jobs."""
        elsewhere: list[Node] = []
        for node in nodes:
            _note_failures(node)
            if not self._dispatch.is_quick(node):
                node.state = State.RUNNING
                elsewhere.append(node)
                continue
            try:
                outcome = self._dispatch.compute(node)
            except Exception as error:  # the rule's own error is its node's failure
                self._lost(active, node, _failure_of(error, active.reduction.name_of(node)))
            else:
                active.reduction.returned(node, outcome)
        if elsewhere:
            self._submit(active, elsewhere)

    # --- what executors report ------------------------------------------------------------------

    def take(self, report: Report) -> None:
        """Carry out a batch of reports: records first, then their outcomes are used."""
        done: list[tuple[Active, Node, JobDone]] = []
        entries: list[Entry] = []
        current: dict[bytes, bool] = {}
        for event in report.events:
            if type(event) is JobDone:
                found = self._jobs.take(event.id)
                if found is not None:
                    done.append((*found, event))
                    if event.id not in report.kept:
                        entries += self._entry(*found, event, current)
                    if event.reads:
                        self._rest(*found, event)
            elif type(event) is JobFailed:
                self._failed(event)
            elif type(event) is JobLog or type(event) is JobProgress:
                self._said(event)
            else:
                self._remotes.take(event)
        if entries:
            first = done[0][0]
            others = {id(a): a for a, _, _ in done if a is not first}
            self._telling.write(first, entries, *others.values())
        if report.problem and done:
            self._telling.complain(done[0][0], report.problem)
        self._use(done)

    def _entry(
        self, active: Active, node: Node, event: JobDone, current: dict[bytes, bool]
    ) -> list[Entry]:
        """What is still to be written for a call that returned."""
        log = self._keeper.log_of(event.id)
        if node.call < 0 or not node.definition.cached or node.call in active.audited:
            return []
        if node.call in active.altered:
            return []
        if not is_current(node.definition, current):
            node.whole = False
            self._telling.state_changed(active, node.definition.name)
            return []
        if event.reads and disturbed(node, event.reads):
            return []
        if type(event.outcome) is Unreduced:
            entry = active.cache.graph_entry(node, event, log)
            return [] if entry is None else [entry]
        return [active.cache.value_entry(node, event, log)]

    def _rest(self, active: Active, node: Node, event: JobDone | JobFailed) -> None:
        """The outcome depends on what was read; not reproducible if that did not hold still."""
        name = disturbed(node, event.reads)
        if name:
            node.whole = False
            self._telling.reads_changed(active, active.reduction.name_of(node), name)
        else:
            active.cache.rest(node, event.reads)

    def _use(self, done: list[tuple[Active, Node, JobDone]]) -> None:
        finished: dict[str, list[CallDone]] = {}
        for active, node, event in done:
            active.jobs.discard(event.id)
            self._yielded.discard(event.id)
            if node.call >= 0:
                active.run.counts.executed += 1
                active.ran.append(node)
                tally = active.tally(node.definition)
                tally.executed += 1
                tally.seconds += event.elapsed_s
                self._free(node)
                if active.reduction.growth.observed and not active.ended:
                    calls = finished.setdefault(active.run.id, [])
                    calls.append(CallDone(node.call, event.elapsed_s))
            outcome = event.outcome
            if active.audited and node.call in active.audited:
                stored = active.audited[node.call].outcome
                outcome = self._audited(active, node, verdict(stored, outcome))
            active.reduction.returned(node, outcome)
        for run, calls in finished.items():
            self._telling.emit(CallsFinished(run, tuple(calls)))

    def _audited(self, active: Active, node: Node, difference: str) -> object:
        """Say how a hit that ran again differs, if it does; return the stored outcome."""
        stored = active.audited.pop(node.call).outcome
        if difference:
            call = f"{label(node.expr)} [{node.key.hex()[:12]}]"
            self._telling.warn(active, complaint(call, node.definition.name, difference))
        return stored

    def _free(self, node: Node) -> None:
        """The call no longer runs: give back what it held."""
        self.elsewhere.done((node,))
        self._give_back(node)

    def _give_back(self, node: Node) -> None:
        if node.definition.cached and self._in_flight.get(node.name) is node:
            del self._in_flight[node.name]
        if node.definition.options.limits:
            for held in self._dispatch.limits.release(node):
                self._submit(held.owner.active, [held])

    def _failed(self, event: JobFailed) -> None:
        found = self._jobs.out.pop(event.id, None)
        if found is None:
            self._jobs.late.pop(event.id, None)
            return
        active, node = found
        if self._dispatch.may_still_return(event):
            self._jobs.late[event.id] = found
        active.jobs.discard(event.id)
        if event.id in self._yielded:
            self._yielded.discard(event.id)
            if not active.stopping and isinstance(event.error, CallCancelled):
                self._give_back(node)
                self.elsewhere.handed_over(active, node)
                return
        log = self._keeper.log_of(event.id)
        failure = _failure_of(
            event.error, active.reduction.name_of(node), log, event.traceback, node.key.hex()
        )
        retry = node.call >= 0 and not active.stopping and self._dispatch.try_again(node, failure)
        if retry:
            node.attempt += 1
            self._say_failed(active, node, failure, will_retry=True)
            self._submit(active, [node])
            return
        if node.call >= 0:
            self._free(node)
        if event.reads:
            self._rest(active, node, event)
        if node.call in active.audited:
            stored = self._audited(active, node, f"it failed ({failure.message})")
            active.reduction.returned(node, stored)
            return
        kept = failure_entry(active, node, event, failure)
        if kept is not None:
            self._telling.write(active, [kept])
        self._lost(active, node, failure)

    def _lost(self, active: Active, node: Node, failure: Failure) -> None:
        if node.call >= 0 and not active.ended:
            active.run.counts.failed += 1
            node.attempt += 1
            self._say_failed(active, node, failure, will_retry=False)
        active.reduction.failed(node, failure)

    def _say_failed(
        self, active: Active, node: Node, failure: Failure, *, will_retry: bool
    ) -> None:
        text = (failure.message, failure.traceback)
        self._telling.emit(CallFailed(active.run.id, node.call, *text, node.attempt, will_retry))

    def _said(self, event: JobLog | JobProgress) -> None:
        found = self._jobs.out.get(event.id)
        if found is None or found[0].ended:
            return
        run, call = found[0].run.id, found[1].call
        if isinstance(event, JobLog):
            self._telling.emit(LogText(run, call, event.stream, event.text))
        else:
            self._telling.emit(CallProgress(run, call, event.done, event.total, event.text))

    # --- other sessions -------------------------------------------------------------------------

    def _withdraw(self, keys: set[bytes]) -> set[bytes]:
        """Give away those of the calls *keys* that have not begun; return the keys of those that
        run."""
        for node in self._dispatch.limits.withdraw(keys):
            self._in_flight.pop(node.name, None)
            self.elsewhere.handed_over(node.owner.active, node)
        jobs = {job: out for job, out in self._jobs.out.items() if out[1].key in keys}
        running = jobs.keys() & set(self._dispatch.running())
        # What another run waits for stays here: it could not be told that the call has left.
        wanted = {
            job
            for job, (active, node) in jobs.items()
            if job not in running and not active.stopping and node.is_alone
        }
        self._yielded |= wanted
        self._dispatch.withdraw(wanted)
        return {jobs[job][1].key for job in running}

    # --- stopping and looking -------------------------------------------------------------------

    def settled(self) -> None:
        """Nothing more becomes ready before a job ends: who waits for company need not."""
        self._dispatch.depart(len(self._jobs.out))

    def stop(self, active: Active, *, running: bool) -> None:
        """Drop the queued jobs of a run, except those another run waits for; with *running*, also
        stop what runs, or let go of it. Otherwise that goes on to its end and is kept."""
        self.elsewhere.drop(active)
        held = self._dispatch.limits.drop(active.reduction)
        self.elsewhere.done(held)
        for node in held:
            self._in_flight.pop(node.name, None)
        mine = [job for job in active.jobs if self._jobs.out[job][1].is_alone]
        if not running:
            going = set(self._dispatch.running())
            mine = [job for job in mine if job not in going]
        for job in mine:  # nobody may wait for a call that is being stopped
            self._in_flight.pop(self._jobs.out[job][1].name, None)
        self._dispatch.cancel(mine, let_go=active.lets_go)

    def look(self) -> None:
        """Say which calls have begun to run since the last look."""
        now = set(self._dispatch.running())
        started: dict[str, list[int]] = {}
        for job in now - self._running:
            found: Any = self._jobs.out.get(job)
            if found is not None and found[1].call >= 0:
                started.setdefault(found[0].run.id, []).append(found[1].call)
        self._running = now
        for run, calls in started.items():
            self._telling.emit(CallsStarted(run, tuple(calls), time.time()))


def _failure_of(
    error: BaseException, task: str, log: str = "", traceback: str = "", call: str = ""
) -> Failure:
    if isinstance(error, Refailed):
        return error.failure
    return Failure(error, task=task, call=call, log=log, traceback=traceback)


def _note_failures(node: Node) -> None:
    """A value that rests on a failure of the place, not of the code, is not reproducible."""
    for argument in node.args:
        if type(argument) is Failure and argument.by_executor:
            node.whole = False
