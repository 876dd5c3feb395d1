"""`cellgraph runs`, `calls`, `lineage`: what is on record."""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from cellgraph.callbook import SHOWN
from cellgraph.cli.console import console, duration, error_console, plural
from cellgraph.cli.places import existing_session
from cellgraph.cli.presenting import presenter
from cellgraph.current import in_use
from cellgraph.provenance import RunSummary
from cellgraph.rundiff import task_line
from cellgraph.scheduled.again import job_again
from cellgraph.scheduled.attempt import Failed, attempt
from cellgraph.scheduled.reporter import report_of

_BESIDE = 66  # characters that the other columns of the list take
_NARROWEST = 12
_EXPORTED = 30  # of those, what the name of an exported run takes
_COLUMNS = 8
_STYLES = {"done": "green", "failed": "red", "cancelled": "yellow"}


def list_runs(store: str | None, limit: int) -> None:
    """Print the newest runs. Raises StoreError."""
    with existing_session(store) as session:
        found = session.run_summaries(limit)
    if not found:
        console().print("no runs yet")
        return
    out = console()
    room = max(_NARROWEST, out.width - _BESIDE)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("run", "started", "status", "expression"):
        table.add_column(name, no_wrap=True)
    for name in ("ran", "reused", "time", "saved"):
        table.add_column(name, justify="right", no_wrap=True)
    if any(run.scheduled is not None for run in found):
        table.add_column("exported run", no_wrap=True)
        room = max(_NARROWEST, room - _EXPORTED)
    for run in found:
        table.add_row(
            run.id,
            _moment(run.started).strftime("%b %d %H:%M"),
            _status(run),
            run.label if len(run.label) <= room else run.label[: room - 1] + "…",
            f"{run.executed:,}",
            f"{run.reused:,}",
            duration(run.elapsed_s),
            duration(run.saved_s) if run.reused else "–",
            *([] if len(table.columns) == _COLUMNS else [_scheduled(run)]),
        )
    out.print(table, soft_wrap=True)


def show_run(store: str | None, id: str) -> None:
    """Print one run: its tasks, why they ran, its errors. Raises StoreError."""
    with existing_session(store) as session:
        run = session.run_summary(id)
    out = console()
    out.print(Text(run.label, style="bold"), _status(run), soft_wrap=True)
    out.print(
        f"run {run.id}, {_moment(run.started):%Y-%m-%d %H:%M:%S}: "
        f"{plural(run.executed, 'call')} ran, {run.reused:,} reused, {run.failed:,} failed "
        f"in {duration(run.elapsed_s)}",
        soft_wrap=True,
    )
    if run.scheduled is not None:
        out.print(f"exported run {run.scheduled.said}, bundle {run.scheduled.bundle[:12]}")
    out.print()
    out.print(task_table(run))
    for error in run.errors:
        out.print(Text(f"✕ {error}", style="red"))


def save_report(store: str | None, id: str, path: Path) -> None:
    """Write what is kept of a run: the page (.html) or the executed notebook (.ipynb).

    A page is made now of a run that has none. Raises StoreError, ConfigError.
    """
    with existing_session(store) as session:
        text = report_of(session, session.run_summary(id), path.suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    console().print(str(path.resolve()), soft_wrap=True)


def run_again(store: str | None, id: str) -> None:
    """Run an exported run of the record once more. Raises TaskError and its kin, ConfigError."""
    with (
        in_use(existing_session(store)) as session,
        tempfile.TemporaryDirectory(prefix="cellgraph-again-") as folder,
    ):
        session.present_through(presenter())
        job = job_again(session, session.run_summary(id), Path(folder))
        ended = attempt(session, job, 1, lambda text: error_console().print(Text(text)))
    if isinstance(ended, Failed):
        raise ended.error
    console().print(Text(repr(ended.value)), soft_wrap=True)


def show_diff(store: str | None, a: str, b: str) -> None:
    """Print what differs between two runs. Raises StoreError."""
    with existing_session(store) as session:
        found = session.diff(a, b)
    out = console()
    for line in list(found.lines())[:3]:
        out.print(Text(line), soft_wrap=True)
    out.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for name in ("A ran", "reused", "B ran", "reused"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("difference")
    for task in found.tasks:
        counts = (task.ran_a, task.reused_a, task.ran_b, task.reused_b)
        table.add_row(task.name, *(f"{n:,}" for n in counts), task_line(task))
    out.print(table)


def list_calls(store: str | None, run: str, task: str, status: str, limit: int) -> None:
    """Print calls on record, latest first. Raises StoreError."""
    with existing_session(store) as session:
        found = session.find_calls(run=run, task=task, status=status, limit=limit)
        rows = [(call, ", ".join(call.arguments)) for call in found]
    if not rows:
        console().print("no such calls on record")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("call", "task", "status", "started"):
        table.add_column(name, no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("arguments, or error")
    for call, said in rows:
        table.add_row(
            call.id[:SHOWN],
            call.task,
            Text(call.status, style=_STYLES.get(call.status, "")),
            _moment(call.started).strftime("%b %d %H:%M"),
            duration(call.elapsed_s),
            Text(call.error or said, overflow="ellipsis", no_wrap=True),
        )
    console().print(table, soft_wrap=True)


def show_call(store: str | None, id: str) -> None:
    """Print one call: arguments, times, what it printed, how it failed. Raises StoreError."""
    with existing_session(store) as session:
        lines = list(session.get_call(id).lines())
    for line in lines:
        console().print(Text(line), soft_wrap=True)


def show_lineage(store: str | None, what: str) -> None:
    """Print where a file came from, or the value of a call. Raises StoreError."""
    with existing_session(store) as session:
        found = session.lineage(what)
    for line in found.lines():
        console().print(Text(line), soft_wrap=True)


def task_table(run: RunSummary) -> Table:
    """The tasks of a run: how many calls ran, were reused, and the reason."""
    reasons = reasons_by_task(run.misses)
    table = Table(box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for name in ("ran", "reused", "time"):
        table.add_column(name, justify="right")
    table.add_column("why it ran")
    for share in run.tasks:
        table.add_row(
            share.name,
            f"{share.executed:,}",
            f"{share.reused:,}",
            duration(share.seconds) if share.executed else "–",
            reasons.get(share.name, "") if share.executed else "",
        )
    return table


def reasons_by_task(misses: Sequence[tuple[str, str, int]]) -> dict[str, str]:
    """Task -> its reasons, in words."""
    found: dict[str, list[str]] = {}
    for task, reason, _ in misses:
        found.setdefault(task, []).append(reason)
    return {task: "; ".join(dict.fromkeys(reasons)) for task, reasons in found.items()}


def _scheduled(run: RunSummary) -> str:
    return "–" if run.scheduled is None else run.scheduled.said


def _status(run: RunSummary) -> Text:
    failed = f" ({run.failed:,})" if run.failed else ""
    return Text(run.status + failed, style=_STYLES.get(run.status, ""))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
