"""One look at everything that was sent: describe, collect, explain, tell. See `states` for why.

Requests to the service are counted by the allowance and left out when it is used up; the store is
listed at each look, so results come in whatever the service says, and however late.

Threading: one thread of its own.
"""

import logging
import random
import time
from collections.abc import Sequence
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.events import RemoteStatus
from cellgraph.executor import Remark, RemoteSeen
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.faults import Unauthorised as S3Unauthorised
from cellgraph_executors.aws import AwsFault, Later, NoAnswer, Unauthorised
from cellgraph_executors.remote.collecting import Collector
from cellgraph_executors.remote.flights import Flight, replace_remote
from cellgraph_executors.remote.office import Office
from cellgraph_executors.remote.pace import Interval
from cellgraph_executors.remote.patience import expired
from cellgraph_executors.remote.sender import Sender
from cellgraph_executors.remote.states import (
    CANCELLED,
    Command,
    Explain,
    Fact,
    ListFailed,
    ListOutcomes,
    Lost,
    Seen,
)

_LONGEST_S: Final = 15.0
_LISTED_BY_INDEX: Final = 1000  # children of a job of which the running ones are named
_LIVE: Final = 10  # jobs that are looked at as often when all that moves is how far calls are
_SPARE: Final = 3  # requests that are kept for what failed, and for the log of it
_UNSUBMITTED_S: Final = 30.0  # whoever wrote that he would submit a job has died
_PAUSED_S: Final = 5.0
_GONE: Final = Seen("failed", 0, 0, 0, 0, "the service knows it no longer")
_log = logging.getLogger(__name__)


