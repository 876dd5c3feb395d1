"""``%runs`` and ``%tasks``: what has run, and what can."""

from datetime import datetime
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from cellgraph.errors import CellgraphError, StoreError
from cellgraph.provenance import RunSummary
from cellgraph.task import Task
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import refuse
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import duration

_SHOWN = 20


def run_runs(kernel: Kernel, line: str) -> Table:
    """Carry out ``%runs [ID]``."""
    wanted = line.strip()
    if not wanted:
        return _recent(kernel.session.run_summaries(_SHOWN))
    try:
        return _one(kernel.session.get_run(wanted))
    except StoreError as error:
        refuse(str(error))


def _recent(runs: list[RunSummary]) -> Table:
    rows = [
        (
            r.id,
            datetime.fromtimestamp(r.started).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            r.status,
            r.label,
            f"{r.executed:,}",
            f"{r.reused:,}",
            f"{r.failed:,}",
            duration(r.elapsed_s),
            duration(r.saved_s) if r.saved_s else "–",
        )
        for r in runs
    ]
    columns = ("run", "started", "status", "expression", "ran", "reused", "failed", "took", "saved")
    return Table(
        "no runs in this store yet" if not rows else f"the last {len(rows)} runs", columns, rows
    )


def _one(run: RunSummary) -> Table:
    why = {name: f"{reason} ×{count:,}" for name, reason, count in run.misses}
    rows = [
        (t.name, f"{t.executed:,}", f"{t.reused:,}", duration(t.seconds), why.get(t.name, ""))
        for t in run.tasks
    ]
    title = f"run {run.id} · {run.status} · {run.label} · {duration(run.elapsed_s)}"
    if run.errors:
        title += f" · {run.errors[0]}"
    return Table(title, ("task", "ran", "reused", "computing", "why it ran"), rows)


def run_tasks(shell: InteractiveShell, kernel: Kernel, line: str) -> Table:
    """Carry out ``%tasks [TEXT]``: the tasks of this notebook whose name holds the text."""
    rows: list[tuple[str, ...]] = []
    for name, value in list(shell.user_ns.items()):
        if isinstance(value, Task) and line.strip() in name and not name.startswith("_"):
            rows.append(_row(kernel, name, value))
    title = f"{len(rows)} tasks" if rows else "no tasks are defined: begin a cell with %%task"
    return Table(title, ("task", "runs on", "options", "code", "results"), sorted(rows))


def _row(kernel: Kernel, name: str, task: Task[..., Any]) -> tuple[str, ...]:
    said = {
        key: getattr(task.own, key)
        for key in ("retries", "timeout_s", "vcpus", "memory_gib", "version", "cache", "limits")
        if getattr(task.own, key) is not None
    }
    options = ", ".join(f"{k}={v}" for k, v in said.items())
    try:
        definition = kernel.session.definition_of(task)
        count, seconds = kernel.session.results_of(definition.id)
    except CellgraphError as error:
        return (name, "", options, "–", str(error))
    kept = f"{count:,} ({duration(seconds)})" if count else "none yet"
    return (name, definition.executor, options, definition.id.hex()[:8], kept)
