"""One source text, parsed and compiled: its code objects, and what each of its functions says."""

import ast
import inspect
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Final, cast

from cellgraph.digest import digest
from cellgraph.identity.bytecode import nested, same_code
from cellgraph.identity.normalise import FunctionNode, encode_function
from cellgraph.identity.remembered import Named, Span

# Lines of a text that is named as a whole, because what is in a cell is used together, and doing
# one thing at a time is quicker. Of a long file only what is asked for is named.
_SHORT: Final = 400
_COMPOUND: Final = frozenset(
    {
        ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.While,
        ast.AsyncFor, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.ExceptHandler, ast.Match,
        ast.match_case,
    }
)  # fmt: skip
_STATEMENT_LISTS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


def function_digests(node: FunctionNode) -> tuple[bytes, bytes]:
    """What a function says, without its docstrings and with them: two digests."""
    plain, documented = encode_function(node)
    if sys.flags.optimize and (b"(Assert" in plain or b"__debug__" in plain):
        plain, documented = plain + b"-O", documented + b"-O"  # another one without assertions
    said = digest(plain)
    return said, said if documented is plain else digest(documented)


class CompiledText:
    """One file or cell. Syntax trees are large: they go as they are used.

    Not to be used by two threads at once, but for reading: a second one may find work done twice.
    Raises what `compile` does for a text that is none.
    """

    def __init__(self, text: str, filename: str, flags: int) -> None:
        self._text = text
        self._filename = filename
        self._flags = flags
        tree, compiled = _compile(text, filename, flags)
        self._codes: dict[str, list[CodeType]] = {}
        for code in nested(compiled):
            self._codes.setdefault(code.co_name, []).append(code)
        self._definitions: dict[tuple[str, int], list[FunctionNode] | Named | None] = {}
        for node in _definitions(tree):
            decorators = node.decorator_list
            first = decorators[0].lineno if decorators else node.lineno
            found = self._definitions.setdefault((node.name, first), [])
            cast("list[FunctionNode]", found).append(node)
        self._lambdas: dict[int, list[ast.Lambda]] | None = None
        if text.count("\n") <= _SHORT:
            for key in self._definitions:
                self._defined(key)

    def find(self, code: CodeType) -> tuple[CodeType, Named] | None:
        """The code object of this text that does the same as *code*, and what it says."""
        line = code.co_firstlineno
        candidates = self._codes.get(code.co_name, [])
        if len(candidates) > 1:
            candidates = sorted(candidates, key=lambda c: abs(c.co_firstlineno - line))
        for candidate in candidates:
            if same_code(code, candidate):
                found = self._named(candidate)
                if found is not None:
                    return candidate, found
        return None

    def _named(self, code: CodeType) -> Named | None:
        """What *code*, which is one of this text, says."""
        line = code.co_firstlineno
        if code.co_name == "<lambda>":
            on_line = self._lambdas_of(line)
            node = on_line[0] if len(on_line) == 1 else _enclosing(on_line, code)
            return None if node is None else _name(node)
        return self._defined((code.co_name, line))

    def _defined(self, key: tuple[str, int]) -> Named | None:
        """What is defined under a name on a line, if it is one thing."""
        found = self._definitions.get(key)
        if isinstance(found, list):
            made = _name(found[0]) if len(found) == 1 else None
            found = self._definitions[key] = made
        return found

    def _lambdas_of(self, line: int) -> list[ast.Lambda]:
        """The lambdas that begin on *line*. Looked for on first use: they may be anywhere."""
        if self._lambdas is None:
            found: dict[int, list[ast.Lambda]] = {}
            tree, _ = _compile(self._text, self._filename, self._flags)
            for node in ast.walk(tree):
                if isinstance(node, ast.Lambda):
                    found.setdefault(node.lineno, []).append(node)
            self._lambdas = found
        return self._lambdas.get(line, [])


def _compile(text: str, filename: str, flags: int) -> tuple[ast.Module, CodeType]:
    def parse(more: int) -> tuple[ast.Module, CodeType]:
        # ast.parse cannot be told about the futures that a console keeps from cell to cell
        said = flags | more
        only = ast.PyCF_ONLY_AST
        tree = cast("ast.Module", compile(text, filename, "exec", said | only, dont_inherit=True))
        return tree, compile(tree, filename, "exec", said, dont_inherit=True)

    try:
        return parse(0)
    except SyntaxError:
        return parse(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # a cell may await
    except SystemError:  # a deep stack elsewhere can upset the parser's own count of its depth
        return parse(0)


def _definitions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(node)
        for name in _STATEMENT_LISTS:
            held: list[ast.AST] = getattr(node, name, [])
            todo += [part for part in held if part.__class__ in _COMPOUND]
    return found


def _enclosing(lambdas: Sequence[ast.Lambda], code: CodeType) -> ast.Lambda | None:
    """The lambda whose body holds the positions of *code*: the smallest that does."""
    spans = [
        (start, column, end, end_column)
        for start, end, column, end_column in code.co_positions()
        if start and end and column is not None and end_column  # (0, 0) marks bookkeeping
    ]
    if not spans:
        return _constant(lambdas, code)
    first = min((line, column) for line, column, _, _ in spans)
    last = max((line, column) for _, _, line, column in spans)
    holding = [
        node
        for node in lambdas
        if (node.body.lineno, node.body.col_offset) <= first
        and last <= (node.body.end_lineno or 0, node.body.end_col_offset or 0)
    ]
    return min(holding, key=_extent, default=None)


def _constant(lambdas: Sequence[ast.Lambda], code: CodeType) -> ast.Lambda | None:
    """The lambda of a constant that *code* is: Python 3.12 keeps no positions for those."""
    code = code.replace(co_flags=code.co_flags & ~inspect.CO_NESTED)
    for node in lambdas:
        if isinstance(node.body, ast.Constant):
            alone = compile(ast.Expression(node), "", "eval", dont_inherit=True)
            # equal code of equal parameters and constant: whichever it is, it says the same
            if any(same_code(code, inner) for inner in nested(alone) if inner is not alone):
                return node
    return None


def _extent(node: ast.Lambda) -> tuple[int, int]:
    lines = (node.body.end_lineno or 0) - node.body.lineno
    return lines, (node.body.end_col_offset or 0) - node.body.col_offset


def _name(node: FunctionNode) -> Named:
    end = node.end_lineno or node.lineno
    if isinstance(node, ast.Lambda):
        span = Span(node.lineno, end, node.col_offset, node.end_col_offset or 0)
    else:
        span = Span(node.lineno, end, -1, -1)
    return Named(*function_digests(node), span)
