"""How the runs of a session are shown in this process: live view, prints, interrupt.

An instance is the presenter of the current session, and of those that `configure` makes. It serves
a kernel as well as a terminal.
"""

import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cellgraph.current import current_session
from cellgraph.events import Event, RemoteJobAdded, RunFinished, RunStarted
from cellgraph_notebook.errors import show_interrupt
from cellgraph_notebook.prints import Prints

if TYPE_CHECKING:  # loaded by the first run: loading the extension must be quick
    from tempfile import TemporaryDirectory

    from cellgraph.bus import Bus
    from cellgraph.run import Run
    from cellgraph.session import Session
    from cellgraph_notebook.pump import RunDisplay

# After Stop the view may take so long to settle; it goes on behind the prompt.
_SETTLE_S: Final = 0.1
_ASKED: Final = 16  # evaluations that may be repeated by one of their remote jobs


class Shown(NamedTuple):
    """A run on display."""

    view: "RunDisplay"
    unsubscribe: Callable[[], None]
    prints: Prints


class Asked:
    """An evaluation, and the ids of the remote jobs it has sent."""

    def __init__(self, expr: Any, how: Mapping[str, Any]) -> None:
        self.expr = expr
        self.how = how
        self.jobs: set[str] = set()
        self.runs: set[str] = set()
        self.again = False  # its view was asked to evaluate it once more
        self.waited_for = False


class Kernel:
    """The presenter: live views, and what tasks print in the cell that waits for them."""

    def __init__(self) -> None:
        self._shown: dict[str, Shown] = {}
        self._mode: str | None = None
        self.last_run: Run | None = None
        self._asked: list[Asked] = []
        self.recorded: list[TemporaryDirectory[str]] = []  # code of runs that are looked into

    @property
    def session(self) -> "Session":
        """The current session; opened on first use."""
        return current_session()

    @contextmanager
    def showing(self, mode: str | None) -> Generator[None]:
        """Show the runs that begin in this block as *mode* (see `present`); None: as usual."""
        before, self._mode = self._mode, mode
        try:
            yield
        finally:
            self._mode = before

    def evaluate(self, expr: Any, **how: Any) -> Any:
        """Evaluate, and remember which remote jobs that has sent."""
        asked = Asked(expr, how)
        self._asked = [*self._asked[1 - _ASKED :], asked]

        def note(event: Event) -> None:
            if type(event) is RemoteJobAdded:
                asked.jobs.add(event.job)
            elif type(event) is RunStarted:
                asked.runs.add(event.run)

        session = self.session
        there = {k: v for k, v in how.items() if k not in ("on", "definitions")}
        if "on" in how:
            expr, how = session.call_on(how["on"], expr, **there), {}
        unsubscribe = session.bus.subscribe(note)
        asked.waited_for = True
        try:
            return _evaluated(session, asked, expr, how)
        finally:
            asked.waited_for = False
            unsubscribe()

    def repeat(self, run: str) -> bool:
        """Evaluate once more, in the same cell, what is the run with this id, when that has ended:
        what has no result then runs. False if no %evaluate waits for it. Any thread."""
        for asked in self._asked:
            if run in asked.runs and asked.waited_for:
                asked.again = True
                return True
        return False

    def asked_with(self, job: str) -> "tuple[Any, Mapping[str, Any]] | None":
        """The newest evaluation that sent a job whose id begins with *job*, if it is remembered."""
        for asked in reversed(self._asked):
            if any(sent.startswith(job) for sent in asked.jobs):
                return asked.expr, asked.how
        return None

    def asked_in(self, run: str) -> "tuple[Any, Mapping[str, Any]] | None":
        """The evaluation that was the run with this id, if it is remembered."""
        for asked in self._asked:
            if run in asked.runs:
                return asked.expr, asked.how
        return None

    def _stop(self, run: "Run") -> None:
        for asked in self._asked:
            if run.id in asked.runs:
                asked.again = False
        run.cancel()

    def submit(self, expr: Any, **how: Any) -> "Run":
        """Start a run in the background; view and prints stay in the cell that starts it."""
        session, early = self.session, _Early()
        unsubscribe = session.bus.subscribe(early.hear)
        try:
            run = session.submit(expr, **how)
        except BaseException:
            unsubscribe()
            raise
        view, prints = self._view(run, background=True), Prints()

        def hear(event: Event) -> None:
            prints.hear(event)
            view.subscriber(event)
            if type(event) is RunFinished:
                unsubscribe()

        early.go_on(run, hear)
        view.display()
        prints.write_behind(run)
        self.last_run = run
        return run

    # --- Presenter --------------------------------------------------------------------------

    def begin(self, run: "Run", bus: "Bus") -> None:
        """Put the view below the cell, before the first event."""
        view, prints, wanted = self._view(run, background=False), Prints(), run.id

        def hear(event: Event) -> None:
            if event.run == wanted:
                prints.hear(event)
                view.subscriber(event)

        self._shown[run.id] = Shown(view, bus.subscribe(hear), prints)
        self.last_run = run
        view.display()

    def wait(self, run: "Run") -> None:
        """Wait on the cell's own thread: what tasks print appears here, in this cell."""
        self._shown[run.id].prints.write_until_end(run)

    def end(self, run: "Run") -> None:
        """Settle the view. After an interrupt the prompt does not wait for it."""
        shown = self._shown.pop(run.id)
        shown.unsubscribe()
        stopped = sys.exception()
        if not isinstance(stopped, KeyboardInterrupt):
            shown.view.settle()
            return
        show_interrupt(stopped)
        settling = threading.Thread(target=shown.view.settle, name="cellgraph-settle", daemon=True)
        settling.start()
        settling.join(_SETTLE_S)

    def _view(self, run: "Run", *, background: bool) -> "RunDisplay":
        from cellgraph_notebook.present import present

        environ: Mapping[str, str] = os.environ
        if self._mode is not None:
            environ = {**os.environ, "CELLGRAPH_DISPLAY": self._mode}
        return present(
            run.label,
            on_stop=lambda: self._stop(run),
            hands=_Hands(self, run),
            background=background,
            environ=environ,
        )


