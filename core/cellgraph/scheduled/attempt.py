"""One attempt at an exported run: load, evaluate within its time, leave a record and documents."""

import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from cellgraph.errors import CellgraphError, ExportError, StoreError
from cellgraph.events import Event, RunFinished, RunStarted
from cellgraph.exported.bundle import Bundle
from cellgraph.exported.params import as_text
from cellgraph.provenance import RunSummary, Scheduled
from cellgraph.reports import Reports, keep_bundle
from cellgraph.scheduled.flow import Printed, load
from cellgraph.scheduled.reporter import Facts, Raised, Reporter, Returned, reporter
from cellgraph.secret import hidden
from cellgraph.session import Session

Say = Callable[[str], None]
_PATIENCE_S: Final = 10.0  # for an evaluation that was broken off to be over


class Job(NamedTuple):
    """An exported run with everything that is set: what every attempt at it begins with."""

    bundle: Bundle
    folder: Path  # where the bundle's files are
    values: Mapping[str, Any]
    due: float  # seconds since 1970; 0: started by hand
    drift: str = ""

    def recorded(self, attempt: int) -> Scheduled:
        """How its runs stand on record."""
        said = tuple((name, hidden(as_text(value))) for name, value in self.values.items())
        return Scheduled(self.bundle.spec.name, self.bundle.id, self.due, attempt, said)


class Done(NamedTuple):
    """An attempt that gave a value."""

    run: RunSummary
    value: Any


class Failed(NamedTuple):
    """An attempt that did not. `error` tells people; None for `run`: the store refused it."""

    run: RunSummary | None
    error: CellgraphError


class _OutOfTime(BaseException):
    """Raised where the main thread is. No `Exception`: the flow's own code must not catch it."""


def attempt(session: Session, job: Job, number: int, say: Say) -> Done | Failed:
    """Carry *job* out in *session*, which is the current one.

    Ctrl-C passes; every other end is on record.
    """
    heard = _Heard()
    writer = reporter()
    session.record_as(job.recorded(number))
    unsubscribe = [session.bus.subscribe(heard.hear)]
    if writer is not None:
        unsubscribe.append(session.bus.subscribe(writer.hear))
    printed, started = Printed(), time.time()
    try:
        keep_bundle(session.store, job.bundle)
        with _within(job.bundle.spec.timeout_s):
            value = session.evaluate(load(job.bundle, job.folder, job.values, printed))
        ended: Done | Failed = Done(session.run_summary(heard.last), value)
    except Exception as problem:
        error = _told(job, problem)
        ended = Failed(_record(session, job, heard, error, started), error)
    finally:
        for forget in unsubscribe:
            forget()
        session.record_as(None)
    _document(session, job, printed, ended, writer, say)
    return ended


def _told(job: Job, problem: Exception) -> CellgraphError:
    """What people are told of *problem*: a fault of ours, or of a package, is on record as well."""
    if isinstance(problem, CellgraphError):
        return problem
    what = f"{job.bundle.spec.target} failed: {type(problem).__name__}: {problem}"
    error = ExportError(what)
    error.__cause__ = problem
    return error


class _Heard:
    """Which runs an attempt has begun, and which of them are over."""

    def __init__(self) -> None:
        self.last = ""  # the run that began last; empty: none did
        self._over: set[str] = set()
        self._told = threading.Condition()

    def hear(self, event: Event) -> None:
        """Take in an event, on the owner's thread."""
        if type(event) is RunStarted:
            self.last = event.run
        elif type(event) is RunFinished:
            with self._told:
                self._over.add(event.run)
                self._told.notify_all()

    def over(self, seconds: float) -> bool:
        """Wait until the last run has ended, for so many seconds at most; say whether it has."""
        with self._told:
            return self._told.wait_for(lambda: self.last in self._over, seconds)


def _record(
    session: Session, job: Job, heard: _Heard, error: CellgraphError, started: float
) -> RunSummary | None:
    """The record of a failed attempt: that of its last evaluation, if it is what failed.

    An evaluation that was broken off ends a little later, as a cancelled one: it has failed.
    """
    first = hidden(str(error).partition("\n")[0])
    try:
        if heard.last and heard.over(_PATIENCE_S):
            run = session.run_summary(heard.last)
            if run.status == "cancelled":
                return session.record_failed(run, first)
            if run.status != "done":
                return run
        return session.record_failure(job.bundle.spec.target, first, started)
    except StoreError:
        return None


def _document(
    session: Session,
    job: Job,
    printed: Printed,
    ended: Done | Failed,
    writer: Reporter | None,
    say: Say,
) -> None:
    """Keep the documents. What goes wrong with them never makes the run fail."""
    if writer is None or ended.run is None:
        return
    # hidden before it is drawn, and once more in what was: a picture in a page is encoded
    error = "" if isinstance(ended, Done) else hidden(str(ended.error))
    outcome = Returned(ended.value) if isinstance(ended, Done) else Raised(error)
    by_cell = {cell: hidden(text) for cell, text in printed.by_cell.items()}
    facts = Facts(job.bundle, job.values, by_cell, outcome, job.drift)
    try:
        page, notebook = writer.documents(session, ended.run, facts)
        kept = Reports(session.store)
        kept.keep(ended.run, "ipynb", hidden(notebook))
        kept.keep(ended.run, "html", hidden(page, markup=True))
    except Exception as error:  # the repr of a value is the user's code
        say(f"the report of run {ended.run.id} could not be written: {error!r}")


@contextmanager
def _within(seconds: float) -> Generator[None]:
    """End what runs in the block after *seconds* (0: never) with ExportError.

    A signal of the main thread, so that code of the flow is ended as well; on other threads there
    is none, and evaluations have no other limit than those of their tasks.
    """
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, over)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds)
    began = time.monotonic()
    try:
        yield
    except _OutOfTime:
        raise ExportError(
            f"not over after {seconds:g} s (--timeout): what had finished is kept, and jobs on "
            "other machines go on; run it again to go on from there"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            rest = max(0.001, left - (time.monotonic() - began))
            signal.setitimer(signal.ITIMER_REAL, rest, again)
