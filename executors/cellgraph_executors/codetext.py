"""Code objects by the text they come from: found in it here, compiled from it elsewhere.

A code object is named by its text, its name, its first line and its place among those that share
both. What travels of a text are the statements at its top level that hold such code, and those that
import a name it uses: Python compiles a call of an imported name's attribute in another way. The
other lines are sent empty, so that line numbers stay what they are.
"""

import __future__

import ast
import linecache
import os
import sys
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any, Final, NamedTuple, cast

from cellgraph.errors import ExecutorError
from cellgraph.identity.bytecode import nested, same_code

# The flag of nested scopes, long the rule, says something else in a code object.
_FUTURES: Final[int] = sum(
    {getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
    - {__future__.nested_scopes.compiler_flag}
)


_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class CodeAt(NamedTuple):
    """Where a code object is found in one of the texts that travel."""

    text: int
    name: str
    line: int
    ordinal: int  # among those of this name on this line


class CodeOf(NamedTuple):
    """Code that an installed module makes at run time, such as a decorator's wrapper."""

    module: str
    qualname: str


class Text(NamedTuple):
    """One file or cell, as far as it travels."""

    file: str
    flags: int  # futures that hold in it
    text: str


class _Original:
    """A text as it is here."""

    def __init__(self, number: int, file: str, lines: Sequence[str], flags: int) -> None:
        self.number = number
        self.file = file
        self.flags = flags
        self.lines = lines
        text = "".join(lines)
        body = _parsed(text, file, flags).body
        self.statements = [_extent(node) for node in body]
        self._importing = [(i, names) for i, node in enumerate(body) if (names := _imported(node))]
        self.codes = _by_place(_compiled(text, file, flags))
        self.kept: set[int] = set()  # statements that travel

    def find(self, code: CodeType) -> CodeAt | None:
        line = code.co_firstlineno
        for at, candidate in enumerate(self.codes.get((code.co_name, line), ())):
            if same_code(code, candidate):
                self.kept.update(
                    i for i, (first, last) in enumerate(self.statements) if first <= line <= last
                )
                used = {name for each in (code, *nested(code)) for name in each.co_names}
                self.kept.update(i for i, names in self._importing if names & used)
                return CodeAt(self.number, code.co_name, line, at)
        return None

    def text(self) -> str:
        kept = [self.statements[i] for i in sorted(self.kept)]
        lines = [
            line if any(first <= at <= last for first, last in kept) else "\n"
            for at, line in enumerate(self.lines, 1)
        ]
        return "".join(lines).rstrip("\n") + "\n"


class Texts:
    """The texts that the code of one task needs. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], _Original | None] = {}

    def find(self, code: CodeType, namespace: Mapping[str, Any]) -> CodeAt | None:
        """Where *code* is found; None when no text can be trusted to be its source."""
        flags = code.co_flags & _FUTURES
        key = code.co_filename, flags
        if key not in self._known:
            linecache.checkcache(code.co_filename)
            lines = linecache.getlines(code.co_filename, cast("dict[str, Any]", namespace))
            try:
                made = _Original(len(self._known), code.co_filename, lines, flags)
            except (SyntaxError, ValueError, RecursionError):
                made = None
            self._known[key] = made if lines else None
        original = self._known[key]
        return None if original is None else original.find(code)

    def kept(self) -> list[Text]:
        """What travels; a text that is not needed after all is empty."""
        return [
            Text(file, flags, "" if original is None else original.text())
            for (file, flags), original in self._known.items()
        ]


class Compiled:
    """Texts that arrived. Compiling runs nothing."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self._texts = texts
        self._codes: dict[int, dict[tuple[str, int], list[CodeType]]] = {}

    def install(self) -> None:
        """Let tracebacks and `inspect` show the lines. A file that exists here is left alone."""
        for file, _, text in self._texts:
            if text.strip() and not os.path.exists(file):  # noqa: PTH110 - a text
                # without a modification time linecache never looks for the file
                lines = text.splitlines(keepends=True)
                linecache.cache[file] = (len(text), None, lines, file)

    def code(self, at: CodeAt) -> CodeType:
        """The code object that is named. Raises ExecutorError."""
        if at.text not in self._codes:
            file, flags, text = self._texts[at.text]
            try:
                self._codes[at.text] = _by_place(_compiled(text, file, flags))
            except SyntaxError as error:
                raise ExecutorError(
                    f"Python {sys.version_info[0]}.{sys.version_info[1]} on this worker cannot "
                    f"compile {file}: {error}"
                ) from error
        found = self._codes[at.text].get((at.name, at.line), [])
        if at.ordinal >= len(found):
            raise ExecutorError(f"{at.name}() is not on line {at.line} of the text that was sent")
        return found[at.ordinal]


def code_of(place: CodeOf) -> CodeType | None:
    """The code of that qualified name in an installed module's source, if there is exactly one."""
    module = sys.modules.get(place.module)
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    lines = linecache.getlines(file)
    try:
        codes = list(nested(_compiled("".join(lines), file, 0)))
    except (SyntaxError, ValueError):
        return None
    found = [code for code in codes if code.co_qualname == place.qualname]
    return found[0] if len(found) == 1 else None


def _parsed(text: str, file: str, flags: int) -> ast.Module:
    # a cell may await
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    return cast("ast.Module", compile(text, file, "exec", flags, dont_inherit=True))


def _compiled(text: str, file: str, flags: int) -> CodeType:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(text, file, "exec", flags, dont_inherit=True)
    return code


def _by_place(code: CodeType) -> dict[tuple[str, int], list[CodeType]]:
    found: dict[tuple[str, int], list[CodeType]] = {}
    for inner in nested(code):
        found.setdefault((inner.co_name, inner.co_firstlineno), []).append(inner)
    return found


def _imported(statement: ast.stmt) -> set[str]:
    """The names that a statement imports where it stands, not in a function or class of its own."""
    names: set[str] = set()
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            todo += ast.iter_child_nodes(node)
    return names


def _extent(node: ast.stmt) -> tuple[int, int]:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    return first, node.end_lineno or node.lineno
