"""``%tasks``: what can run."""

from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import CellgraphError
from cellgraph.task import Task
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line
from cellgraph_notebook.results import Results
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.session import Session

NO_OPTIONS: Final = Options()
_TASKS: Final = ("task", "runs on", "options", "code", "results")
_OPTIONS_SHOWN: Final = (
    "retries", "timeout_s", "vcpus", "memory_gib", "version", "cache", "limits",
)  # fmt: skip


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
