"""Groups become jobs: what is in flight already is joined, the rest is packed and submitted once.

Order of writing: payloads and manifest, the pending object, the submission, the pending object with
the service's id. A kernel that dies after any of them leaves nothing that hurts: a job is found
again by its name, and a child that finds its outcome leaves at once.

Threading: one thread of its own.
"""

import logging
import os
import time
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from cellgraph.errors import CellgraphError, ConfigError, ExecutorError, StoreError
from cellgraph.executor import Job, JobsLeft
from cellgraph.stores.s3.arrays import ARRAYS
from cellgraph.stores.s3.faults import Refused as S3Refused
from cellgraph_executors.aws import AwsFault, Later, NoAnswer, Refused
from cellgraph_executors.remote.flights import (
    Flight,
    Held,
    Pending,
    Slot,
    job_name,
    keys_of,
    replace_remote,
)
from cellgraph_executors.remote.grouping import Group
from cellgraph_executors.remote.holding import Holding
from cellgraph_executors.remote.loading import Loader
from cellgraph_executors.remote.manifest import CallEntry, build
from cellgraph_executors.remote.office import Office
from cellgraph_executors.remote.patience import Closed, Patience

# Services show a new job in their listings within seconds.
_LOOKS_S: Final = (0.5, 1.5, 3, 6)
# Whoever came at the same moment and did not see us has submitted after so long, or given way.
_RIVALS_S: Final = (0.2, 0.4, 0.8, 1.6)
_SAID_AFTER: Final = 2  # refusals in a row: less is no news
# A booking that is this old is renewed at the next refusal, at most 15 s later: others believe that
# whoever wrote it has died when it is 30 s old (`watcher`).
_RENEWED_S: Final = 5.0
_log = logging.getLogger(__name__)


