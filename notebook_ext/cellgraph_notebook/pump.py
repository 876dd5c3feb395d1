"""How a run is shown while it runs: events in, at most ten paints a second out, on a thread apart.

The reducer waits for its subscribers, so what it calls only appends to a deque.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Final, Protocol, Self

from cellgraph.events import Event
from cellgraph_notebook.view_model import RunModel

BUSY_S: Final = 0.1
_log = logging.getLogger(__name__)


class Painter(Protocol):
    """One way to show a run. All methods are called from one thread, in this order.

    Either `open`, any number of `paint` and `close`; or, if the run was over before it was shown,
    `brief` alone. `now` is in seconds since the epoch.
    """

    @property
    def interval_s(self) -> float:
        """Time between two paints; never less than a tenth of a second is used."""
        ...

    def open(self, model: RunModel, now: float) -> None:
        """Show the run for the first time."""
        ...

    def paint(self, model: RunModel, now: float) -> None:
        """Show what has changed."""
        ...

    def close(self, model: RunModel, now: float) -> None:
        """Show the final state of a run that was shown."""
        ...

    def brief(self, model: RunModel, now: float) -> None:
        """Show a run that was too short to be shown while it ran."""
        ...


class RunDisplay:
    """A run on display: subscribe `subscriber` to the bus, `display()`, and `settle()` at the end.

    `subscriber` takes the events of this run alone and returns within a microsecond. All painting
    happens on a thread of its own that has the context (in a notebook: the cell) of whoever called
    `display`. It ends when the run does. A painter that fails is logged and painted no more; it
    never hurts the run. *patience_s* is how long a run must last to be drawn at all.
    """

    def __init__(
        self,
        label: str,
        painter: Painter,
        *,
        patience_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._events: deque[Event] = deque()
        self._model = RunModel(label)
        self._painter = painter
        self._patience_s = patience_s
        self._clock = clock
        self._over = threading.Event()
        self._failed = False
        self._threads: list[threading.Thread] = []
        self.subscriber: Callable[[Event], None] = self._events.append

    def display(self) -> None:
        """Show the run from now on. Does not block. To be called once, before `settle`."""
        work = threading.Thread(
            target=copy_context().run, args=(self._work,), name="cellgraph-view", daemon=True
        )
        self._threads.append(work)
        work.start()

    def settle(self) -> None:
        """Show the final state; return when that is done. Safe to call twice.

        A run that was not told to have ended is shown as stopped.
        """
        self._over.set()
        for work in self._threads:
            work.join()

    def __enter__(self) -> Self:
        self.display()
        return self

    def __exit__(self, *exc: object) -> None:
        self.settle()

    def _work(self) -> None:
        if self._wait(self._patience_s):
            self._model.abandon(self._clock())
            self._paint(self._painter.brief)
            return
        self._paint(self._painter.open)
        while not self._wait(max(BUSY_S, self._painter.interval_s)):
            self._paint(self._painter.paint)
        self._model.abandon(self._clock())
        self._paint(self._painter.close)

    def _paint(self, how: Callable[[RunModel, float], None]) -> None:
        if self._failed:
            return
        try:
            how(self._model, self._clock())
        except Exception:
            self._fail()

    def _wait(self, seconds: float) -> bool:
        """Wait, take in what has happened, and return whether the run is over."""
        until = time.monotonic() + seconds
        while not self._drain():
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._over.wait(min(left, BUSY_S))
        return True

    def _drain(self) -> bool:
        # Asked first: what was told before the end must not be missed.
        over = self._over.is_set()
        events = self._events
        while events:
            try:
                self._model.apply(events.popleft())
            except Exception:
                self._fail()
        return over or self._model.ended

    def _fail(self) -> None:
        if not self._failed:
            _log.exception("the view of %r failed and is shown no more", self._model.label)
        self._failed = True
