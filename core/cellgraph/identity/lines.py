"""Which line of a function changed, as its author counts: 1 is the ``def``."""

import ast
import copy
import difflib
from typing import Any, Final, NamedTuple

from cellgraph.identity.looks import is_a, items_of
from cellgraph.identity.normalise import encode

_LISTS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


class _Statement(NamedTuple):
    said: tuple[int, bytes]  # depth, and what it says without the statements inside it
    line: int
    end: int


def changed_line(old: str, new: str) -> int:
    """Return the first line of *new* whose meaning differs from *old*; 0 if none is found.

    Comments, docstrings and formatting are passed over, as they are by the digest.
    """
    try:
        before, after = _statements(old), _statements(new)
    except (SyntaxError, ValueError):
        return _first_difference(old.splitlines(), new.splitlines())
    matcher = difflib.SequenceMatcher(
        None, [s.said for s in before], [s.said for s in after], autojunk=False
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        if j1 == j2:  # something is gone: point at what follows it, or at the end
            return after[j1].line if j1 < len(after) else len(new.splitlines())
        then = old.splitlines()[before[i1].line - 1 : before[i2 - 1].end] if i1 < i2 else []
        return _line_within(after[j1], {line.strip() for line in then}, new.splitlines())
    return 1 if before or after else 0


def _statements(text: str) -> list[_Statement]:
    function = ast.parse(text).body[0]
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise ValueError("a lambda has no statements")  # noqa: TRY004  # says that lines decide
    found: list[_Statement] = []
    todo: list[tuple[int, Any]] = [(0, s) for s in reversed(function.body)]
    while todo:
        depth, node = todo.pop()
        inner = [item for name in _LISTS for item in _list(node, name)]
        said = encode(_header(node) if inner else node)
        if said:  # docstrings say nothing
            line = _line(node)
            end = max(line, _line(inner[0]) - 1) if inner else node.end_lineno
            found.append(_Statement((depth, said), line, end))
        todo.extend((depth + 1, item) for item in reversed(inner))
    return found


def _line(node: Any) -> int:
    return int(node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno)


def _list(node: Any, name: str) -> list[Any]:
    value: object = getattr(node, name, None)
    return list(items_of(value)) if is_a(value, list) else []


def _header(node: ast.AST) -> ast.AST:
    bare = copy.copy(node)
    for name in _LISTS:
        if _list(node, name):
            setattr(bare, name, [])
    return bare


def _line_within(statement: _Statement, then: set[str], lines: list[str]) -> int:
    """The first line of a statement that the old text does not have."""
    for line in range(statement.line, statement.end + 1):
        if lines[line - 1].strip() not in then:
            return line
    return statement.line


def _first_difference(old: list[str], new: list[str]) -> int:
    for at, (a, b) in enumerate(zip(old, new, strict=False), start=1):
        if a != b:
            return at
    return min(len(old), len(new)) + 1 if len(old) != len(new) else 0
