"""What executors on other machines have in common: gather, send, watch, collect, let go.

A subclass says how its service is asked (`service.Service`). Two threads: one sends, one watches.
"""

import threading
import time
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

from cellgraph.errors import CallCancelled, ConfigError
from cellgraph.executor import ExecutorHost, Job, RemoteSeen, Surroundings
from cellgraph.scripting import ScriptFunction
from cellgraph.settings import Settings
from cellgraph_executors.remote.desk import Desk
from cellgraph_executors.remote.flights import Flight
from cellgraph_executors.remote.grouping import Grouping
from cellgraph_executors.remote.office import Office, SharedStore, Terms
from cellgraph_executors.remote.sender import Sender
from cellgraph_executors.remote.service import Service
from cellgraph_executors.remote.watcher import Watcher

_CLOSE_S: Final = 5.0
_GOES_ON: Final = "it goes on as a remote job: evaluate again to wait for it"
_WAITS: Final = "it is submitted when there is room for it: evaluate again to wait for it"
_CLOSED: Final = "it was not known to be submitted yet: evaluate again to send it"
_ONE_BY_ONE: Final = 100  # children of a job that is wanted otherwise are stopped one by one
_AN_INSTANT_S: Final = 1e-6  # a call that was let go may come back: see `Executor`


class Remote:
    """See `cellgraph.executor.RemoteExecutor`."""

    remote: ClassVar = True

    def __init__(self, terms: Terms, window_s: float, array_max: int) -> None:
        self.name = terms.name
        self._terms = terms
        self._grouping = Grouping(window_s, array_max)
        self._opening = threading.Lock()
        self._office: Office | None = None
        self._threads: list[threading.Thread] = []

    @staticmethod
    def head(expr: Any, on: str, settings: Settings, how: Mapping[str, Any]) -> Any:
        """A call that reduces *expr* there: see `head`."""
        from cellgraph_executors.head import remotely

        return remotely(expr, on, settings, how)

    @abstractmethod
    def _service(self, store: SharedStore) -> Service:
        """The service that is asked."""

    @abstractmethod
    def check_options(self, extra: Mapping[str, object]) -> None:
        """See `cellgraph.executor.Executor`."""

    @abstractmethod
    def surroundings(
        self, extra: Mapping[str, object], *, script: bool = False
    ) -> Surroundings | None:
        """What calls with these options, scripts or in Python, find where they run; need not be
        started. Raises ConfigError where none can run."""

    def _place_of(self, job: Job) -> Surroundings | None:
        script = isinstance(job.function.func, ScriptFunction)
        return self.surroundings(job.resources.extra or {}, script=script)

    # --- the executor protocol ---

    def start(self, host: ExecutorHost) -> None:
        """See `cellgraph.executor.Executor`. Raises ConfigError for a store of this machine, or
        one whose writers are not believed."""
        store: Any = host.store
        if getattr(store, "arrays", None) is None:
            raise ConfigError(
                f"executor {self.name!r} runs calls on other machines, which cannot reach the "
                "store of this one: give the session a store they reach, store='s3://bucket/prefix'"
            )
        self._office = Office(
            self._terms,
            host,
            store,
            self._service(store),
            self._grouping,
            self._place_of,
        )

    def submit(self, jobs: Sequence[Job]) -> None:
        """See `cellgraph.executor.Executor`."""
        office = self._opened()
        if office.closed.is_set():
            office.answer(jobs, CallCancelled("the executor is closed"))
            return
        if not self._threads:
            self._start_threads(office)
        office.add(jobs)

    def running(self) -> Collection[int]:
        """See `cellgraph.executor.Executor`: the ones known by name."""
        office = self._office
        if office is None:
            return ()
        with office.lock:
            return [
                job.id
                for flight in office.flights.open()
                for child in flight.running
                for _, slot in flight.of_child(child)
                for job in slot.waiters
            ]

    def gathered(self) -> int:
        """See `cellgraph.executor.RemoteExecutor`."""
        office = self._opened()
        with office.lock:
            return office.grouping.waiting()

    def flush(self) -> None:
        """See `cellgraph.executor.RemoteExecutor`."""
        office = self._opened()
        with office.lock:
            office.grouping.flush()
            office.send.notify()

    def cancel(self, jobs: Collection[int]) -> None:
        """See `cellgraph.executor.Executor`: stops what nobody else here waits for."""
        office = self._opened()
        ids = set(jobs)
        with office.lock:
            unsent = self._unsent(office, ids)
            left = office.flights.leave(ids, late=False)
            by_flight: dict[str, tuple[Flight, list[Job]]] = {}
            for flight, job in left:
                by_flight.setdefault(flight.array, (flight, []))[1].append(job)
            for flight, stopped in by_flight.values():
                self._stop(office, flight, stopped)
        error = CallCancelled("cancelled")
        office.answer([*unsent, *(job for _, job in left)], error)
        office.watch.set()

    def let_go(self, jobs: Collection[int]) -> None:
        """See `cellgraph.executor.RemoteExecutor`."""
        office = self._opened()
        ids = set(jobs)
        with office.lock:
            unsent = self._unsent(office, ids)
            left = office.flights.leave(ids, late=True)
            gone = {f.array: f for f, _ in left if f.remote and not f.open_jobs()}
        office.answer(unsent, CallCancelled("cancelled before it was sent"))
        for sent in (True, False):
            some = [job for flight, job in left if bool(flight.remote) is sent]
            text = _GOES_ON if sent else _CLOSED if office.closed.is_set() else _WAITS
            office.answer(some, CallCancelled(text), _AN_INSTANT_S)
        for flight in gone.values():
            seen = flight.watch.seen
            counts = (seen.waiting, seen.running, seen.done, seen.failed)
            now = RemoteSeen(flight.remote, "detached", *counts, (), time.time(), "")
            office.report([now])

    @property
    def desk(self) -> Desk:
        """See `cellgraph.executor.RemoteExecutor`."""
        return Desk(self._opened())

    def close(self) -> None:
        """See `cellgraph.executor.Executor`: lets go of what was sent."""
        office = self._office
        if office is None or office.closed.is_set():
            return
        office.closed.set()
        with office.lock:
            waiting = [*office.flights.waiting(), *office.sending]
            gathered = [job.id for group in self._left(office) for job in group]
            office.send.notify()
        office.watch.set()
        self.let_go([*waiting, *gathered])
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_CLOSE_S)

    # --- inside ---

    def _left(self, office: Office) -> list[Sequence[Job]]:
        office.grouping.flush()
        groups = [group.jobs for group in office.grouping.due(office.clock())]
        for jobs in groups:
            office.sending.update({job.id: job for job in jobs})
        return [list(jobs) for jobs in groups]

    def _unsent(self, office: Office, ids: set[int]) -> list[Job]:
        dropped = office.grouping.remove(ids)
        taken = [office.sending.pop(job_id) for job_id in ids & office.sending.keys()]
        return [*dropped, *taken]

    def _stop(self, office: Office, flight: Flight, stopped: Sequence[Job]) -> None:
        if not flight.remote:
            flight.cancelled = True
            return
        if not flight.open_jobs():
            flight.cancelled = True
            office.terminations.append((flight.remote,))
            return
        per_child = flight.pending.calls_per_child
        ids = {job.key[:16] for job in stopped}
        children = {at // per_child for at, slot in enumerate(flight.slots) if slot.key in ids}
        alone = [child for child in children if not flight.wanted(child)]
        if len(alone) <= _ONE_BY_ONE:
            flight.stopped.update(alone)
            office.terminations.append(tuple(f"{flight.remote}:{child}" for child in alone))

    def _opened(self) -> Office:
        if self._office is None:
            raise RuntimeError("the executor was not started")
        return self._office

    def _start_threads(self, office: Office) -> None:
        sender = Sender(office)
        watcher = Watcher(office, sender)
        for name, run in (("send", sender.run), ("watch", watcher.run)):
            thread = threading.Thread(target=run, name=f"cellgraph-{self.name}-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