class _Early:
    """Hears every run until it is known which one is meant, and misses none of its events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Event] = []
        self._run = ""
        self._hear: Callable[[Event], None] = self._held.append

    def hear(self, event: Event) -> None:
        with self._lock:
            if not self._run or event.run == self._run:
                self._hear(event)

    def go_on(self, run: "Run", hear: Callable[[Event], None]) -> None:
        """Pass on the events of *run*, first those heard so far."""
        with self._lock:
            for event in self._held:
                if event.run == run.id:
                    hear(event)
            self._run, self._hear = run.id, hear


class _Hands:
    """Reaches the jobs of other machines for the view; see `children.Hands`."""

    def __init__(self, kernel: Kernel, run: "Run") -> None:
        self._kernel = kernel
        self._session = kernel.session
        self._run = run

    def log(self, executor: str, job: str, child: int) -> str:
        """The end of what a child has written."""
        return self._session.jobs.desk(executor).log(job, child)

    def cancel(self, executor: str, job: str) -> None:
        """End a job."""
        self._session.jobs.desk(executor).end(job)

    def detach(self) -> None:
        """End the run here; its jobs go on."""
        self._run.let_go()

    def repeat(self) -> bool:
        """Evaluate once more when the run has ended; False if nothing waits that could."""
        return self._kernel.repeat(self._run.id)


def _evaluated(session: "Session", asked: Asked, expr: Any, how: Mapping[str, Any]) -> Any:
    """Evaluate; and again for as long as the view of the last run was asked to."""
    while True:
        asked.again = False
        try:
            value = session.evaluate(expr, **how)
        except Exception:
            if not asked.again:
                raise
        else:
            if not asked.again:
                return value
