"""A whole cell as one cached step: its text becomes a function of what it reads.

The text keeps its lines: the function's header stands on the line of the magic, and only the lines
on which a statement begins move to the right. So identity finds the source, and an error in the
step says the line of the cell.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from cellgraph.errors import ConfigError
from cellgraph.expression import Expression
from cellgraph.suggest import closest
from cellgraph_notebook.cells import (
    Cell,
    CellSyntaxError,
    ends_quietly,
    last_line,
    parse,
    register,
)
from cellgraph_notebook.displays import run_step
from cellgraph_notebook.names import Names, names_of

# What the last line of the cell gives, if it is an expression: shown with the result.
_SHOWN: Final = "_cellgraph_shown"
_IPYTHON_SPELLS: Final = frozenset(
    {"run_line_magic", "run_cell_magic", "system", "getoutput", "set_next_input", "run_cell"}
)


class Step(NamedTuple):
    """A cell as a function. `call` takes the inputs by position and returns the outputs and, last,
    what the cell displayed."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    call: partial[Any]


def as_step(shell: Any, cell: Cell, outputs: tuple[str, ...]) -> Step:
    """Turn a cell into a function of the data it reads that returns the names in *outputs*.

    Data is anything but modules, functions, classes and tasks; those are reached as globals, and
    count as code. Raises ConfigError for what cannot be one step, CellSyntaxError.
    """
    namespace: dict[str, Any] = shell.user_ns
    _refuse_magics(cell.tree)
    _compile_as_cell(cell)
    names = names_of(cell.tree.body, wanted=outputs)
    inputs = _inputs(names, namespace)
    _check(cell, names, inputs, outputs, namespace)
    name = "cell_" + "_".join(outputs)
    text = _as_function(cell, f"def {name}({', '.join(inputs)}):", outputs)
    filename = register(shell, "task", text)
    code = _function_code(shell, text, filename, name)
    return Step(name, inputs, outputs, partial(run_step, FunctionType(code, namespace)))


def _refuse_magics(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _IPYTHON_SPELLS:
            inner = node.value
            called = inner.func if isinstance(inner, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "get_ipython":
                raise ConfigError(
                    f"line {node.lineno}: magics and shell commands cannot be part of a cached "
                    "step, because what they do is not seen: give them a cell of their own"
                )
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            raise ConfigError(
                f"line {node.lineno}: `from {node.module} import *` cannot be part of a cached "
                "step: import the names it uses, or import it in another cell"
            )


def _compile_as_cell(cell: Cell) -> None:
    """Refuse what only becomes legal inside a function (`return`, `yield`)."""
    try:
        compile(cell.tree, cell.filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
    except SyntaxError as error:
        raise CellSyntaxError(error) from None


def _inputs(names: Names, namespace: Mapping[str, Any]) -> tuple[str, ...]:
    found = [n for n in names.read if n in namespace and is_data(namespace[n])]
    return tuple(sorted(found))


def _check(
    cell: Cell,
    names: Names,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    namespace: Mapping[str, Any],
) -> None:
    for name in outputs:
        if name not in names.assigned and name not in inputs:
            raise ConfigError(
                f"--returns {name}: the cell assigns no such name{closest(name, names.assigned)}"
            )
    if names.declared_global:
        name = min(names.declared_global)
        raise ConfigError(
            f"`global {name}`: a cached step leaves nothing but what it returns: "
            f"assign {name} in the cell and add it to --returns"
        )
    for name in sorted(names.read & names.assigned - set(inputs)):
        if name in namespace:
            raise ConfigError(
                f"the cell uses {name} ({_kind(namespace[name])}) and then assigns the same name: "
                "give the new value another name"
            )


def is_data(value: object) -> bool:
    """Whether a value is an input of a step: not a module, a class, or anything like a function."""
    if isinstance(value, Expression):
        return True
    if isinstance(value, (type, type(sys), partial)):
        return False
    return not (callable(value) and hasattr(value, "__name__"))


def _kind(value: object) -> str:
    return "a module" if isinstance(value, type(sys)) else f"a {type(value).__name__}"


def _as_function(cell: Cell, header: str, outputs: tuple[str, ...]) -> str:
    """The text of the function: line by line that of the cell."""
    lines = cell.text.splitlines()
    last = last_line(cell)
    shown = last is not None and not ends_quietly(cell.text)
    if last is not None and shown:
        line = lines[last.lineno - 1]
        at = len(line.encode()[: last.col_offset].decode())  # columns count bytes
        lines[last.lineno - 1] = f"{line[:at]}{_SHOWN} = {line[at:]}"
    starts = _statement_starts("\n".join(lines) + "\n")
    body = [f" {line}" if number in starts else line for number, line in enumerate(lines, 1)]
    values = "".join(f"{name}, " for name in outputs)
    body[0] = f"async {header}" if _awaits(cell) else header
    return "\n".join([*body, f" return ({values}), {_SHOWN if shown else None}"]) + "\n"


def _statement_starts(text: str) -> set[int]:
    """The numbers of the lines on which a logical line begins; strings and continued lines must
    stay as they are."""
    starts = set[int]()
    fresh = True
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            fresh = True
        elif fresh and token.type not in (*skipped, tokenize.ENDMARKER):
            starts.add(token.start[0])
            fresh = False
    return starts


def _awaits(cell: Cell) -> bool:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(cell.tree, cell.filename, "exec", flags, True)
    return bool(code.co_flags & 0x80)  # inspect.CO_COROUTINE


def _function_code(shell: Any, text: str, filename: str, name: str) -> CodeType:
    tree = parse(shell, text, filename)
    try:
        flags: int = shell.compile.flags
        module = compile(tree, filename, "exec", flags, True)
    except SyntaxError as error:
        raise CellSyntaxError(error) from None
    return next(c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == name)
