"""One session per kernel: how its runs are shown, where their prints go, how it is taken down."""

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from cellgraph.bus import Bus
from cellgraph.current import current_session, use
from cellgraph.events import Event, LogText
from cellgraph.run import Run
from cellgraph.session import Session, Silent
from cellgraph_notebook.present import present
from cellgraph_notebook.pump import RunDisplay

_POLL_S = 0.05


class Shown(NamedTuple):
    """A run on display."""

    view: RunDisplay
    unsubscribe: Callable[[], None]
    printed: "deque[LogText]"


class Kernel:
    """The presenter of a kernel's session: live views, and task output in the cell that waits."""

    def __init__(self) -> None:
        self._shown: dict[str, Shown] = {}
        self.last_run: Run | None = None

    @property
    def session(self) -> Session:
        """The current session, with this kernel as its presenter."""
        session = current_session()
        if session.presenter is not self:
            session.presenter = self
        return session

    def evaluate(self, expr: Any, **how: Any) -> Any:
        """Evaluate in the cell that runs now."""
        return self.session.evaluate(expr, **how)

    def submit(self, expr: Any, **how: Any) -> Run:
        """Start a run in the background; its view stays live below the cell that started it."""
        session = self.session
        view_events: list[Event] = []
        buffered = session.bus.subscribe(view_events.append)
        run = session.submit(expr, **how)
        view = present(run.label, on_stop=run.cancel, background=True)
        session.bus.subscribe(_only(run, view.subscriber))
        buffered()
        for event in view_events:
            if event.run == run.id:
                view.subscriber(event)
        view.display()
        self.last_run = run
        return run

    def close(self) -> None:
        """Close the kernel's session."""
        use(None)

    # --- Presenter --------------------------------------------------------------------------

    def begin(self, run: Run, bus: Bus) -> None:
        """Put the view below the cell, before the first event."""
        view = present(run.label, on_stop=run.cancel)
        printed: deque[LogText] = deque()

        def hear(event: Event) -> None:
            if type(event) is LogText:
                printed.append(event)
            view.subscriber(event)

        self._shown[run.id] = Shown(view, bus.subscribe(_only(run, hear)), printed)
        self.last_run = run
        view.display()

    def wait(self, run: Run) -> None:
        """Wait on the cell's own thread: what tasks print appears here, in this cell."""
        printed = self._shown[run.id].printed
        while not run.wait(_POLL_S):
            _write(printed)
        _write(printed)

    def end(self, run: Run) -> None:
        """Settle the view."""
        shown = self._shown.pop(run.id)
        _write(shown.printed)
        shown.unsubscribe()
        shown.view.settle()


def _only(run: Run, hear: Callable[[Event], None]) -> Callable[[Event], None]:
    """Pass on the events of one run."""
    wanted = run.id

    def filtered(event: Event) -> None:
        if event.run == wanted:
            hear(event)

    return filtered


def _write(printed: "deque[LogText]") -> None:
    while printed:
        said = printed.popleft()
        stream = sys.stderr if said.stream == "stderr" else sys.stdout
        stream.write(said.text)


def silence(session: Session) -> None:
    """Give a session back its silent presenter."""
    session.presenter = Silent()
