"""``%debug_task``: a failed call once more, here, with the same inputs: the error can be looked
into where it happens."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cellgraph.callbook import SHOWN
from cellgraph.errors import CellgraphError, StoreError
from cellgraph.suggest import closest
from cellgraph.task import Task
from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse

if TYPE_CHECKING:
    from cellgraph.callbook import StoredCall

OPTIONS: Final = Options(flags=("recorded",))


def run_debug_task(shell: Any, kernel: Kernel, line: str) -> Any:
    """Carry out ``%debug_task [--recorded] ID``: of a call, or of a run whose first failure counts.

    What the task raises is raised here, so that IPython's ``%debug`` opens where it happened.
    """
    words = sorted(line.split(), key=lambda word: not word.startswith("-"))
    options, rest = parse_line(" ".join(words), OPTIONS)
    if len(rest.split()) != 1:
        refuse("%debug_task takes the id of one call, or of a run: %calls --failed lists them")
    try:
        call = _call(kernel, rest)
        args, kwargs = call.inputs()
        task = _recorded(kernel, call) if options.get("recorded") else _present(shell, call)
    except CellgraphError as error:
        refuse(str(error))
    said = f"{call.task}({', '.join(call.arguments)})"
    print(f"{said} · as in call {call.id[:SHOWN]} · if it fails, %debug looks in")
    with shown_well(shell):
        return task.func(*args, **kwargs)


def _call(kernel: Kernel, id: str) -> "StoredCall":
    """The call with this id, or the first that failed in the run with it."""
    session = kernel.session
    try:
        run = session.run_summary(id)
    except StoreError:
        return session.get_call(id)
    failed = session.find_calls(run=run.id, status="failed")
    if not failed:
        refuse(f"no call of run {run.id} is on record as failed: give the id of a call")
    return min(failed, key=lambda call: call.started)


def _present(shell: Any, call: "StoredCall") -> Task[..., Any]:
    found = _named(call.task, shell.user_ns)
    if found is None:
        names = [n for n, value in shell.user_ns.items() if isinstance(value, Task)]
        refuse(
            f"no task {call.task} in this notebook{closest(call.task, names)}: run its cell first"
        )
    return found


def _recorded(kernel: Kernel, call: "StoredCall") -> Task[..., Any]:
    """The task as the bundle of that run has it."""
    from cellgraph.scheduled.again import job_again
    from cellgraph.scheduled.flow import Printed, load

    session = kernel.session
    run = session.run_summary(call.run)
    if run.scheduled is None:
        refuse(
            f"call {call.id[:SHOWN]} is of no exported run: its code is on record as text alone "
            "(get_call(id).source), so --recorded cannot run it"
        )
    folder = tempfile.TemporaryDirectory(prefix="cellgraph-recorded-")
    kernel.recorded.append(folder)  # as long as the kernel: a debugger shows its lines
    job = job_again(session, run, Path(folder.name))
    load(job.bundle, job.folder, job.values, Printed())
    found = _named(call.task, vars(sys.modules["flow"]))
    if found is None:
        refuse(f"the bundle of run {run.id} has no task {call.task}")
    return found


def _named(name: str, namespace: Mapping[str, Any]) -> Task[..., Any] | None:
    """The task that goes by *name* on record."""
    tasks: list[Task[..., Any]] = [v for v in namespace.values() if isinstance(v, Task)]
    named = (t for t in tasks if name in (t.name, t.name.rpartition(".")[2]))
    return next(named, None)
