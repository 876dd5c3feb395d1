"""Groups become jobs: what is in flight already is joined, the rest is packed and submitted once.

Order of writing: payloads and manifest, the pending object, the submission, the pending object with
the service's id. A kernel that dies after any of them leaves nothing that hurts: a job is found
again by its name, and a child that finds its outcome leaves at once.

Threading: one thread of its own.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from cellgraph.errors import CellgraphError, ConfigError, ExecutorError, StoreError
from cellgraph.executor import Job, JobsLeft
from cellgraph.result import Result, Stored
from cellgraph.scripting import ScriptFunction
from cellgraph.shell.outputs import local_targets
from cellgraph.stores.base import Store
from cellgraph.stores.s3.arrays import ARRAYS
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.faults import Refused as S3Refused
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.faults import Unauthorised as S3Unauthorised
from cellgraph_executors.aws import AwsFault, NoAnswer, Refused, Unauthorised
from cellgraph_executors.packing import Packing
from cellgraph_executors.placing import Carried, carry
from cellgraph_executors.remote.flights import Flight, Pending, Slot, keys_of
from cellgraph_executors.remote.grouping import Group
from cellgraph_executors.remote.manifest import CallEntry, build
from cellgraph_executors.remote.office import Office
from cellgraph_executors.shipping import Shipper

_PAUSES_S: Final = (0.5, 1, 2, 5, 10, 15)
# Services show a new job in their listings within seconds.
_LOOKS_S: Final = (0.5, 1.5, 3, 6)
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Closed(Exception):
    """The executor was closed while something waited."""


class Sender:
    """Sends what is due."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._shipper = Shipper(office.store)
        self._packing = Packing(office.store)
        self._without_files: set[bytes] = set()  # stored values that were looked into
        self._said = False

    def run(self) -> None:
        """Until the executor is closed."""
        office = self._office
        while not office.closed.is_set():
            with office.lock:
                due = office.grouping.next_due()
                now = office.clock()
                if due is None or due > now:
                    office.send.wait(None if due is None else due - now)
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
            self._patiently(jobs, self._refresh)
        return self._joined(jobs, but="")

    def _refresh(self) -> None:
        with self._office.booking:
            self._office.book.refresh(time.time())

    def _joined(self, jobs: Sequence[Job], but: str) -> list[Job]:
        """*but*: our own job, whose name decides who of two came first."""
        office = self._office
        left: list[Job] = []
        met: dict[str, Flight] = {}
        with office.lock, office.booking:
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
                met[flight.array] = flight
        for flight in met.values():
            if flight.remote:  # else when it has an id
                self.tell(flight, attached=True)
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
        office, service = self._office, self._office.service
        array = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.urandom(5).hex()}"
        jobs, entries = self._packed(jobs)
        if not jobs:
            return
        first = jobs[0]
        code = self._patiently(jobs, lambda: self._code_place(first))
        entries = self._patiently(jobs, lambda: self._placed(entries))
        timeout_s = first.resources.timeout_s or 0.0
        task = first.function.name
        manifest, name = build(array, task, code, entries, calls_per_child, timeout_s)
        pending = Pending(
            array=array,
            name=job_name(task, array),
            executor=office.terms.name,
            line=service.line(first),
            task=task,
            keys=keys_of(jobs),
            calls_per_child=calls_per_child,
            vcpus=first.resources.vcpus,
            created=time.time(),
        )
        flight = Flight(pending, mine=True)
        command = [
            *("cellgraph", "worker", "run", "--store", office.arrays.uri),
            *("--array", array, "--manifest", name.hex(), *office.arrays.arguments),
        ]
        request = self._patiently(
            jobs, lambda: service.request(pending, first, command, flight.children)
        )
        self._patiently(jobs, lambda: office.arrays.put(f"{ARRAYS}{array}/manifest", manifest))
        if any(job.key for job in jobs):
            self._patiently(jobs, lambda: self._book(pending))
            self._patiently(jobs, self._refresh)
            left = self._joined(jobs, but=array)
            if len(left) < len(jobs):  # somebody else came at the same moment
                self._patiently(left or jobs, lambda: self._unbook(array))
                if left:
                    self._submit(left, calls_per_child)
                return
        with office.lock:
            if not any(job.id in office.sending for job in jobs):
                cancelled = True
            else:
                cancelled = False
                office.flights.add(flight)
                for slot, job in zip(flight.slots, jobs, strict=True):
                    if office.sending.pop(job.id, None) is not None:
                        office.flights.wait(flight, slot, job)
        if cancelled:
            self._patiently(jobs, lambda: self._unbook(array))
            return
        try:
            remote = self._submitted(flight, request)
        except Refused as fault:
            self._refused(flight, fault)
            return
        with office.lock:
            flight.pending = replace_remote(pending, remote)
            if flight.cancelled:
                office.terminations.append((remote,))
        self.tell(flight, attached=False)
        self._patiently(jobs, lambda: self._book(flight.pending))
        office.watch.set()

    def _book(self, pending: Pending) -> None:
        with self._office.booking:
            self._office.book.write(pending)

    def _unbook(self, array: str) -> None:
        with self._office.booking:
            self._office.book.remove(array)

    def _packed(self, jobs: Sequence[Job]) -> tuple[list[Job], list[CallEntry]]:
        """Calls as they travel; one that cannot is answered for here."""
        office = self._office
        sendable: list[Job] = []
        entries: list[CallEntry] = []
        for job in jobs:
            digests: dict[bytes, None] = {}

            def lend(leaf: Result, digests: dict[bytes, None] = digests) -> object:
                leaf = self._carried(leaf)
                if isinstance(leaf, Carried):
                    digests.update(dict.fromkeys(leaf.blobs()))
                elif isinstance(leaf, Stored):
                    digests[leaf.blob] = None
                return leaf

            try:
                _check_outputs(job, office.store)
                arguments = self._packing.arguments(job, lend)
            except ExecutorError as error:
                self._fail([job], error)
                continue
            unknown = tuple([Place(digest, b"", 0, 0) for digest in digests])
            sendable.append(job)
            entries.append(CallEntry(job.key, arguments, unknown))
        try:
            if sendable:
                self._shipper.code(sendable[0].function)
        except ExecutorError as error:
            self._fail(sendable, error)
            return [], []
        office.store.flush()
        return sendable, entries

    def _carried(self, leaf: Result) -> Result:
        """*leaf* with the files of this machine in it; a stored value is looked into once."""
        if isinstance(leaf, Stored) and leaf.blob in self._without_files:
            return leaf
        sent = carry(leaf, self._office.store)
        if sent is leaf and isinstance(leaf, Stored):
            self._without_files.add(leaf.blob)
        return sent

    def _code_place(self, job: Job) -> Place:
        return self._place(self._shipper.code(job.function))

    def _placed(self, entries: Sequence[CallEntry]) -> list[CallEntry]:
        known: dict[bytes, Place] = {}
        placed: list[CallEntry] = []
        for entry in entries:
            for unknown in entry.places:
                if unknown.digest not in known:
                    known[unknown.digest] = self._place(unknown.digest)
            places = tuple([known[unknown.digest] for unknown in entry.places])
            placed.append(msgspec.structs.replace(entry, places=places))
        return placed

    def _place(self, digest: bytes) -> Place:
        """Where a payload is in the bucket; it is put there if it is not."""
        office = self._office
        place = office.arrays.place(digest)
        if place is not None:
            return place
        payload = office.store.get_blob(digest)
        if payload is None:
            raise StoreError(
                f"the stored bytes of an argument are gone ({digest.hex()[:12]}): evaluate again"
            )
        return office.arrays.put_payload(payload)

    # --- submitting, once ---

    def _submitted(self, flight: Flight, request: object) -> str:
        """Submit, and be sure that it was done once. Raises Refused, Closed."""
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
            except AwsFault as fault:
                self._wait_out(fault, jobs, attempt)
        raise AssertionError

    def _look_up(self, pending: Pending, jobs: Sequence[Job]) -> str:
        """Whether a submission that nobody confirmed was made after all."""
        for pause_s in _LOOKS_S:
            self._sleep(pause_s)
            found = self._patiently(
                jobs, lambda: self._office.service.find(pending.line, pending.name)
            )
            if found:
                return found
        return ""

    def _refused(self, flight: Flight, fault: Refused) -> None:
        office = self._office
        with office.lock:
            jobs = flight.open_jobs()
            office.flights.drop(flight)
            for slot in flight.slots:
                office.flights.end(slot)
        office.answer(jobs, ExecutorError(f"{flight.pending.task} was not accepted: {fault}"))
        self._patiently(jobs, lambda: self._unbook(flight.array))

    def tell(self, flight: Flight, *, attached: bool) -> None:
        """Say that jobs left, or are waited for again."""
        office, pending = self._office, flight.pending
        with office.lock:
            jobs = tuple([slot.waiters[-1].id if slot.waiters else 0 for slot in flight.slots])
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

    # --- waiting ---

    def _patiently(self, jobs: Sequence[Job], ask: Callable[[], _T]) -> _T:
        """Ask until there is an answer. Raises what is final, and Closed."""
        for attempt in range(1_000_000):
            try:
                return ask()
            except (S3Refused, Refused):
                raise
            except (S3Fault, AwsFault) as fault:
                self._wait_out(fault, jobs, attempt)
        raise AssertionError

    def _wait_out(self, fault: Exception, jobs: Sequence[Job], attempt: int) -> None:
        if isinstance(fault, (S3Refused, Refused)):
            raise fault
        if isinstance(fault, (S3Unauthorised, Unauthorised)):
            self._office.remark(jobs, expired(self._office, fault))
            self._office.service.renew()
            self._office.arrays.renew()
        self._sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])

    def _sleep(self, pause_s: float) -> None:
        if self._office.closed.wait(pause_s):
            raise Closed


def expired(office: Office, fault: Exception) -> str:
    """What is said when credentials are missing."""
    return (
        f"the credentials for AWS are missing or have expired ({fault}): watching pauses, jobs go "
        f"on; renew them and it resumes: {office.service.renewal()}"
    )


def replace_remote(pending: Pending, remote: str) -> Pending:
    """The same job, now that the service has given it an id."""
    return msgspec.structs.replace(pending, remote=remote)


def _check_outputs(job: Job, store: Store) -> None:
    """Raise ExecutorError for a script that would leave a file on a machine that goes away."""
    if not isinstance(job.function.func, ScriptFunction):
        return
    declared: Any = job.args[0]
    outputs: Any = declared.load(store) if isinstance(declared, Result) else declared
    targets = local_targets(outputs)
    if targets:
        raise ExecutorError(
            f"{job.function.name} writes {targets[0]}, a path of this machine, and runs on another "
            "one: give a relative path (kept in the store) or s3://"
        )


def job_name(task: str, array: str) -> str:
    """The name of a job: unique, and known before it is submitted. At most 128 characters."""
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in task)
    return f"{readable.strip('-_')[:60] or 'calls'}-{array}"
