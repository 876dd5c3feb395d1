"""The parameters cell of a notebook: `name: type = default`, a line each. Pure.

`Literal["a", "b"]` gives choices. A name without annotation has the type of its default.
"""

import ast
from typing import Any

from cellgraph.errors import ExportError
from cellgraph.exported.params import Parameter


def parameters_in(tree: ast.Module, where: str) -> tuple[Parameter, ...]:
    """The parameters that a cell sets. Raises ExportError, with *where* ("cell 2"), for a line that
    is neither one nor an import."""
    found: list[Parameter] = []
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.value is None:
                at = f"{where} line {node.lineno}"
                raise ExportError(f"{at}: parameter {node.target.id} has no default")
            kind, choices = _annotation(node.annotation)
            found.append(_parameter(node.target.id, kind, node.value, choices, node.lineno))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            kind = _kind_of(node.value)
            found.append(_parameter(node.targets[0].id, kind, node.value, (), node.lineno))
        elif not isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_text(node):
            raise ExportError(
                f"{where} line {node.lineno}: a parameters cell holds `name: type = "
                "default` and imports, nothing else: move this to another cell"
            )
    for parameter in found:
        _check_default(where, parameter)
    return tuple(found)


def _parameter(
    name: str, kind: str, value: ast.expr, choices: tuple[Any, ...], line: int
) -> Parameter:
    return Parameter(name, kind, ast.unparse(value), choices, line)


def _annotation(node: ast.expr) -> tuple[str, tuple[Any, ...]]:
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).split(".")[-1] == "Literal":
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        choices = tuple(ast.literal_eval(part) for part in inner)
        return type(choices[0]).__name__, choices
    base = node.value if isinstance(node, ast.Subscript) else node
    return ast.unparse(base).split(".")[-1], ()


def _kind_of(value: ast.expr) -> str:
    try:
        return type(ast.literal_eval(value)).__name__
    except ValueError:
        return ""  # an expression: any type


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _check_default(where: str, parameter: Parameter) -> None:
    try:
        value = ast.literal_eval(parameter.default)
    except ValueError:
        return  # what an expression gives is not known before it runs
    try:
        parameter.read(value)
    except ExportError as error:
        raise ExportError(f"{where} line {parameter.line}: {error}") from None
