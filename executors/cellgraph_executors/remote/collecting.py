"""Outcomes of children become answers. Threading: the watcher's thread."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cellgraph.errors import (
    CallCancelled,
    ExecutorError,
    HostLost,
    OutcomeRefused,
    OutOfMemory,
)
from cellgraph.events import ChildEnded, RemoteStatus
from cellgraph.executor import (
    Job,
    JobEvent,
    JobFailed,
    JobLog,
    JobProgress,
    RemoteEnded,
    RemoteSeen,
)
from cellgraph.stores.s3.arrays import ARRAYS
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph_executors.aws import AwsFault, Unauthorised
from cellgraph_executors.remote.beats import SUFFIX, child_of
from cellgraph_executors.remote.beats import decode as read_beat
from cellgraph_executors.remote.flights import Flight, Slot
from cellgraph_executors.remote.office import Office
from cellgraph_executors.remote.outcome import Ended, Outcome, Raised, decode, event_of
from cellgraph_executors.remote.states import Fact, LastWords

_AT_ONCE: Final = 256
_LOGS: Final = 10  # children of a job whose logs are fetched without being asked for
_LOGS_WAITED_FOR: Final = 3  # also when that takes some seconds
_BEATS: Final = 50  # children of a job of which it is read, in one look, how far they are
_MOMENT_S: Final = 0.2
_DIGITS: Final = 9  # more than the index of a child has


class Collector:
    """Reads what children wrote, and answers for those that wrote nothing."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def collect(self, flight: Flight) -> list[int]:
        """Read outcomes that are new; return the children that have ended, all of them."""
        folder = f"{ARRAYS}{flight.array}/out/"
        with self._office.lock:
            wanted, flight.wanted_now = flight.wanted_now, set()
        for child in wanted:
            flight.watch.reopen(child)
        flight.collected -= {
            name for name in flight.collected if _child_of(name[len(folder) :]) in wanted
        }
        found = {f.name: f.etag for f in self._office.arrays.list(folder)}
        listed = [n for n in found if 0 <= _child_of(n[len(folder) :]) < flight.children]
        fresh = [
            n for n in listed if n not in flight.collected and flight.refused.get(n) != found[n]
        ]
        self._hear(flight, found, len(folder))
        for at in range(0, len(fresh), _AT_ONCE):
            some = {name: found[name] for name in fresh[at : at + _AT_ONCE]}
            self._collect(flight, some, len(folder))
        whole = [name[len(folder) :] for name in listed if name in flight.collected]
        return [int(name) for name in whole if name.isdigit()]

    def _hear(self, flight: Flight, found: Mapping[str, str], skip: int) -> None:
        """Pass on how far calls have come, of those children that say so."""
        said = [n for n in found if n.endswith(SUFFIX) and flight.beats.get(n) != found[n]]
        if not said:
            return
        office = self._office
        flight.stirred = True
        events: list[JobEvent] = []
        for name, data in office.arrays.read(said[:_BEATS]):
            child = child_of(name[skip:])
            flight.beats[name] = found[name]
            if isinstance(data, S3Fault) or not 0 <= child < flight.children:
                continue  # it has ended, or is no child's
            own = office.word.outcome(flight.pending, child, name[skip:], data)
            beat = None if own is None else read_beat(own)
            if beat is None:
                continue
            with office.lock:
                slots = dict(flight.of_child(child))
                jobs = slots[beat.at].waiters if beat.at in slots else []
                events += [JobProgress(j.id, beat.done, beat.total, beat.text) for j in jobs]
        office.report(events)

    def _collect(self, flight: Flight, names: Mapping[str, str], skip: int) -> None:
        """Read some outcomes (names and ETags) at once; answer for their calls in one report."""
        wanted = [name for name in names if flight.wanted(_child_of(name[skip:]))]
        flight.collected.update(name for name in names if name not in wanted)
        flight.watch.ended(
            (_child_of(name[skip:]), False)
            for name in names
            if name not in wanted and name[skip:].isdigit()
        )
        outcomes: list[Outcome] = []
        fault: S3Fault | None = None
        for name, data in self._office.arrays.read(wanted):
            if isinstance(data, S3Fault):
                fault = fault if isinstance(data, Absent) else data
                continue
            child = _child_of(name[skip:])
            said = self._office.word.outcome(flight.pending, child, name[skip:], data)
            if said is None:
                self._refuse(flight, name, names[name])
                continue
            flight.refused.pop(name, None)
            flight.collected.add(name)
            outcome = self._decoded(said, child)
            if outcome.described:
                self._office.note_described(flight, outcome.described)
            outcomes.append(outcome)
            if name[skip:].isdigit():
                flight.watch.ended([(outcome.child, _has_failed(outcome))])
        self._answer(flight, outcomes)
        if fault is not None:
            raise fault

    def _refuse(self, flight: Flight, name: str, etag: str) -> None:
        """It was not signed by the child: as if it were not there, until it is another one."""
        if not flight.refused:
            text = f"{flight.pending.task}: {name} was not signed by its job, and is not used"
            self._office.remark(flight.open_jobs(), text)
        flight.refused[name] = etag

    def _decoded(self, data: bytes, child: int) -> Outcome:
        try:
            outcome = decode(data)
        except ExecutorError:
            return Outcome(child, 1, 0.0, 0.0, "", ())
        return outcome if outcome.child == child else Outcome(child, 1, 0.0, 0.0, "", ())

    def _answer(self, flight: Flight, outcomes: Sequence[Outcome]) -> None:
        events = self._told(flight, [outcome for outcome in outcomes if outcome.calls])
        places: list[Place] = []
        again: list[Job] = []
        for outcome in outcomes:
            slots = dict(flight.of_child(outcome.child))
            for ended in outcome.calls:
                slot = slots.get(ended.at)
                if slot is None or slot.ended:
                    continue
                if isinstance(ended.what, Raised) and flight.catching_up:
                    again += self._spend(slot)
                    continue
                events += self._events(flight, slot, ended, places)
        if places:
            self._office.arrays.adopt(places)
        self._office.report(events)
        if again:
            self._office.again(again, alone=False, error=ExecutorError("it failed again"))

    def _told(self, flight: Flight, outcomes: Sequence[Outcome]) -> list[JobEvent]:
        """What is said of children that ended, before their calls: the last one ends a run."""
        if not outcomes:
            return []
        children = tuple([self._child(flight, outcome) for outcome in outcomes])
        told: list[JobEvent] = [RemoteEnded(flight.remote, children)]
        if not flight.watch.open and not flight.catching_up:
            failed = flight.watch.failures
            over: RemoteStatus = "failed" if failed else "done"
            flight.told = (over, 0, 0, flight.children - failed, failed, ())
            counts = (0, 0, flight.children - failed, failed)
            told.append(
                RemoteSeen(
                    flight.remote, over, *counts, (), time.time(), "", flight.watch.seen.vcpu_s
                )
            )
        return told

    def _spend(self, slot: Slot) -> list[Job]:
        """The call ended without a value while nobody watched: return who still wants it."""
        office = self._office
        with office.lock:
            office.book.spent(slot.key)
            return office.flights.end(slot)[0]

    def _events(
        self, flight: Flight, slot: Slot, ended: Ended, places: list[Place]
    ) -> Iterator[JobEvent]:
        office = self._office
        with office.lock:
            waiters, late = office.flights.end(slot)
            office.grouping.took(flight.pending.task, ended.elapsed_s)
        for job_id in [*(job.id for job in waiters), *late]:
            event, found = event_of(ended, job_id, flight.pending.task)
            places += found
            if isinstance(event, JobFailed) and job_id in late:
                continue
            if ended.out:
                yield JobLog(job_id, "stdout", ended.out)
            if ended.err:
                yield JobLog(job_id, "stderr", ended.err)
            yield event

    def _child(self, flight: Flight, outcome: Outcome) -> ChildEnded:
        failed = _has_failed(outcome)
        return ChildEnded(
            outcome.child,
            outcome.attempt,
            max(0.0, outcome.began - flight.pending.created),
            max(0.0, outcome.ended - outcome.began),
            failed,
            1 if failed else 0,
            "a call raised" if failed else "",
            outcome.log,
        )

    # --- children that wrote nothing ---

    def explain(self, flight: Flight, facts: Sequence[Fact]) -> None:
        """Children failed and left no outcome: their calls are sent again, or fail with why."""
        told: list[ChildEnded] = []
        for fact in facts:
            said = self._log_of(flight, fact) if flight.wanted(fact.child) else LastWords()
            error = self._office.service.cause(flight.pending.task, fact, said.text)
            self._fail_child(flight, fact.child, error, fact)
            told.append(_ended(flight, fact, said))
        self._office.report([RemoteEnded(flight.remote, tuple(told))])

    def lost(self, flight: Flight, children: Collection[int]) -> None:
        """Children left nothing at all, and the job is over."""
        reason = flight.watch.seen.reason
        for child in children:
            fact = Fact(child, -1, reason, "", 0.0, time.time(), flight.remote)
            error = self._office.service.cause(flight.pending.task, fact, "")
            self._fail_child(flight, child, error, fact)

    def give_up(self, flight: Flight) -> None:
        """It was never submitted: what waits for it is sent by us."""
        office = self._office
        with office.lock:
            jobs: list[Job] = []
            for slot in flight.slots:
                office.book.spent(slot.key)
                jobs += office.flights.end(slot)[0]
            office.flights.drop(flight)
        office.again(jobs, alone=False, error=ExecutorError("it was never submitted"))

    def _fail_child(self, flight: Flight, child: int, error: ExecutorError, fact: Fact) -> None:
        office = self._office
        several = flight.pending.calls_per_child > 1
        if not isinstance(error, CallCancelled) and _is_refused(flight, child):
            error = OutcomeRefused(
                f"{flight.pending.task}, child {child}: what lies in the bucket in place of its "
                "result was not signed by its job: find out who else can write there"
            )
        elapsed_s = max(0.0, fact.stopped - fact.started) if fact.started else 0.0
        for _, slot in flight.of_child(child):
            if slot.ended:
                continue
            with office.lock:
                office.book.spent(slot.key)
                jobs = office.flights.end(slot)[0]
            if isinstance(error, CallCancelled) or not jobs:
                if flight.cancelled or child in flight.stopped:  # who waits has come since then
                    office.again(jobs, alone=False, error=error)
                else:
                    office.answer(jobs, error)
            elif flight.catching_up or isinstance(error, OutcomeRefused):
                office.again(jobs, alone=False, error=error)
            elif isinstance(error, HostLost) and office.service.resends:
                office.again(jobs, alone=False, error=error, times=office.service.resends)
            elif several:  # which of its calls was at fault is not known
                office.again(jobs, alone=True, error=error)
            elif isinstance(error, OutOfMemory):
                self._step_up(jobs, error, elapsed_s)
            else:
                office.answer(jobs, error, elapsed_s)

    def _step_up(self, jobs: Sequence[Job], error: OutOfMemory, elapsed_s: float) -> None:
        """Try with twice the memory, as far as the task allows."""
        for job in jobs:
            r = job.resources
            most = float((r.extra or {}).get("memory_max_gib", 0.0) or 0.0)  # type: ignore[arg-type]
            has = r.memory_gib or 2.0 * max(1.0, r.vcpus)
            if has >= most:
                self._office.answer([job], error, elapsed_s)
                continue
            more = replace(r, memory_gib=min(most, 2 * has))
            self._office.add([job._replace(resources=more)])

    def _log_of(self, flight: Flight, fact: Fact) -> LastWords:
        office = self._office
        if flight.explained >= _LOGS:
            return LastWords()
        while not office.allowance.take(office.clock(), 2):
            if flight.explained >= _LOGS_WAITED_FOR or office.closed.wait(_MOMENT_S):
                return LastWords()
        flight.explained += 1
        try:
            return office.service.log_tail(fact.id)
        except Unauthorised:
            raise
        except AwsFault:
            return LastWords()  # the failure itself is worth more than its log


def _has_failed(outcome: Outcome) -> bool:
    return any(isinstance(ended.what, Raised) for ended in outcome.calls)


def _child_of(name: str) -> int:
    """The child that an outcome's name speaks of; -1 for a name that no child gives."""
    index, _, part = name.partition("-")
    whole = name.isascii() and index.isdigit() and len(index) < _DIGITS
    return int(index) if whole and name in (f"{int(index)}", f"{int(index)}-{part}") else -1


def _is_refused(flight: Flight, child: int) -> bool:
    return any(_child_of(name.rpartition("/")[2]) == child for name in flight.refused)


def _ended(flight: Flight, fact: Fact, said: LastWords) -> ChildEnded:
    started = fact.started or flight.pending.created
    return ChildEnded(
        fact.child,
        said.attempt,
        max(0.0, started - flight.pending.created),
        max(0.0, fact.stopped - started) if fact.stopped else 0.0,
        failed=True,
        exit_code=fact.exit_code,
        reason="; ".join(part for part in (fact.reason, fact.container) if part),
        log=said.log,
    )
