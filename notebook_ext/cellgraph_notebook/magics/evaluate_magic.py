"""``%evaluate`` and ``%%evaluate``: an expression's value, its run shown live."""

from collections.abc import Mapping
from typing import Any, Final

from cellgraph.errors import ConfigError, LimitError
from cellgraph.suggest import closest
from cellgraph_notebook.cells import execute, last_line, read_cell
from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression

OPTIONS: Final = Options(
    valued=("cache", "max_cost", "max_remote_calls"),
    texts=("o", "fail", "view", "definitions", "on"),
    flags=("bg",),
    short={"out": "o", "output": "o"},
)
VIEWS: Final[Mapping[str, str]] = {"graph": "live", "table": "static", "plain": "plain"}


def run_evaluate(shell: Any, kernel: Kernel, line: str, cell: str | None) -> Any:
    """Carry out ``%evaluate`` (or the cell form: its last expression is evaluated)."""
    parsed = parse_line(line, OPTIONS)
    options = dict(parsed.options)
    name = options.pop("o", None)
    background = options.pop("bg", False)
    view = options.pop("view", None)
    if name is not None and not name.isidentifier():
        refuse(f"-o {name}: expected a variable name")
    if view is not None and view not in VIEWS:
        refuse(f"--view {view}: expected one of {', '.join(VIEWS)}{closest(view, VIEWS)}")
    if cell is None:
        expr = expression(shell, parsed.rest, "%evaluate", OPTIONS)
    else:
        expr = _last_of(shell, line, parsed.rest, cell)
    with kernel.showing(VIEWS[view] if view is not None else None):
        start = kernel.submit if background else kernel.evaluate
        try:
            value = start(expr, **options)
        except (ConfigError, LimitError) as error:
            refuse(str(error))
    if name is None:
        return value
    shell.user_ns[name] = value
    return None


def _last_of(shell: Any, line: str, rest: str, cell: str) -> Any:
    """Run a cell; return the value of its last expression."""
    if rest:
        refuse(f"{rest}: with %%evaluate the expression stands in the cell")
    source = read_cell(shell, "evaluate", line, cell)
    if last_line(source) is None:
        refuse("the last line of an %%evaluate cell is the expression to evaluate")
    with shown_well(shell):
        return execute(shell, source)
