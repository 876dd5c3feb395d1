"""``%runs`` and ``%tasks``: what has run, and what can."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import CellgraphError, StoreError
from cellgraph.task import Task
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.history_magic import run_diff
from cellgraph_notebook.results import Results
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.provenance import RunSummary
    from cellgraph.session import Session

NO_OPTIONS: Final = Options()
SHOWN: Final = 20
_RUNS: Final = (
    "run",
    "started",
    "status",
    "expression",
    "ran",
    "reused",
    "failed",
    "took",
    "saved",
)
_SHARES: Final = ("task", "ran", "reused", "computing", "why it ran")
_TASKS: Final = ("task", "runs on", "options", "code", "results")
_OPTIONS_SHOWN: Final = (
    "retries", "timeout_s", "vcpus", "memory_gib", "version", "cache", "limits",
)  # fmt: skip


def run_runs(kernel: Kernel, line: str) -> Table:
    """Carry out ``%runs [ID] [OTHER]``."""
    words = parse_line(line, NO_OPTIONS).rest.split()
    if len(words) > 2:
        refuse(f"%runs takes one id, or two to compare, not {len(words)}")
    if not words:
        return _recent(kernel.session.run_summaries(SHOWN))
    try:
        if len(words) == 2:
            return run_diff(kernel, *words)
        return _one(kernel.session.run_summary(words[0]))
    except StoreError as error:
        refuse(str(error).replace("`runs()`", "%runs"))


def _recent(runs: "list[RunSummary]") -> Table:
    newest_first = sorted(runs, key=lambda run: run.started, reverse=True)
    rows = [
        (
            r.id,
            datetime.fromtimestamp(r.started).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            r.status,
            r.label,
            count(r.executed),
            count(r.reused),
            count(r.failed),
            duration(r.elapsed_s),
            duration(r.saved_s) if r.saved_s else "–",
        )
        for r in newest_first
    ]
    if not rows:
        return Table("no runs in this store yet", _RUNS, rows)
    title = f"the last {plural(len(rows), 'run')}, newest first · %runs ID tells more of one"
    return Table(title, _RUNS, rows)


def _one(run: "RunSummary") -> Table:
    why: dict[str, list[str]] = {}
    for name, reason, times in run.misses:
        why.setdefault(name, []).append(f"{reason} ×{count(times)}")
    rows = [
        (t.name, count(t.executed), count(t.reused), duration(t.seconds), ", ".join(why[t.name]))
        if t.name in why
        else (t.name, count(t.executed), count(t.reused), duration(t.seconds), "–")
        for t in run.tasks
    ]
    title = f"run {run.id} · {run.status} · {run.label} · {duration(run.elapsed_s)}"
    return Table(" · ".join([title, *run.errors[:1]]), _SHARES, rows)


def run_tasks(shell: Any, kernel: Kernel, line: str) -> Table:
    """Carry out ``%tasks [TEXT]``: the tasks of this notebook whose name holds the text."""
    wanted = parse_line(line, NO_OPTIONS).rest
    session = kernel.session
    results = Results(session)
    found: dict[str, Task[..., Any]] = {
        name: value for name, value in shell.user_ns.items() if isinstance(value, Task)
    }
    rows = [
        _row(session, results, name, found[name])
        for name in sorted(found)
        if wanted in name and not name.startswith("_")
    ]
    if rows:
        return Table(plural(len(rows), "task"), _TASKS, rows)
    none = f"no task has {wanted!r} in its name" if wanted else "no tasks are defined"
    return Table(f"{none}: begin a cell with %%task", _TASKS, rows)


def _row(session: "Session", results: Results, name: str, task: Task[..., Any]) -> tuple[str, ...]:
    said = {key: getattr(task.own, key) for key in _OPTIONS_SHOWN}
    options = ", ".join(f"{k}={v}" for k, v in said.items() if v is not None)
    try:
        definition = session.definition_of(task)
    except CellgraphError as error:
        return (name, task.own.executor or "–", options, "–", str(error).partition("\n")[0])
    found, seconds = results.of(definition.id)
    kept = f"{count(found)} ({duration(seconds)})" if found else "none yet"
    return (name, definition.executor, options, definition.id.hex()[:8], kept)