class Watcher:
    """Watches until the executor is closed."""

    def __init__(self, office: Office, sender: Sender) -> None:
        self._office = office
        self._sender = sender
        self._collector = Collector(office)
        self._looks = 0
        self._settled: list[str] = []  # arrays of which all is known, still on record

    def run(self) -> None:
        """Until the executor is closed."""
        office = self._office
        interval = Interval(office.terms.poll_s, _LONGEST_S, random.random)
        while not office.closed.is_set():
            with office.lock:
                flights = office.flights.open()
            if not (flights or self._settled):
                office.watch.wait()
                office.watch.clear()
                continue
            changed = self._watch(flights)
            if office.watch.wait(interval.next_s(changed=changed)):
                office.watch.clear()
        self._leave()

    def _watch(self, flights: Sequence[Flight]) -> bool:
        """One look; whether anything changed. Trouble is said, and waited out."""
        office = self._office
        try:
            return self._look(flights)
        except (Unauthorised, S3Unauthorised) as fault:
            self._pause(flights, fault)
            office.closed.wait(_PAUSED_S)
            office.service.renew()
            office.arrays.renew()
        except (Later, NoAnswer):
            pass  # the next look is later
        except (AwsFault, S3Fault) as fault:
            self._say(flights, f"remote jobs cannot be watched: {fault}")
        except Exception:
            _log.exception("watching remote jobs met an error of its own")
        return False

    def _look(self, flights: Sequence[Flight]) -> bool:
        self._looks += 1
        self._settle()
        self._terminate()
        changed = False
        for flight in flights:
            if not flight.remote:
                changed |= self._resolve(flight)
        described = self._describe([f for f in flights if f.remote and not f.over])
        for flight in flights:
            if flight.remote and not flight.over:
                changed |= self._look_at(flight, described.get(flight.array))
                changed |= flight.stirred and len(flights) <= _LIVE
                flight.stirred = False
        return changed

    def _describe(self, flights: Sequence[Flight]) -> dict[str, tuple[Seen, Fact]]:
        """By array, what the service says of as many jobs as may be asked for now."""
        office, service = self._office, self._office.service
        described: dict[str, tuple[Seen, Fact]] = {}
        for at in range(0, len(flights), service.at_once):
            some = flights[at : at + service.at_once]
            if not office.allowance.take(office.clock(), spare=_SPARE):
                break
            found = service.describe([flight.remote for flight in some])
            for flight in some:
                gone = (_GONE, Fact(0, -1, _GONE.reason, "", 0, 0, flight.remote))
                described[flight.array] = found.get(flight.remote, gone)
        return described

    # --- one job ---

    def _look_at(self, flight: Flight, described: tuple[Seen, Fact] | None) -> bool:
        if flight.told[:1] == ("paused",):
            self._tell(flight)  # what comes in now may end the run
        open_before = flight.watch.open
        commands: list[Command] = [ListOutcomes()]
        single: Fact | None = None
        if described is not None:
            seen, single = described
            commands = flight.watch.described(seen)
        elif flight.children > _LISTED_BY_INDEX and self._looks % 5:
            return False  # a listing of many pages is for when something has ended
        while commands:
            command = commands.pop(0)
            if isinstance(command, ListOutcomes):
                commands += flight.watch.listed(self._collector.collect(flight))
            elif isinstance(command, ListFailed):
                commands += self._list_failed(flight, single)
            elif isinstance(command, Explain):
                self._collector.explain(flight, command.facts)
            elif isinstance(command, Lost):
                self._collector.lost(flight, command.children)
            else:
                self._finish(flight)
        if described is not None:
            flight.catching_up = False
            self._note_running(flight)
        if open_before and not flight.watch.open:
            self._room()
        return self._tell(flight) or flight.watch.open != open_before

    def _room(self) -> None:
        """A job has ended, or is about to: one that was not taken may be now."""
        with self._office.lock:
            self._office.room = True
            self._office.send.notify()

    def _list_failed(self, flight: Flight, single: Fact | None) -> list[Command]:
        if flight.children == 1:
            return flight.watch.failed([single] if single and flight.watch.seen.failed else [])
        office = self._office
        if flight.watch.seen is _GONE:
            return flight.watch.failed([])
        facts: list[Fact] = []
        if not office.allowance.take(office.clock()):
            flight.watch.again()
            return []
        for page in office.service.children(flight.remote, "FAILED"):
            facts += [f for f in page if not flight.watch.has_ended(f.child)]
            office.allowance.note(office.clock())
        return flight.watch.failed(facts)

    def _note_running(self, flight: Flight) -> None:
        """Which children run, where they are few enough to be named."""
        office, seen = self._office, flight.watch.seen
        if flight.children == 1:
            flight.running = (0,) if seen.running else ()
        elif not seen.running or flight.children > _LISTED_BY_INDEX:
            flight.running = ()
        elif office.allowance.take(office.clock(), spare=_SPARE - 1):  # after each description
            pages = office.service.children(flight.remote, "RUNNING")
            flight.running = tuple(sorted(f.child for page in pages for f in page))

    def _tell(self, flight: Flight) -> bool:
        """Say what is new of a job; whether anything was."""
        seen = flight.watch.seen
        if not flight.watch.open and flight.told[:1] in (("done",), ("failed",)):
            return False  # said when the last outcome came; the service lags behind
        status: RemoteStatus = "running" if seen.running or seen.done or seen.failed else "queued"
        if seen.over:
            status = "cancelled" if flight.cancelled else seen.over
        now = (status, seen.waiting, seen.running, seen.done, seen.failed, flight.running)
        if now == flight.told:
            return False
        flight.told = now
        said = RemoteSeen(flight.remote, *now, time.time(), seen.reason, seen.vcpu_s)
        self._office.report([said])
        return True

    def _finish(self, flight: Flight) -> None:
        """All is known. It is on record until the engine has filed the results: the next look."""
        office = self._office
        with office.lock:
            if flight.wanted_now:
                return  # somebody has just come
            office.flights.drop(flight)
            self._room()
            if flight.whole:
                self._settled.append(flight.array)

    def _settle(self) -> None:
        """Take off the record what is over, its results being in the bucket. Raises S3Fault."""
        if self._settled and self._office.store.flush():
            while self._settled:
                self._office.book.remove(self._settled[0])
                self._settled.pop(0)

    def _leave(self) -> None:
        """The session ends; who comes later need not look at what has ended."""
        office = self._office
        with office.lock:
            self._settled += [f.array for f in office.flights.open() if f.remote and f.whole]
        try:
            self._settle()
        except (S3Fault, StoreError) as fault:
            _log.debug("remote jobs stay on record: %s", fault)

    # --- a job that has no id yet ---

    def _resolve(self, flight: Flight) -> bool:
        """Somebody wrote that he would submit it: has he?"""
        office = self._office
        if flight.mine:
            return False  # the sender is about to
        now = office.book.read(flight.array)
        if now is not None and now.remote:
            flight.pending = now
        elif now is None or time.time() - now.created > _UNSUBMITTED_S:
            remote = office.service.find(flight.pending.line, flight.pending.name) if now else ""
            if not remote:
                self._collector.give_up(flight)
                office.book.remove(flight.array)
                return True
            flight.pending = replace_remote(now or flight.pending, remote)
        if flight.remote:
            self._sender.tell(flight, attached=True)
        return bool(flight.remote)

    # --- stopping, and trouble ---

    def _terminate(self) -> None:
        office = self._office
        while True:
            with office.lock:
                if not office.terminations:
                    return
                jobs = office.terminations[0]
            for job in jobs:
                office.allowance.note(office.clock())
                office.service.terminate(job, CANCELLED)
            with office.lock:
                office.terminations.pop(0)

    def _pause(self, flights: Sequence[Flight], fault: Exception) -> None:
        self._say(flights, expired(self._office, fault))
        for flight in flights:
            if flight.told[:1] != ("paused",) and flight.remote:
                flight.told = ("paused",)
                seen = flight.watch.seen
                counts = (seen.waiting, seen.running, seen.done, seen.failed)
                note = f"{fault}: {self._office.service.renewal()}"
                self._office.report(
                    [RemoteSeen(flight.remote, "paused", *counts, (), time.time(), note)]
                )

    def _say(self, flights: Sequence[Flight], text: str) -> None:
        with self._office.lock:
            jobs = tuple(job.id for flight in flights for job in flight.open_jobs())
        self._office.report([Remark(jobs, text)])
