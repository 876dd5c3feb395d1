"""The needed cells as one Python file that a stranger can read and run. Pure."""

import ast

from cellgraph.exported.flow import MARK, PARAMETERS
from cellgraph_notebook.cells import task_names
from cellgraph_notebook.export.reading import Code, Params, Tasks
from cellgraph_notebook.export.slicing import Slice


def write_flow(found: Slice, title: str) -> str:
    """Return the text of ``flow.py``: the same functions, so the same results are found again."""
    parts = [_head(found, title)]
    parts += [_cell(cell) for cell in found.cells]
    parts.append(_tail(found.target))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(found: Slice, title: str) -> str:
    futures = sorted({f for c in found.cells for f in _futures(c.piece.tree)})
    lines = [f'"""{title}: made from a notebook by `cellgraph export`; edit that, not this."""', ""]
    if futures:
        lines += [f"from __future__ import {', '.join(futures)}", ""]
    return "\n".join([*lines, "import cellgraph as cg"])


def _tail(target: str) -> str:
    run = 'if __name__ == "__main__":\n    print(cg.evaluate(target))'
    return f"{MARK}target]\ntarget = {target}\n\n{run}"


def _cell(cell: Code | Tasks | Params) -> str:
    note = PARAMETERS if isinstance(cell, Params) else ""
    text = _decorated(cell) if isinstance(cell, Tasks) else _without_futures(cell.piece.text)
    return f"{MARK}{cell.piece.cell}]{note}\n{text.strip(chr(10))}"


def _decorated(cell: Tasks) -> str:
    """The cell with ``@cg.task(...)`` over each function that is a task."""
    names = task_names(cell.piece.tree, cell.tasks)
    said = ", ".join(f"{name}={value}" for name, value in cell.options.items())
    decorator = f"@cg.task({said})" if said else "@cg.task"
    lines = _without_futures(cell.piece.text).split("\n")
    functions = [
        node
        for node in cell.piece.tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names
    ]
    for node in sorted(functions, key=lambda n: -n.lineno):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        lines.insert(first - 1, decorator)
    return "\n".join(lines)


def _futures(tree: ast.Module) -> list[str]:
    nodes = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    return [alias.name for node in nodes for alias in node.names]


def _without_futures(text: str) -> str:
    """They must stand first in a file; empty lines keep the numbers of the others."""
    lines = text.split("\n")
    return "\n".join("" if line.startswith("from __future__ import") else line for line in lines)
