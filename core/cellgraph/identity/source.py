"""The text behind a live function, trusted only when it compiles to the function's own code.

Text comes from `linecache`: notebook cells and consoles put theirs there, files are read. It may be
newer or older than the code in memory (edited and not reloaded), so it is compiled again and
compared with the live code object; lines and file names do not count. No match, no text.
"""

import __future__

import ast
import inspect
import linecache
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Final, NamedTuple, cast

from cellgraph.digest import digest
from cellgraph.identity.bytecode import nested, same_code
from cellgraph.identity.normalise import FunctionNode, encode_function

_FUTURES: Final[int] = sum(
    {getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
)
_MAX_TEXTS: Final = 256
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
_IPYTHON_CELL: Final = re.compile(r"<ipython-input-(\d+)-")

Position = tuple[int, int, int, int]  # line, column, end line, end column


class Source(NamedTuple):
    """Trusted source of one function: its digest without docstrings and with them, and its text."""

    digest: bytes
    documented: bytes
    text: str  # from its `def`, as written, unindented; a lambda from that word on
    line: int  # of its `def`, in the file or cell
    place: str  # for people: a file's name without folders, or "cell"


def find_source(code: CodeType, namespace: Mapping[str, Any]) -> Source | None:
    """Return the source that compiles to *code*, or None if there is no such text.

    *namespace* is the globals of the function: it leads to texts that loaders provide.
    """
    filename = code.co_filename
    lines = linecache.getlines(filename, cast("dict[str, Any]", namespace))
    found = _find(code, filename, lines)
    if found is None and os.path.isfile(filename):  # noqa: PTH113  # a plain string is at hand
        linecache.checkcache(filename)
        fresh = linecache.getlines(filename, cast("dict[str, Any]", namespace))
        if fresh is not lines:
            found = _find(code, filename, fresh)
    return found


def function_digests(node: FunctionNode) -> tuple[bytes, bytes]:
    """What a function says, without its docstrings and with them: two digests."""
    plain, documented = encode_function(node)
    if sys.flags.optimize and (b"(Assert" in plain or b"__debug__" in plain):
        plain, documented = plain + b"-O", documented + b"-O"  # another one without assertions
    said = digest(plain)
    return said, said if documented is plain else digest(documented)


def text_version(filename: str) -> object:
    """A token that changes when the text of *filename* may have changed."""
    try:
        status = os.stat(filename)  # noqa: PTH116  # on the path of every look at code without source
    except OSError:
        return id(linecache.cache.get(filename))
    return status.st_mtime_ns, status.st_size


def place_of(filename: str) -> str:
    """What to call a file or cell: no folders, nothing that differs between machines."""
    cell = _IPYTHON_CELL.match(filename)
    if cell:
        return f"cell {cell[1]}"
    if "ipykernel" in filename or filename.startswith("<"):
        return "cell"
    return os.path.basename(filename)  # noqa: PTH119  # a plain string is at hand


class _Text:
    """One file or cell, parsed and compiled once. Syntax trees are large: they go as they are used.

    Not to be used by two threads at once, but for reading: a second one may find work done twice.
    """

    def __init__(self, filename: str, lines: Sequence[str], flags: int) -> None:
        self.lines = lines
        self.filename = filename
        self._flags = flags
        self._place = place_of(filename)
        tree, compiled = _compile("".join(lines), filename, flags)
        self.codes: dict[str, list[CodeType]] = {}
        for code in nested(compiled):
            self.codes.setdefault(code.co_name, []).append(code)
        self._definitions: dict[tuple[str, int], list[FunctionNode] | Source | None] = {}
        for node in _definitions(tree):
            decorators = node.decorator_list
            first = decorators[0].lineno if decorators else node.lineno
            found = self._definitions.setdefault((node.name, first), [])
            cast("list[FunctionNode]", found).append(node)
        self._lambdas: dict[int, list[ast.Lambda]] | None = None
        if len(lines) <= _SHORT:
            for key in self._definitions:
                self._defined(key)

    def source(self, code: CodeType) -> Source | None:
        """The source of *code*, which is one of `codes`."""
        line = code.co_firstlineno
        if code.co_name == "<lambda>":
            on_line = self._lambdas_of(line)
            node = on_line[0] if len(on_line) == 1 else _enclosing(on_line, code)
            return None if node is None else _source(node, self.lines, self._place)
        return self._defined((code.co_name, line))

    def _defined(self, key: tuple[str, int]) -> Source | None:
        """What is defined under a name on a line, if it is one thing."""
        found = self._definitions.get(key)
        if isinstance(found, list):
            made = _source(found[0], self.lines, self._place) if len(found) == 1 else None
            found = self._definitions[key] = made
        return found

    def _lambdas_of(self, line: int) -> list[ast.Lambda]:
        """The lambdas that begin on *line*. Looked for on first use: they may be anywhere."""
        if self._lambdas is None:
            found: dict[int, list[ast.Lambda]] = {}
            tree, _ = _compile("".join(self.lines), self.filename, self._flags)
            for node in ast.walk(tree):
                if isinstance(node, ast.Lambda):
                    found.setdefault(node.lineno, []).append(node)
            self._lambdas = found
        return self._lambdas.get(line, [])


_texts: Final[dict[tuple[str, int], _Text]] = {}


def _find(code: CodeType, filename: str, lines: Sequence[str]) -> Source | None:
    if not lines:
        return None
    try:
        text = _text(filename, lines, code.co_flags & _FUTURES)
    except (SyntaxError, ValueError, RecursionError, SystemError):
        return None
    line = code.co_firstlineno
    candidates = text.codes.get(code.co_name, [])
    if len(candidates) > 1:
        candidates = sorted(candidates, key=lambda c: abs(c.co_firstlineno - line))
    for candidate in candidates:
        if same_code(code, candidate):
            found = text.source(candidate)
            if found is not None:
                return found
    return None


def _text(filename: str, lines: Sequence[str], flags: int) -> _Text:
    known = _texts.get((filename, flags))
    if known is not None and known.lines is lines:
        return known
    made = _Text(filename, lines, flags)
    while len(_texts) >= _MAX_TEXTS:
        _texts.pop(next(iter(_texts)), None)
    _texts[filename, flags] = made
    return made


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


def _definitions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
        if node.__class__ in _COMPOUND:
            for name in _STATEMENT_LISTS:
                todo.extend(getattr(node, name, ()))


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


def _source(node: FunctionNode, lines: Sequence[str], place: str) -> Source:
    own = lines[node.lineno - 1 : node.end_lineno]
    if isinstance(node, ast.Lambda):  # columns count bytes
        own = list(own)
        own[-1] = own[-1].encode()[: node.end_col_offset].decode()
        own[0] = own[0].encode()[node.col_offset :].decode()
    text = "".join(own)
    if text[:1].isspace():  # `dedent` is slow, and text that begins at the margin stays as it is
        text = textwrap.dedent(text)
    return Source(*function_digests(node), text.rstrip() + "\n", node.lineno, place)
