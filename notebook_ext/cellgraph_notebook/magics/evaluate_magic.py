"""``%evaluate``, ``%%evaluate`` and ``%graph``: an expression's value, or its picture."""

import ast
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from cellgraph.errors import CellgraphError
from cellgraph.events import CallsAdded, RunStarted
from cellgraph.label import label
from cellgraph_notebook.dot import dot_source
from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import parse_line, refuse
from cellgraph_notebook.static_view import graph_bundle
from cellgraph_notebook.view_model import RunModel

FLAGS: Final = frozenset({"bg"})
VALUED: Final = frozenset({"o", "fail", "cache", "view", "definitions"})
SHORT: Final[Mapping[str, str]] = {"out": "o", "output": "o"}
VIEWS: Final[Mapping[str, str]] = {"graph": "live", "table": "static", "plain": "plain"}
GRAPH_VALUED: Final = frozenset({"save"})


def run_evaluate(shell: InteractiveShell, kernel: Kernel, line: str, cell: str | None) -> Any:
    """Carry out ``%evaluate`` (or the cell form: its last expression is evaluated)."""
    parsed = parse_line(line, flags=FLAGS, valued=VALUED, short=SHORT)
    options = dict(parsed.options)
    name = options.pop("o", None)
    background = options.pop("bg", False)
    view = options.pop("view", None)
    if name is not None and not str(name).isidentifier():
        refuse(f"-o {name}: expected a variable name")
    if view is not None and view not in VIEWS:
        refuse(f"--view {view}: expected graph, table or plain")
    expr = _expression(shell, parsed.rest) if cell is None else _last_of(shell, cell)
    with shown_well(), _display_as(view):
        value = kernel.submit(expr, **options) if background else kernel.evaluate(expr, **options)
    if name is None:
        return value
    shell.user_ns[str(name)] = value
    return None


def run_graph(shell: InteractiveShell, kernel: Kernel, line: str) -> None:
    """Carry out ``%graph``: draw the expression without running it."""
    parsed = parse_line(line, flags=(), valued=GRAPH_VALUED, short={})
    expr = _expression(shell, parsed.rest)
    try:
        calls = kernel.session.outline(expr)
    except CellgraphError as error:
        refuse(str(error))
    model = RunModel(label(expr))
    model.apply(RunStarted("", label(expr), 0.0))
    model.apply(CallsAdded("", calls))
    snapshot = model.snapshot(0.0)
    bundle = graph_bundle(snapshot)
    target = parsed.options.get("save")
    if target is not None:
        path = Path(str(target)).expanduser()
        text = dot_source(snapshot) if path.suffix == ".dot" else bundle.data["image/svg+xml"]
        path.write_text(str(text), encoding="utf-8")
        print(f"saved {path}")
        return
    display(bundle.data, raw=True, metadata=bundle.metadata)  # type: ignore[no-untyped-call]  # IPython is partly typed


def _expression(shell: InteractiveShell, text: str) -> Any:
    if not text.strip():
        refuse("give an expression: %evaluate total(parts)")
    try:
        code = compile(ast.parse(text.strip(), "<magic>", "eval"), "<magic>", "eval")
    except SyntaxError as error:
        refuse(f"cannot read {text.strip()!r}: {error.msg}; options come before the expression")
    with shown_well():
        return eval(code, shell.user_ns)  # the user's own expression


def _last_of(shell: InteractiveShell, cell: str) -> Any:
    """Run a cell; return the value of its last expression."""
    source = shell.transform_cell(cell)
    filename = shell.compile.cache(cell, shell.execution_count, raw_code=cell)
    tree = ast.parse(source, filename)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        refuse("the last line of an %%evaluate cell is the expression to evaluate")
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    with shown_well():
        exec(
            compile(tree, filename, "exec", shell.compile.flags, True), shell.user_ns
        )  # the user's cell
        return eval(
            compile(ast.Expression(last.value), filename, "eval", shell.compile.flags, True),
            shell.user_ns,
        )  # as above


class _display_as:  # noqa: N801  # used like a function
    """Show the runs of this block as asked, whatever the environment says."""

    def __init__(self, view: str | None) -> None:
        self._mode = VIEWS[view] if view is not None else None
        self._former: str | None = None

    def __enter__(self) -> None:
        if self._mode is not None:
            self._former = os.environ.get("CELLGRAPH_DISPLAY")
            os.environ["CELLGRAPH_DISPLAY"] = self._mode

    def __exit__(self, *exc: object) -> None:
        if self._mode is None:
            return
        if self._former is None:
            os.environ.pop("CELLGRAPH_DISPLAY", None)
        else:
            os.environ["CELLGRAPH_DISPLAY"] = self._former
