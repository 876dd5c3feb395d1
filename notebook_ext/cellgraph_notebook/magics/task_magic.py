"""``%%task``: the functions of a cell as tasks, or the cell itself as one cached step."""

import re
from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import CellgraphError, ConfigError, StoreError
from cellgraph.expression import EXPRESSIONS
from cellgraph.options import OPTION_NAMES, TaskOptions, checked
from cellgraph.plugins import executor_options
from cellgraph.structure import leaves
from cellgraph.task import Task
from cellgraph_notebook.cells import Cell, read_cell, run_with_tasks, task_names
from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.outputs import show
from cellgraph_notebook.results import Results
from cellgraph_notebook.step import as_step
from cellgraph_notebook.wording import duration, plural

if TYPE_CHECKING:
    from cellgraph.session import Session

_TEXTS: Final = ("name", "version", "executor", "check", "packages", "returns")
_OBJECTS: Final = ("retry_on", "uses", "fresh", "context", "inherit", "tags")
_FLAGS: Final = ("accepts_failures",)
OPTIONS: Final = Options(
    valued=tuple(n for n in OPTION_NAMES if n not in (*_TEXTS, *_OBJECTS, *_FLAGS)),
    texts=_TEXTS,
    objects=_OBJECTS,
    flags=_FLAGS,
    short={
        "e": "executor",
        "n": "name",
        "cpu": "vcpus",
        "memory": "memory_gib",
        "timeout": "timeout_s",
    },
)
_EXECUTOR: Final = re.compile(r"(?:--executor|-e)[ =]+[\"']?([\w-]+)")
_BY_COMMA: Final = ("limits", "ignore")


def options_for(line: str) -> Options:
    """The options of every task, and those that the executor named on the line adds."""
    named = _EXECUTOR.search(line)
    own = executor_options(named[1]) if named else frozenset[str]()
    return OPTIONS._replace(valued=(*OPTIONS.valued, *sorted(own)))


def run_task_cell(shell: Any, kernel: Kernel, line: str, cell: str) -> object:
    """Carry out one ``%%task`` cell; returns what its last line gives."""
    parsed = parse_line(line, options_for(line), shell.user_ns)
    options = dict(parsed.options)
    returns = options.pop("returns", None)
    named = parsed.rest.replace(",", " ").split()
    for name in named:
        if not name.isidentifier():
            refuse(f"{name} is not the name of a function; options come first and begin with --")
    try:
        declared = _declared(options)
        source = read_cell(shell, "task", line, cell)
        if returns is None:
            return _define(shell, kernel, source, named, declared)
        if named:
            refuse(f"{named[0]}: with --returns the cell itself is the task")
        if declared.nout is not None:
            refuse("--nout: a step gives as many values as --returns has names")
        _step(shell, kernel, source, _outputs(returns), declared)
    except ConfigError as error:
        refuse(str(error))
    return None


def _declared(options: dict[str, Any]) -> TaskOptions:
    for name in _BY_COMMA:
        if isinstance(options.get(name), str):
            options[name] = tuple(n.strip() for n in options[name].split(",") if n.strip())
    return TaskOptions(**checked(options, executor=options.get("executor")))


def _outputs(returns: str) -> tuple[str, ...]:
    names = tuple(n.strip() for n in returns.strip("()[]").split(",") if n.strip())
    if not names or not all(n.isidentifier() for n in names):
        refuse("--returns takes names: --returns table,scores")
    return tuple(dict.fromkeys(names))


# --- functions ----------------------------------------------------------------------------------


def _define(
    shell: Any, kernel: Kernel, cell: Cell, named: list[str], declared: TaskOptions
) -> object:
    names = task_names(cell.tree, named)
    if declared.name is not None and len(names) > 1:
        refuse(f"--name {declared.name}: the cell makes {len(names)} tasks; name one of them")
    with shown_well(shell):
        value = run_with_tasks(shell, cell, names, lambda func: Task(func, declared))
    session = kernel.session
    results = Results(session)
    for name in names:
        print(_what_changed(session, results, shell.user_ns[name]))
    return value


def _what_changed(session: "Session", results: Results, task: Task[..., Any]) -> str:
    """One line: what the task is, and what its definition means for stored results."""
    try:
        definition = session.definition_of(task)
        change = session.change_of(task)
    except CellgraphError as error:
        return f"{task.name} · task · {error}"
    where = f" · {definition.executor}" if definition.executor != "thread" else ""
    head = f"{task.name} · task{where} · "
    if change is not None:
        before, reason = change
        count, seconds = results.of(before)
        lost = f": {plural(count, 'result')} no longer {'applies' if count == 1 else 'apply'}"
        return f"{head}changed {reason}" + (f"{lost} ({duration(seconds)})" if count else "")
    count, _ = results.of(definition.id)
    return head + (f"unchanged, {plural(count, 'result')} valid" if count else "new")


# --- the cell itself ----------------------------------------------------------------------------


def _step(
    shell: Any, kernel: Kernel, cell: Cell, outputs: tuple[str, ...], declared: TaskOptions
) -> None:
    step = as_step(shell, cell, outputs)
    said = {"name": declared.name or step.name, "nout": len(outputs) + 1}
    task: Task[..., Any] = Task(step.call, declared.with_(said))
    inputs = [shell.user_ns[name] for name in step.inputs]
    lazy = next(leaves(inputs, EXPRESSIONS), None) is not None
    waits = " · waits for lazy inputs" if lazy else ""
    print(f"{task.name}({', '.join(step.inputs)}) · one cached step{waits}")
    session = kernel.session
    *values, displays = session.evaluate(task(*inputs))
    if _was_found(kernel, task.name):
        _show_again(_log(session, task, inputs, lazy=lazy), displays)
    else:
        _show(displays)
    shell.user_ns.update(zip(step.outputs, values, strict=True))


def _was_found(kernel: Kernel, name: str) -> bool:
    """Whether the step itself was found, whatever else the run had to do."""
    run = kernel.last_run
    if run is None or not run.counts.executed:
        return True
    try:
        shares = kernel.session.run_summary(run.id).tasks
    except StoreError:  # a store that cannot be written knows no runs
        return False
    return not any(share.executed for share in shares if share.name == name)


def _log(session: "Session", task: Task[..., Any], inputs: list[Any], *, lazy: bool) -> str:
    """What the step printed when it ran. It is kept under the values of the inputs."""
    if lazy:
        run = session.submit(inputs)
        inputs = run.result()
    return session.log_of(task(*inputs))


def _show_again(log: str, displays: tuple[Any, ...]) -> None:
    if log or displays:
        print("↺ from cache, shown when it ran:")
    if log:
        print(log, end="" if log.endswith("\n") else "\n")
    _show(displays)


def _show(displays: tuple[Any, ...]) -> None:
    for data, metadata in displays:
        show(data, metadata)
