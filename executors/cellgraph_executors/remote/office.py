"""What the sender and the watcher of an executor share: the store, the service, who waits."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from cellgraph.codecs.payload import Payload
from cellgraph.errors import ExecutorError, StoreError
from cellgraph.executor import ExecutorHost, Job, JobEvent, JobFailed, Remark, Surroundings
from cellgraph.stores.base import Store
from cellgraph.stores.s3.arrays import Arrays
from cellgraph.surroundings import entry_of
from cellgraph_executors.remote.flights import Flight, Flights
from cellgraph_executors.remote.grouping import Grouping
from cellgraph_executors.remote.pace import Allowance
from cellgraph_executors.remote.pending import Book
from cellgraph_executors.remote.service import Service
from cellgraph_executors.remote.warrants import word_of

# A call whose child ended before its turn is sent again so often, on its own.
_AGAIN: Final = 3


class SharedStore(Store, Protocol):
    """A store that other machines reach."""

    arrays: Arrays

    def flush(self) -> bool:
        """Push now what waits; whether everything is in the bucket."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How an executor works; settings of it."""

    name: str
    poll_s: float
    usd_per_vcpu_hour: float


class Office:
    """Shared state of one executor. Thread-safe."""

    def __init__(
        self,
        terms: Terms,
        host: ExecutorHost,
        store: SharedStore,
        service: Service,
        grouping: Grouping,
        place_of: Callable[[Job], Surroundings | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*place_of*: what a call finds where it runs.

        Raises ConfigError for a store of which nothing would be believed (`warrants`).
        """
        self.terms = terms
        self.host = host
        self.store = store
        self.service = service
        self.arrays = store.arrays
        self.grouping = grouping
        self.place_of = place_of
        self.clock = clock
        self.flights = Flights()
        self.lock = self.flights.lock
        self.word = word_of(store.arrays, terms.name)
        self.book = Book(store.arrays, self.word)
        self.allowance = Allowance(clock())
        self.sending: dict[int, Job] = {}  # taken from the window, not yet in flight
        self.closed = threading.Event()
        self.send = threading.Condition(self.lock)
        self.room = False  # a job has ended: one that was not taken may be now
        self.watch = threading.Event()
        self.terminations: list[tuple[str, ...]] = []
        self._again: dict[int, int] = {}

    def report(self, events: Sequence[JobEvent]) -> None:
        """Tell the engine."""
        if events:
            self.host.report(events)

    def answer(self, jobs: Sequence[Job], error: ExecutorError, elapsed_s: float = 0.0) -> None:
        """Jobs fail for a reason that is not the user's code."""
        now = time.time()
        self.report([JobFailed(job.id, now - elapsed_s, elapsed_s, error, "") for job in jobs])

    def remark(self, jobs: Sequence[Job], text: str) -> None:
        """Say something to the runs that wait for these jobs."""
        self.report([Remark(tuple(job.id for job in jobs), text)])

    def add(self, jobs: Sequence[Job]) -> None:
        """Jobs are ready to be sent."""
        now = self.clock()
        with self.lock:
            for job in jobs:
                self.grouping.add(job, now)
            self.send.notify()

    def again(
        self, jobs: Sequence[Job], *, alone: bool, error: ExecutorError, times: int = _AGAIN
    ) -> None:
        """Jobs have to be sent once more, or fail with *error* when that was done before."""
        retried: list[Job] = []
        for job in jobs:
            count = self._again[job.id] = self._again.get(job.id, 0) + 1
            if count > times:
                self.answer([job], error)
                continue
            if alone:
                job = job._replace(resources=replace(job.resources, calls_per_job=None))
            retried.append(job)
        self.add(retried)

    def note_described(self, flight: Flight, described: str) -> None:
        """A child of a job of ours has said what its environment holds: put that on record."""
        if flight.mine and flight.place:
            with suppress(StoreError):  # the next one says it again
                self.store.append([entry_of(flight.place, described, time.time())])

    def put_payload(self, payload: Payload) -> None:
        """Write a payload to the bucket itself."""
        self.arrays.put_payload(payload)