class Sender:
    """Sends what is due."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._patience = Patience(office)
        self._loader = Loader(office)
        self._holding: Holding[Held] = Holding()
        self._said = False

    def run(self) -> None:
        """Until the executor is closed."""
        office = self._office
        while not office.closed.is_set():
            with office.lock:
                times = (office.grouping.next_due(), self._holding.next_due())
                due = min((each for each in times if each is not None), default=None)
                now = office.clock()
                if (due is None or due > now) and not office.room:
                    office.send.wait(None if due is None else due - now)
                if office.room:
                    office.room = False
                    self._holding.room()
                groups = office.grouping.due(office.clock())
                for group in groups:
                    office.sending.update({job.id: job for job in group.jobs})
            for group in groups:
                try:
                    self._send(group)
                except Closed:
                    return
                except Exception as error:  # a fault of ours still answers for the jobs
                    _log.exception("a group could not be sent")
                    self._fail(group.jobs, ExecutorError(f"cannot be sent: {error!r}"))
            for line in self._holding.due(office.clock()):
                try:
                    self._try_again(line)
                except Closed:
                    return
                except Exception:  # the others still have their turn
                    _log.exception("what waits in %s could not be tried again", line)

    def _send(self, group: Group) -> None:
        try:
            jobs = self._join(group.jobs)
            if jobs:
                self._submit(jobs, group.calls_per_child)
        except (ConfigError, S3Refused, Refused, StoreError) as error:
            kind = ConfigError if isinstance(error, ConfigError) else ExecutorError
            name = group.jobs[0].function.name
            text = str(error) if isinstance(error, CellgraphError) else f"{name}: {error}"
            self._fail(group.jobs, kind(text) if kind is ExecutorError else error)

    def _fail(self, jobs: Sequence[Job], error: Exception) -> None:
        office = self._office
        with office.lock:
            mine = [job for job in jobs if office.sending.pop(job.id, None) is not None]
        office.answer(mine, error)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # --- what is in flight already ---

    def _join(self, jobs: Sequence[Job]) -> list[Job]:
        """Wait for equal calls that are in flight; return the jobs that are not."""
        if any(job.key for job in jobs):
            self._patience.ask(jobs, self._refresh)
        return self._joined(jobs, but="")

    def _refresh(self) -> None:
        self._office.book.refresh(time.time())

    def _joined(self, jobs: Sequence[Job], but: str) -> list[Job]:
        """*but*: our own job, whose name decides who of two came first."""
        office = self._office
        left: list[Job] = []
        met: dict[str, tuple[Flight, set[int]]] = {}
        with office.lock:
            for job in jobs:
                if job.id not in office.sending:  # cancelled meanwhile
                    continue
                holding = office.flights.holding(job.key)
                if holding is None:
                    holding = self._foreign(job, but)
                if holding is None:
                    left.append(job)
                    continue
                flight, slot = holding
                office.flights.wait(flight, slot, job)
                del office.sending[job.id]
                met.setdefault(flight.array, (flight, set()))[1].add(job.id)
        for flight, ids in met.values():
            if flight.remote:  # else when it has an id
                self.tell(flight, attached=True, only=ids)
        if met:
            office.watch.set()
        return left

    def _foreign(self, job: Job, but: str) -> tuple[Flight, Slot] | None:
        office = self._office
        found = office.book.find(job.key)
        if found is None:
            return None
        pending, at = found
        if pending.array == but or office.flights.known(pending.array):
            return None  # ours: it ended there without a value, or was never meant for others
        if but and not pending.remote and pending.array > but:
            return None  # both have just come: the earlier name wins
        flight = Flight(pending, mine=False)
        office.flights.add(flight)
        return flight, flight.slots[at]

    # --- what has to be sent ---

    def _submit(self, jobs: list[Job], calls_per_child: int) -> None:
        """Send calls that are not in flight as one job."""
        self._office.service.check(jobs[0])  # before anything is stored
        sendable, entries, failed = self._loader.pack(jobs)
        for job, error in failed:
            self._fail([job], error)
        if not sendable:
            return
        flight, request = self._prepare(sendable, entries, calls_per_child)
        left = self._claim(flight, sendable)
        if left:  # somebody else came for the others at the same moment
            self._submit(left, calls_per_child)
        if left is not None:
            return
        held = Held(flight, request)
        line = flight.pending.line
        if line in self._holding:
            self._holding.add(line, held)
        elif not self._launch(held):
            self._holding.add(line, held)
            self._no_room(line)

    def _try_again(self, line: str) -> None:
        """Submit what waits in a line, until there is no room again."""
        while (held := self._holding.first(line)) is not None:
            flight = held.flight
            if flight.cancelled and not flight.open_jobs():
                self._holding.left(line)
                self._drop(flight)
                continue
            taken = True  # by a fault as well: it is not to be submitted again
            try:
                taken = self._launch(held)
            finally:
                if taken:
                    self._holding.left(line)
            if not taken:
                if self._no_room(line) == _SAID_AFTER:
                    text = f"{flight.pending.task} waits to be submitted: {flight.refusal}"
                    self._office.remark(flight.open_jobs(), text)
                return

    def _no_room(self, line: str) -> int:
        """What waits in a line goes on waiting, and says so to others; how often in a row."""
        times = self._holding.refused(line, self._office.clock())
        self._renew([held.flight for held in self._holding.waiting(line)])
        return times

    def _renew(self, flights: Sequence[Flight]) -> None:
        """Tell other kernels that this one lives and is about to submit these jobs."""
        office, now = self._office, time.time()
        jobs: list[Job] = []
        booked: list[Pending] = []
        with office.lock:
            for flight in flights:
                pending, mine = flight.pending, flight.open_jobs()
                nobody = (flight.cancelled and not mine) or not pending.keys.strip(b"\0")
                if nobody or now - pending.created < _RENEWED_S:
                    continue
                pending = msgspec.structs.replace(pending, created=now)
                flight.pending = office.word.given(pending)
                booked.append(flight.pending)
                jobs += mine
        try:
            self._patience.ask(jobs, lambda: office.book.renew(booked))
        except S3Refused as fault:  # they wait all the same; another kernel may send them too
            _log.warning("bookings of jobs that wait to be submitted cannot be renewed: %s", fault)

    def _launch(self, held: Held) -> bool:
        """Submit a job whose calls wait for it; False: there is no room for it now. Whatever else
        happens, it is not to be submitted again: its calls wait for what was, or have failed."""
        flight = held.flight
        try:
            self._accepted(flight, self._submitted(flight, held.request))
        except Closed:
            raise
        except Later as fault:
            flight.refusal = str(fault)
            return False
        except Exception as error:
            if not isinstance(error, Refused):
                _log.exception("a job could not be submitted")
            if not flight.remote:
                self._refused(flight, error)
        return True

    def _accepted(self, flight: Flight, remote: str) -> None:
        """The service has a job now; this goes on record, and is watched."""
        office = self._office
        with office.lock:
            flight.pending = office.word.given(replace_remote(flight.pending, remote))
            # Whoever else waits for it, or has come since it was cancelled, is to have it.
            flight.cancelled = flight.cancelled and not flight.open_jobs()
            if flight.cancelled:
                office.terminations.append((remote,))
        try:
            self.tell(flight, attached=False)
            self._patience.ask(flight.open_jobs(), lambda: self._office.book.write(flight.pending))
        except S3Refused as fault:
            text = f"{remote} runs, but cannot be put on record: other kernels may not find it"
            office.remark(flight.open_jobs(), f"{text} ({fault})")
        finally:
            office.watch.set()

    def _drop(self, flight: Flight) -> None:
        """Nobody wants it any more, and it was not submitted."""
        with self._office.lock:
            self._office.flights.drop(flight)
        self._patience.ask([], lambda: self._office.book.remove(flight.array))

    def _prepare(
        self, jobs: list[Job], entries: list[CallEntry], calls_per_child: int
    ) -> tuple[Flight, object]:
        """Everything that has to be there before a job is submitted, and the request."""
        office, service = self._office, self._office.service
        array = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.urandom(5).hex()}"
        first, task = jobs[0], jobs[0].function.name
        pending = Pending(
            array=array,
            name=job_name(task, array),
            executor=office.terms.name,
            line=service.line(first),
            task=task,
            keys=keys_of(jobs),
            calls_per_child=calls_per_child,
            vcpus=service.vcpus(first),
            created=time.time(),
        )
        pending, said = office.word.begin(pending)
        flight = Flight(pending, mine=True)
        code = self._patience.ask(jobs, lambda: self._loader.code_place(first))
        placed = self._patience.ask(jobs, lambda: self._loader.placed(entries))
        needs = self._loader.needs(first)
        flight.place, limit_s = needs.place, first.resources.timeout_s or 0.0
        manifest, name = build(array, task, code, placed, calls_per_child, limit_s, needs)
        command = [
            *("cellgraph", "worker", "run", "--store", office.arrays.uri),
            *("--array", array, "--manifest", name.hex(), *office.arrays.arguments, *said),
        ]
        request = self._patience.ask(
            jobs, lambda: service.request(pending, first, command, flight.children)
        )
        self._patience.ask(jobs, lambda: office.arrays.put(f"{ARRAYS}{array}/manifest", manifest))
        return flight, request

    def _claim(self, flight: Flight, jobs: Sequence[Job]) -> list[Job] | None:
        """Say that we send these. None: nobody else does, and they wait for *flight* now; else
        the jobs that are left to be sent in another one."""
        office = self._office
        left = list(jobs)
        if any(job.key for job in jobs):
            self._patience.ask(jobs, lambda: self._office.book.write(flight.pending))
            self._patience.ask(jobs, self._refresh)
            for pause_s in _RIVALS_S:
                if not any(office.book.has_rival(job.key, flight.array) for job in jobs):
                    break
                self._patience.sleep(pause_s)
                self._patience.ask(jobs, self._refresh)
            left = self._joined(jobs, but=flight.array)
        with office.lock:
            left = [job for job in left if job.id in office.sending]  # not cancelled meanwhile
            if len(left) == len(jobs):
                office.flights.add(flight)
                for slot, job in zip(flight.slots, jobs, strict=True):
                    del office.sending[job.id]
                    office.flights.wait(flight, slot, job)
                return None
        self._patience.ask(jobs, lambda: self._office.book.remove(flight.array))
        return left

    # --- submitting, once ---

    def _submitted(self, flight: Flight, request: object) -> str:
        """Submit, and be sure that it was done once. Raises Later, Refused, Closed."""
        service, pending = self._office.service, flight.pending
        jobs = flight.open_jobs()
        for attempt in range(1_000_000):
            self._office.allowance.note(self._office.clock())
            try:
                return service.submit(request)
            except NoAnswer:
                found = self._look_up(pending, jobs)
                if found:
                    return found
            except Later:
                raise
            except AwsFault as fault:
                self._patience.wait_out(fault, jobs, attempt)
        raise AssertionError

    def _look_up(self, pending: Pending, jobs: Sequence[Job]) -> str:
        """Whether a submission that nobody confirmed was made after all."""
        for pause_s in _LOOKS_S:
            self._patience.sleep(pause_s)
            found = self._patience.ask(
                jobs, lambda: self._office.service.find(pending.line, pending.name)
            )
            if found:
                return found
        return ""

    def _refused(self, flight: Flight, fault: Exception) -> None:
        office = self._office
        with office.lock:
            jobs = flight.open_jobs()
            office.flights.drop(flight)
            for slot in flight.slots:
                office.flights.end(slot)
        office.answer(jobs, ExecutorError(f"{flight.pending.task} was not accepted: {fault}"))
        self._patience.ask(jobs, lambda: self._office.book.remove(flight.array))

    def tell(self, flight: Flight, *, attached: bool, only: Collection[int] = ()) -> None:
        """Say that jobs (*only* these, if any are named) left, or are waited for again."""
        office, pending = self._office, flight.pending
        with office.lock:
            waiting = [slot.waiters[-1].id if slot.waiters else 0 for slot in flight.slots]
        jobs = tuple([job if not only or job in only else 0 for job in waiting])
        left = JobsLeft(
            pending.remote or pending.name,
            office.service.kind(flight.children),
            office.terms.name,
            jobs,
            pending.calls_per_child,
            pending.vcpus,
            pending.created,
            attached,
            office.terms.usd_per_vcpu_hour,
        )
        office.report([left])
        if not self._said:
            self._said = True
            office.remark(
                flight.open_jobs(),
                f"{pending.task} left as a remote job, which goes on without this kernel; what "
                "needs its results starts only while this kernel runs "
                f"(submit(..., on={office.terms.name!r}) runs all of it there)",
            )
