"""`cellgraph run BUNDLE` and `cellgraph backfill BUNDLE`: an exported run, now or for a time."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from cellgraph.cli import parameters
from cellgraph.cli.console import console, duration, error_console
from cellgraph.cli.presenting import presenter
from cellgraph.current import in_use
from cellgraph.errors import CellgraphError, ConfigError, ExportError
from cellgraph.exported.bundle import RUN, read_bundle
from cellgraph.exported.steps import times_in
from cellgraph.scheduled.attempt import Job
from cellgraph.scheduled.flow import Printed, load
from cellgraph.scheduled.preparing import due_now, prepare
from cellgraph.scheduled.running import Open, note_killed, run
from cellgraph.scheduled.state import State, alone
from cellgraph.session import Session


def is_bundle(path: Path) -> bool:
    """Whether *path* is the folder of an exported run."""
    return (path / RUN).is_file()


def run_bundle(
    folder: Path, given: Sequence[str], store: Path | None, *, plan: bool, if_due: bool, at: str
) -> None:
    """Run (or with *plan*, forecast) the bundle in *folder*.

    With *if_due*, only if its schedule says so and the newest time is not yet served; one run at a
    time, a second one is skipped. *at* is its scheduled time otherwise (ISO; empty: it has none).
    Raises ExportError, TaskError and its kin.
    """
    bundle = read_bundle(folder)
    params = parameters.parse(given)
    where = _opened(store, bundle.spec.store)
    if plan:
        _plan(prepare(bundle, folder, params, _moment(at), due=bool(at)), where)
        return
    with alone(folder) as state:
        if state is None:
            error_console().print(f"{bundle.spec.name} is running already: skipped")
            return
        moment, due = _moment(at), bool(at)
        if if_due:
            found = due_now(bundle, state, datetime.now(UTC))
            if found is None:
                return
            moment, due = found, True
        job = prepare(bundle, folder, params, moment, due=due)
        if job.drift:
            _say(f"not as locked: {job.drift}")
        first = _after_killed(job, state, where)
        if job.due and first > 1 + max(1, bundle.spec.retries):
            state.ended(job.due, time.time())
            raise ExportError(f"given up: it was killed {first - 1} times for the same due time")
        done = run(job, where, state, _say, first=first)
    console().print(Text(repr(done.value)), soft_wrap=True)


def _after_killed(job: Job, state: State, where: Open) -> int:
    """The number of the first attempt: one that was killed counts, and is told of."""
    killed = state.killed()
    if killed is None:
        return 1
    note_killed(job._replace(due=killed.due), killed, where, _say)
    return killed.attempt + 1 if killed.due == job.due else 1


def _plan(job: Job, where: Open) -> None:
    with where() as session:
        found = session.plan(load(job.bundle, job.folder, job.values, Printed()))
    console().print(Text(repr(found)), soft_wrap=True)


def backfill(folder: Path, span: str, step: str, given: Sequence[str], store: Path | None) -> bool:
    """Run the bundle in *folder* for each time of *span*, oldest first; whether all went well.

    What is on record of a time is found, so a span that was filled costs nothing. Raises
    ExportError for a wrong span.
    """
    bundle = read_bundle(folder)
    params = parameters.parse(given)
    where = _opened(store, bundle.spec.store)
    times = times_in(span, step, bundle.spec.schedule)
    quiet = bundle._replace(spec=bundle.spec._replace(alert=""))
    failed = 0
    with alone(folder) as state:
        if state is None:
            raise ConfigError(f"{bundle.spec.name} is running: fill in when it is over")
        for at in times:
            job = prepare(quiet, folder, params, at, due=True)
            try:
                done = run(job, where, None, _say)
            except CellgraphError as error:
                failed += 1
                _line(at, "failed", str(error).partition("\n")[0])
            else:
                r = done.run
                counts = f"{r.executed:,} ran, {r.reused:,} reused, {duration(r.elapsed_s)}"
                _line(at, "done", counts)
    console().print(f"{len(times):,} times, {failed:,} failed")
    return not failed


def _line(at: datetime, status: str, rest: str) -> None:
    console().print(Text(f"{at:%Y-%m-%d %H:%M %Z}  {status:<6}  {rest}"), soft_wrap=True)


def _opened(store: Path | None, own: str) -> Open:
    """How a session is opened and made the current one for a block."""

    return lambda: in_use(Session(store or own or None, presenter=presenter()))


def _say(text: str) -> None:
    error_console().print(Text(text), soft_wrap=True)


def _moment(at: str) -> datetime:
    if not at:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise ConfigError(f"--at {at!r}: expected a time such as 2026-11-27T06:00+01:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
