"""`cellgraph runs`, `calls`, `lineage`: what is on record."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from cellgraph.callbook import SHOWN
from cellgraph.cli.console import console, duration, plural
from cellgraph.cli.places import existing_session
from cellgraph.provenance import RunSummary
from cellgraph.rundiff import task_line

_BESIDE = 66  # characters that the other columns of the list take
_NARROWEST = 12
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
    out.print()
    out.print(task_table(run))
    for error in run.errors:
        out.print(Text(f"✕ {error}", style="red"))


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


def _status(run: RunSummary) -> Text:
    failed = f" ({run.failed:,})" if run.failed else ""
    return Text(run.status + failed, style=_STYLES.get(run.status, ""))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
