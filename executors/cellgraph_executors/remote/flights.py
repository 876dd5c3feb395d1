"""Jobs that were sent: which call is where, and who waits for it. Guarded by one lock.

A slot is one call of a job. Several may wait for the same slot: another run of this session, or an
evaluation that attached after an interrupt. A job that was submitted by somebody else has slots for
all its calls, and waiters for those that are wanted here.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from cellgraph.executor import Job
from cellgraph_executors.remote.states import Watch

KEY_BYTES: Final = 16  # of a call's key, enough to know it by


class Pending(msgspec.Struct, array_like=True, frozen=True):
    """What is kept in the bucket of a job, for whoever wants the same calls."""

    array: str  # our own id of the job
    name: str  # its name at the service
    executor: str
    line: str  # where it was submitted: a queue
    task: str
    keys: bytes  # of its calls, `KEY_BYTES` each; zeros: nobody else may wait for it
    calls_per_child: int
    vcpus: float
    created: float  # seconds since the epoch
    remote: str = ""  # the service's id; empty: not submitted yet
    key: bytes = b""  # public, of this array alone: its outcomes are signed with it (`warrants`)
    seal: bytes = b""  # who submitted it, and his signature over all the rest

    def keys_of_child(self, child: int) -> bytes:
        """The keys of a child's calls, one after the other."""
        size = self.calls_per_child * KEY_BYTES
        return self.keys[child * size : (child + 1) * size]


def job_name(task: str, array: str) -> str:
    """The name of a job: unique, and known before it is submitted. At most 128 characters."""
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in task)
    return f"{readable.strip('-_')[:60] or 'calls'}-{array}"


def replace_remote(pending: Pending, remote: str) -> Pending:
    """The same job, now that the service has given it an id."""
    return msgspec.structs.replace(pending, remote=remote)


class Slot:
    """One call of a job."""

    __slots__ = ("child", "ended", "key", "late", "waiters")

    def __init__(self, key: bytes, child: int) -> None:
        self.key = key
        self.child = child
        self.waiters: list[Job] = []
        self.late: list[int] = []  # jobs that were let go: told when it finishes after all
        self.ended = False


class Flight:
    """A job that was, or is about to be, submitted."""

    def __init__(self, pending: Pending, *, mine: bool) -> None:
        self.pending = pending
        self.mine = mine
        keys = pending.keys
        per_child = pending.calls_per_child
        self.slots = [
            Slot(keys[at * KEY_BYTES : (at + 1) * KEY_BYTES], at // per_child)
            for at in range(len(keys) // KEY_BYTES)
        ]
        self.children = -(-len(self.slots) // per_child)
        self.watch = Watch(self.children)
        self.collected: set[str] = set()  # names of outcomes that were read
        self.catching_up = not mine  # what failed while nobody watched is tried again
        self.cancelled = False
        self.stopped: set[int] = set()  # children that nobody waited for any more
        self.over = False
        self.running: tuple[int, ...] = ()  # children
        self.told: tuple[object, ...] = ()  # what was said of it last
        self.refused: dict[str, str] = {}  # outcomes that are not the child's: name -> ETag
        self.beats: dict[str, str] = {}  # how far calls are: name -> ETag of what was read last
        self.stirred = False  # calls have said how far they are since the last look
        self.refusal = ""  # why it was not taken when it was last submitted
        self.place = ""  # the environment that its children run in
        self.explained = 0  # children whose logs were fetched
        self.wanted_now: set[int] = set()  # children that somebody asks for since the last look

    @property
    def array(self) -> str:
        """Our own id of it."""
        return self.pending.array

    @property
    def remote(self) -> str:
        """The service's id; empty before it is submitted."""
        return self.pending.remote

    @property
    def whole(self) -> bool:
        """Whether all its calls have ended."""
        return all(slot.ended for slot in self.slots)

    def of_child(self, child: int) -> Iterator[tuple[int, Slot]]:
        """The calls of a child: their places in it, and their slots."""
        per_child = self.pending.calls_per_child
        first = child * per_child
        return enumerate(self.slots[first : first + per_child])

    def wanted(self, child: int) -> bool:
        """Whether anybody waits for a call of a child."""
        return any(slot.waiters or slot.late for _, slot in self.of_child(child))

    def open_jobs(self) -> list[Job]:
        """The jobs that wait."""
        return [job for slot in self.slots for job in slot.waiters]


class Held(NamedTuple):
    """A job that the service has no room for."""

    flight: Flight
    request: object


class Flights:
    """The jobs of one executor. Everything here is done with `lock` held."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._flights: dict[str, Flight] = {}
        self._met: set[str] = set()
        self._keys: dict[bytes, tuple[Flight, Slot]] = {}
        self._where: dict[int, tuple[Flight, Slot]] = {}

    def add(self, flight: Flight) -> None:
        """A job is about to be submitted, or was met."""
        self._flights[flight.array] = flight
        self._met.add(flight.array)
        for slot in flight.slots:
            if slot.key.strip(b"\0"):
                self._keys[slot.key] = (flight, slot)

    def wait(self, flight: Flight, slot: Slot, job: Job) -> None:
        """*job* is answered by *slot*."""
        if not flight.mine:  # its outcome may have been passed over
            flight.wanted_now.add(slot.child)
        slot.waiters.append(job)
        self._where[job.id] = (flight, slot)

    def holding(self, key: bytes) -> tuple[Flight, Slot] | None:
        """The slot that an equal call has already, if it has not ended."""
        found = self._keys.get(key[:KEY_BYTES]) if key else None
        return found if found is not None and not found[1].ended else None

    def end(self, slot: Slot) -> tuple[list[Job], list[int]]:
        """The call of a slot has ended; return who waited, and who was let go."""
        slot.ended = True
        known = self._keys.get(slot.key)
        if known is not None and known[1] is slot:
            del self._keys[slot.key]
        waiters, slot.waiters = slot.waiters, []
        late, slot.late = slot.late, []
        for job in waiters:
            self._where.pop(job.id, None)
        return waiters, late

    def leave(self, jobs: Collection[int], *, late: bool) -> list[tuple[Flight, Job]]:
        """These jobs wait no longer; with *late*, they are told when their calls finish."""
        left: list[tuple[Flight, Job]] = []
        for job_id in jobs:
            found = self._where.pop(job_id, None)
            if found is None:
                continue
            flight, slot = found
            left += [(flight, job) for job in slot.waiters if job.id == job_id]
            slot.waiters = [job for job in slot.waiters if job.id != job_id]
            if late:
                slot.late.append(job_id)
        return left

    def waiting(self) -> list[int]:
        """The jobs that wait for anything."""
        return list(self._where)

    def open(self) -> list[Flight]:
        """The jobs that are watched."""
        return [flight for flight in self._flights.values() if not flight.over]

    def known(self, array: str) -> bool:
        """Whether a job was met."""
        return array in self._met

    def drop(self, flight: Flight) -> None:
        """It came to nothing, or is over."""
        flight.over = True
        self._flights.pop(flight.array, None)
        if not flight.mine:  # there may be more in it that is wanted later
            self._met.discard(flight.array)
        for slot in flight.slots:
            known = self._keys.get(slot.key)
            if known is not None and known[1] is slot:
                del self._keys[slot.key]


class Keyed(Protocol):
    """A call with its key."""

    @property
    def key(self) -> bytes:
        """Empty: nobody else may answer for it."""
        ...


def keys_of(jobs: Sequence[Keyed]) -> bytes:
    """The keys of calls as a pending job lists them."""
    return b"".join(job.key[:KEY_BYTES].ljust(KEY_BYTES, b"\0") for job in jobs)
