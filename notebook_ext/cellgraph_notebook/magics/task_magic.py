"""``%%task``: the functions of a cell as tasks, or the cell itself as one cached step."""

import ast
import linecache
from collections.abc import Mapping
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

from cellgraph.errors import CellgraphError, ConfigError
from cellgraph.expression import EXPRESSIONS
from cellgraph.options import OPTION_NAMES, TaskOptions, checked
from cellgraph.structure import leaves
from cellgraph.task import Task
from cellgraph_notebook.cells import as_step, run_with_tasks, task_names, with_decorators
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import parse_line, refuse
from cellgraph_notebook.wording import duration

FLAGS: Final = frozenset({"accepts_failures"})
VALUED: Final = frozenset(OPTION_NAMES) - FLAGS | {"returns"}
SHORT: Final[Mapping[str, str]] = {
    "e": "executor",
    "n": "name",
    "cpu": "vcpus",
    "memory": "memory_gib",
    "timeout": "timeout_s",
}


def run_task_cell(shell: InteractiveShell, kernel: Kernel, line: str, cell: str) -> None:
    """Carry out one ``%%task`` cell."""
    parsed = parse_line(line, flags=FLAGS, valued=VALUED, short=SHORT)
    options = dict(parsed.options)
    returns = options.pop("returns", None)
    named = [n for n in parsed.rest.replace(",", " ").split() if n]
    for name in named:
        if not name.isidentifier():
            refuse(f"{name!r} is not the name of a function; options come first and begin with --")
    source = shell.transform_cell(cell)
    filename = shell.compile.cache(cell, shell.execution_count, raw_code=cell)
    tree = ast.parse(source, filename)
    try:
        declared = TaskOptions(**checked(options, executor=options.get("executor")))
        if returns is None:
            _define(shell, kernel, tree, filename, named, declared)
        else:
            _step(shell, kernel, tree, _names(returns), declared)
    except ConfigError as error:
        refuse(str(error))


def _names(returns: Any) -> tuple[str, ...]:
    text = ",".join(returns) if isinstance(returns, (tuple, list)) else str(returns)
    names = tuple(n.strip() for n in text.split(",") if n.strip())
    if not names or not all(n.isidentifier() for n in names):
        refuse("--returns takes names: --returns table,scores")
    return names


def _define(
    shell: InteractiveShell,
    kernel: Kernel,
    tree: ast.Module,
    filename: str,
    named: list[str],
    declared: TaskOptions,
) -> None:
    names = task_names(tree, named)
    run_with_tasks(
        with_decorators(tree, names),
        filename,
        shell.compile.flags,
        shell.user_ns,
        lambda function: Task(function, declared),
    )
    for name in names:
        print(_what_changed(kernel, shell.user_ns[name]))


def _what_changed(kernel: Kernel, task: Task[..., Any]) -> str:
    """One line: what the task is, and what its definition means for stored results."""
    session = kernel.session
    try:
        definition = session.definition_of(task)
        change = session.change_of(task)
    except CellgraphError as error:
        return f"{task.name} · task · {error}"
    where = f" · {definition.executor}" if definition.executor != "thread" else ""
    if change is not None:
        before, reason = change
        count, seconds = session.results_of(before)
        lost = f": {count:,} results no longer apply ({duration(seconds)})" if count else ""
        return f"{task.name} · task{where} · changed {reason}{lost}"
    count, _ = session.results_of(definition.id)
    if count:
        return f"{task.name} · task{where} · unchanged, {count:,} results valid"
    return f"{task.name} · task{where} · new"


def _step(
    shell: InteractiveShell,
    kernel: Kernel,
    tree: ast.Module,
    outputs: tuple[str, ...],
    declared: TaskOptions,
) -> None:
    step = as_step(tree, outputs, shell.user_ns)
    filename = f"<cell {step.name}>"
    linecache.cache[filename] = (len(step.source), None, step.source.splitlines(True), filename)
    namespace = shell.user_ns
    former = namespace.get(step.name)
    exec(
        compile(step.source, filename, "exec", shell.compile.flags, True), namespace
    )  # the user's cell
    task = Task(namespace.pop(step.name), declared.with_({"nout": len(outputs)}))
    if former is not None:
        namespace[step.name] = former
    inputs = [namespace[name] for name in step.inputs]
    lazy = any(True for _ in leaves(inputs, EXPRESSIONS))
    print(
        f"{step.name}({', '.join(step.inputs)}) · one cached step"
        + (" · waits for lazy inputs" if lazy else "")
    )
    call = task(*inputs)
    values = kernel.evaluate(call)
    run = kernel.last_run
    if run is not None and not run.counts.executed and not lazy:
        kept = kernel.session.log_of(call)
        if kept:
            print(f"{kept.rstrip()}\n(printed when it ran; from cache)")
    namespace.update(zip(outputs, values, strict=True))
