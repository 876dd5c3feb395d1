"""A short, safe text for an expression of any depth and size: ``report(fit(...) x60)``."""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from collections.abc import Iterable
from typing import Any, Final

from cellgraph.credentials import looks_like
from cellgraph.expression import EXPRESSIONS, Apply, Call
from cellgraph.secret import hidden
from cellgraph.structure import leaves

_DEPTH: Final = 2
_WIDTH: Final = 4
_LENGTH: Final = 60
_SHORTEST_CREDENTIAL: Final = 19
_SYMBOLS: Final = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@", "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


def label(value: object, depth: int = _DEPTH) -> str:
    """Return a one-line text of at most about a hundred characters; never touches values deeply."""
    if isinstance(value, Call):
        if depth == 0:
            return f"{value._task.name}(…)"
        scripted = getattr(value._task.func, "_cellgraph_by_value_", False)
        given = () if scripted else value._args  # of a script the inputs are told, by name
        inside = [_argument(a, depth) for a in given[:_WIDTH]]
        inside += [f"{k}={_argument(v, depth)}" for k, v in list(value._kwargs.items())[:_WIDTH]]
        if len(given) + len(value._kwargs) > len(inside):
            inside.append("…")
        return _clip(f"{value._task.name}({', '.join(inside)})")
    if isinstance(value, Apply):
        return _clip(_applied(value, depth))
    return _argument(value, depth)


def _applied(value: Apply, depth: int) -> str:
    name = value._rule.name
    if depth == 0:
        return f"{name}(…)" if name not in _SYMBOLS else "(…)"
    parts = [_argument(a, depth) for a in value._args[:_WIDTH]]
    if name in _SYMBOLS and len(parts) == 2:
        return f"({parts[0]} {_SYMBOLS[name]} {parts[1]})"
    if name == "getitem" and len(parts) == 2:
        return f"{parts[0]}[{parts[1]}]"
    if name == "getattr" and len(parts) == 2:
        return f"{parts[0]}.{value._args[1]}"
    return f"{name}({', '.join(parts)})"


def _argument(value: object, depth: int) -> str:
    if isinstance(value, (Call, Apply)):
        return label(value, depth - 1)
    known = value  # its type is narrowed, that of the value stays object
    if isinstance(known, (list, tuple, set, frozenset, dict)) and known:
        return _container(value, depth)
    if isinstance(value, (int, float, bool, str, bytes, type(None))):
        if isinstance(value, str):
            value = hidden(value)
            if len(value) > _SHORTEST_CREDENTIAL and looks_like(value):
                return "'…'"
        text = repr(value if not isinstance(value, (str, bytes)) else value[:30])
        return text if len(text) <= 32 else f"{text[:31]}…"
    name = getattr(value, "name", None)
    if getattr(type(value), "_cellgraph_task_", False) and isinstance(name, str):
        return name
    return type(value).__name__


def _container(value: Any, depth: int) -> str:
    known: object = value
    members: Iterable[object] = value.values() if isinstance(known, dict) else value
    sample = list(members)[:1000]
    lazy = [v for v in sample if type(v) in EXPRESSIONS]
    names = {v._task.name for v in lazy if isinstance(v, Call)}
    if len(names) == 1 and len(lazy) == len(sample):
        more = len(value) if len(value) > 1 else 0
        return f"{names.pop()}(…)" + (f" ×{more:,}" if more else "")
    if next(leaves(sample, EXPRESSIONS), None) is not None and depth > 0 and len(sample) <= _WIDTH:
        return ", ".join(_argument(v, depth - 1) for v in sample)
    return f"{type(value).__name__} of {len(value):,}"


def _clip(text: str) -> str:
    return text if len(text) <= 2 * _LENGTH else f"{text[: 2 * _LENGTH - 1]}…"
