"""The loop: one queue, one owner thread. Carries out what the reductions ask for.

Everything else posts to the queue and never touches a run's state. A record is in the store before
its outcome is used.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from cellgraph.active import Active
from cellgraph.audit import Audit
from cellgraph.beginning import Begin, Beginning
from cellgraph.bus import Bus
from cellgraph.cache import Found
from cellgraph.dispatch import Dispatch
from cellgraph.elsewhere import LOOK_S
from cellgraph.ending import Archive, Ending
from cellgraph.events import CallDone, CallsReused
from cellgraph.execution import Execution
from cellgraph.executor import JobEvent, Unreduced
from cellgraph.garbage import Garbage
from cellgraph.halt import Halted
from cellgraph.keeping import Jobs, Keeper, Report
from cellgraph.node import Node, State
from cellgraph.places import Roots
from cellgraph.reasons import Reasons
from cellgraph.run import Run
from cellgraph.stores.base import Store
from cellgraph.surroundings import Places
from cellgraph.telling import Telling

_log = logging.getLogger(__name__)
_CHUNK: Final = (
    1000  # calls looked up and started at once: the first starts before the last is found
)
_TICK_S: Final = 0.1
_CALM_S: Final = 1.0  # nothing to do for so long: garbage is collected as usual again
_STOP: Final = object()


class Cancel(NamedTuple):
    """Stop *run*; with *let_go*, what runs on other machines goes on there."""

    run: Run
    let_go: bool


class Settled(NamedTuple):
    """Everything before this message has been carried out once *told* is set."""

    told: threading.Event


class Scheduler:
    """Owns every run of a session. Public methods are thread-safe."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        dispatch: Dispatch,
        archive: Archive,
        default_executor: str,
        roots: Roots,
        places: Places,
    ) -> None:
        self.store = store
        self._telling = Telling(store, bus)
        reasons = Reasons(store)
        jobs = Jobs()
        self._keeper = Keeper(jobs, store)
        self._execution = Execution(dispatch, self._telling, reasons, jobs, self._keeper)
        self._elsewhere = self._execution.elsewhere
        self._ending = Ending(self._telling, reasons, archive)
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._active: dict[str, Active] = {}
        self._beginning = Beginning(
            store, self._telling, self._ending, self._active, places, roots, default_executor
        )
        self._last_look = 0.0
        self._garbage = Garbage()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    # --- any thread ---------------------------------------------------------------------------

    def start(self, run: Run, value: object, asked: Mapping[str, Any]) -> None:
        """Begin *run*; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._loop, name="cellgraph-owner", daemon=True
                )
                self._thread.start()
        self._queue.put(Begin(run, value, asked))

    def cancel(self, run: Run, *, let_go: bool = False) -> None:
        """Start nothing more for *run*, stop what can be stopped, keep what has finished.

        With *let_go*, what runs on other machines goes on there.
        """
        run.halt.asked = True  # heard even while its graph is being taken in
        self._queue.put(Cancel(run, let_go))

    def report(self, events: Sequence[JobEvent]) -> None:
        """An executor says what happened; results are in the store when this returns."""
        self._queue.put(self._keeper.keep(events))

    def live(self, prefix: str) -> Run | None:
        """The run that has not ended and whose id begins so."""
        known = list(self._active.values())
        return next((a.run for a in known if prefix and a.run.id.startswith(prefix)), None)

    def settle(self) -> None:
        """Wait until what ended runs leave behind is written."""
        with self._lock:
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        done = Settled(threading.Event())
        self._queue.put(done)
        while not done.told.wait(_TICK_S):
            if not thread.is_alive():
                return

    def close(self) -> None:
        """End the owner thread; runs that have not ended are cancelled."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(_STOP)
            if thread is not threading.current_thread():
                thread.join(10)

    # --- the owner thread -----------------------------------------------------------------------

    def _loop(self) -> None:
        moving = False
        while True:
            messages = self._next(wait=not moving)
            if _STOP in messages:
                break
            if any(type(message) is Begin for message in messages):
                self._garbage.put_off()  # taking in a large graph is when it would hurt most
            try:
                for message in messages:
                    self._handle(message)
                if self._elsewhere or time.monotonic() - self._last_look > _TICK_S:
                    self._look()
                # One step, then the queue again: what has finished is kept before more is started.
                moving = self._drive()
                if not moving and self._queue.empty():
                    self._execution.settled()
            except Exception as error:
                _log.exception("the owner thread met an error of its own")
                self._give_up(error)
            self._elsewhere.tell()
        self._garbage.as_usual()
        for active in list(self._active.values()):
            active.cancelled = active.lets_go = True
            self._stop(active)
            self._end(active)

    def _next(self, *, wait: bool) -> list[Any]:
        """What has come; with *wait*, at least one message unless that takes long."""
        messages: list[Any] = []
        try:
            if wait:
                messages.append(self._await_message())
            while True:
                message = self._queue.get_nowait()
                last = messages[-1] if messages else None
                if type(message) is Report and type(last) is Report:
                    messages[-1] = last.joined(message)  # one batch, one event
                else:
                    messages.append(message)
        except Empty:
            return messages

    def _await_message(self) -> Any:
        """Wait for a message. Raises Empty after a tick while calls are out."""
        if self._execution.busy or self._active:
            return self._queue.get(timeout=LOOK_S if self._elsewhere else _TICK_S)
        try:
            return self._queue.get(timeout=_CALM_S)
        except Empty:
            self._garbage.as_usual()
            self._elsewhere.rest()
            return self._queue.get()

    def _look(self) -> None:
        """See what runs here, and what others do."""
        self._last_look = time.monotonic()
        busy = self._execution.busy
        if busy and self._telling.heard:
            self._execution.look()
        if busy or self._active:
            self._elsewhere.look(busy=busy)

    def _handle(self, message: Any) -> None:
        if type(message) is Begin:
            self._beginning.begin(message)
        elif type(message) is Cancel:
            active = self._active.get(message.run.id)
            if active is not None:
                active.cancelled, active.lets_go = True, message.let_go
                self._stop(active)
        elif type(message) is Settled:
            message.told.set()
        else:
            self._execution.take(message)

    def _give_up(self, error: Exception) -> None:
        """An error in the engine itself ends the runs in its own words rather than hang them."""
        for active in list(self._active.values()):
            active.reduction.stop()
            self._elsewhere.drop(active)
            del self._active[active.run.id]
            active.run.end("failed", error=error)

    def _drive(self) -> bool:
        """Let every run go one step; say whether any can go further."""
        moved = False
        for active in list(self._active.values()):
            with suppress(Halted), self._telling.reading(active.run):
                if self._step(active):
                    moved = True
                    continue
            root = active.root
            over = root is not None and root.state >= State.DONE and not active.reduction.open
            if active.reduction.stopped and not active.stopping:
                self._stop(active)
                over = True
            if over or active.cancelled:
                self._end(active)
        return moved

    def _step(self, active: Active) -> bool:
        reduction = active.reduction
        if not (reduction.ready or reduction.look_up or reduction.apply or reduction.keep):
            return False
        reduction.advance()
        self._telling.growth(active)
        if reduction.keep:
            self._ending.keep_finals(active)
        if reduction.apply:
            nodes, reduction.apply = reduction.apply, []
            self._execution.apply(active, nodes)
        if reduction.look_up:
            nodes, reduction.look_up = reduction.look_up[:_CHUNK], reduction.look_up[_CHUNK:]
            self._look_up(active, nodes)
        return True

    def _look_up(self, active: Active, nodes: list[Node]) -> None:
        reduction, counts = active.reduction, active.run.counts
        missed: list[Node] = []
        reused: list[CallDone] = []
        for node, found in zip(nodes, active.cache.find(nodes), strict=True):
            if found is None:
                missed.append(node)
                continue
            if active.audit.share and _audits(active.audit, node, found):
                active.audited[node.call] = found
                missed.append(node)
                continue
            counts.reused += 1
            counts.saved_s += found.elapsed_s
            active.tally(node.definition).reused += 1
            if found.reads:
                node.rests_on(list(found.reads))
                node.read = found.reads[0]
            if reduction.growth.observed:
                reused.append(CallDone(node.call, found.elapsed_s))
            if type(found.outcome) is Unreduced:
                reduction.returned(node, found.outcome)
            else:
                reduction.found(node, found.outcome)
        if reused:
            self._telling.emit(CallsReused(active.run.id, tuple(reused)))
        if active.waiting or (reduction.look_up and active.budget.watches(missed)):
            active.waiting += missed
            if reduction.look_up:
                return
            missed, active.waiting = active.waiting, []
        if missed:
            self._execution.start(active, missed)

    def _stop(self, active: Active) -> None:
        """Start nothing more for this run and stop what runs."""
        active.stopping = True
        self._telling.skipped(active, active.reduction.stop())
        self._execution.stop(active, running=active.cancelled)

    def _end(self, active: Active) -> None:
        del self._active[active.run.id]
        active.ended = True
        if active.asks_for is not None:
            self._beginning.described(active)
        else:
            self._ending.end(active)


def _audits(audit: Audit, node: Node, found: Found) -> bool:
    return type(found.outcome) is not Unreduced and audit.picks(node.key)
