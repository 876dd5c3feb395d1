"""The Python of an exported run: marks between its cells, and its parameters set. Pure."""

import ast
from collections.abc import Collection, Sequence
from typing import Final

MARK: Final = "# %% [cell "
PARAMETERS: Final = " parameters"
VALUE: Final = "__cellgraph_value_"


def with_values(source: str, names: Collection[str]) -> ast.Module:
    """Parse *source* (of a flow) so that its parameters *names* get the values of the globals
    `VALUE` + name: only what stands to the right of their `=` differs, so that functions are still
    found in the file as they are."""
    tree = ast.parse(source)
    spans = _parameter_lines(source.split("\n"))
    for node in tree.body:
        targets = _targets(node)
        inside = any(first <= node.lineno < end for first, end in spans)
        if inside and len(targets) == 1 and targets[0] in names:
            assert isinstance(node, (ast.Assign, ast.AnnAssign))
            node.value = ast.copy_location(ast.Name(VALUE + targets[0], ast.Load()), node)
    return tree


def _targets(node: ast.stmt) -> list[str]:
    targets: Sequence[ast.expr] = ()
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [t.id for t in targets if isinstance(t, ast.Name)]


def _parameter_lines(lines: Sequence[str]) -> list[tuple[int, int]]:
    """First line and the line after the last of each parameters cell, from 1."""
    marks = [n for n, line in enumerate(lines, 1) if line.startswith(MARK)]
    ends = [*marks[1:], len(lines) + 1]
    return [
        (mark, end)
        for mark, end in zip(marks, ends, strict=True)
        if lines[mark - 1].endswith("]" + PARAMETERS)
    ]
