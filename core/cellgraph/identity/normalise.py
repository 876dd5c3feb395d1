"""A syntax tree as canonical bytes: what a piece of code says, however it is written down.

Docstrings, comments, positions and formatting do not count, and the bytes are the same on every
Python from 3.11 on: contexts, string prefixes and type comments are dropped, empty and missing
fields are left out, neighbouring constants of an f-string are joined, constants are written by type
and value. Everything else counts; nothing is renamed.

Only the standard library is imported here, so that any interpreter can check the promise.
"""

import ast
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SKIPPED_FIELDS: Final = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
_CLOSE: Final = b")"
_steps: Final[dict[type, tuple[bytes, tuple[tuple[str, bytes], ...]]]] = {}


def encode(node: ast.AST, *, docstrings: bool = False) -> bytes:
    """Return the canonical bytes of *node* and everything below it."""
    parts: list[Any] = []
    _add(node, parts, docstrings=docstrings)
    return _encode(parts, docstrings=docstrings)


def encode_function(node: FunctionNode, *, docstrings: bool = False) -> bytes:
    """Return the canonical bytes of a function as its code object knows it.

    Decorators, default values and annotations of the function itself are left out: they are read
    from the live function, because no code object can vouch for their text.
    """
    parts: list[Any] = [b"(" + type(node).__name__.encode(), _parameters(node.args)]
    if not isinstance(node, ast.Lambda):
        parts.append(_text(node.name))
        params = getattr(node, "type_params", None)  # from Python 3.12 on
        if params:
            parts.append(b".type_params=")
            _add(params, parts, docstrings=docstrings)
    parts.append(b".body=")
    _add(node.body, parts, docstrings=docstrings)
    parts.append(_CLOSE)
    return _encode(parts, docstrings=docstrings)


def encode_constant(value: object) -> bytes:
    """Return the canonical bytes of a constant, distinct for every type and value."""
    if value is None or value is True or value is False or value is Ellipsis:
        return b"=" + str(value).encode()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return b"B%d:" % len(value) + value
    if isinstance(value, int):
        return b"I%s;" % hex(value).encode()  # str() refuses very long integers
    if isinstance(value, float):
        return b"F" + struct.pack(">d", value)
    if isinstance(value, complex):
        return b"C" + struct.pack(">dd", value.real, value.imag)
    if isinstance(value, (tuple, frozenset)):
        parts = [encode_constant(item) for item in cast("Iterable[object]", value)]
        if isinstance(value, tuple):
            return b"T(" + b",".join(parts) + _CLOSE
        return b"Z(" + b",".join(sorted(parts)) + _CLOSE
    raise TypeError(f"{type(value).__name__} is not a constant of Python source")


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"S%d:" % len(data) + data


def _parameters(args: ast.arguments) -> bytes:
    def names(kind: bytes, group: Sequence[ast.arg]) -> bytes:
        return kind + b"".join([_text(arg.arg) for arg in group])

    return (
        names(b"/", args.posonlyargs)
        + names(b"|", args.args)
        + names(b"*", [args.vararg] if args.vararg else [])
        + names(b"&", args.kwonlyargs)
        + names(b"**", [args.kwarg] if args.kwarg else [])
    )


def _encode(parts: list[Any], *, docstrings: bool) -> bytes:
    """Encode *parts*: bytes as they are, nodes with everything below them.

    An explicit stack, because the source may nest deeper than Python recurses.
    """
    out: list[bytes] = []
    write = out.append
    stack = [iter(parts)]
    while stack:
        for part in stack[-1]:
            if part.__class__ is bytes:
                write(part)
            else:
                inner: list[Any] = []
                _open(part, inner, docstrings=docstrings)
                stack.append(iter(inner))
                break
        else:
            stack.pop()
    return b"".join(out)


def _add(value: Any, parts: list[Any], *, docstrings: bool) -> None:
    """Add the value of a field: at once if it is a leaf, as a node to be opened later if not."""
    kind = value.__class__
    if kind is ast.Name:
        parts.append(b"(Name.id=%b)" % _text(value.id))
    elif kind is ast.Constant:
        parts.append(encode_constant(value.value))
    elif kind is str:
        parts.append(_text(value))
    elif kind is list:
        parts.append(b"[")
        for item in value:
            _add(item, parts, docstrings=docstrings)
        parts.append(b"]")
    elif kind is ast.Expr and not docstrings and _is_text(value.value):
        return  # a docstring, or a text that stands for a comment
    elif isinstance(value, ast.AST):
        parts.append(value if value._fields else b"(" + kind.__name__.encode() + _CLOSE)
    else:
        parts.append(encode_constant(value))


def _open(node: Any, parts: list[Any], *, docstrings: bool) -> None:
    """Add the parts of a node: its name, and its fields with theirs."""
    kind = node.__class__
    if kind is ast.JoinedStr:
        parts += _f_string(node)
        return
    if kind in (ast.Name, ast.Constant):
        _add(node, parts, docstrings=docstrings)
        return
    step = _steps.get(kind)
    if step is None:
        fields = [f for f in node._fields if f not in _SKIPPED_FIELDS]
        step = b"(" + kind.__name__.encode(), tuple((f, b".%b=" % f.encode()) for f in fields)
        _steps[kind] = step
    parts.append(step[0])
    for field, tag in step[1]:
        value = getattr(node, field, None)
        if value is None or value == [] or (field == "format_spec" and _is_empty(value)):
            continue
        parts.append(tag)
        _add(value, parts, docstrings=docstrings)
    parts.append(_CLOSE)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_empty(node: Any) -> bool:
    """``f"{x:}"``: interpreters differ in whether they note the empty format."""
    return isinstance(node, ast.JoinedStr) and not any(
        not isinstance(v, ast.Constant) or v.value for v in node.values
    )


def _f_string(node: ast.JoinedStr) -> list[Any]:
    """The parts of an f-string: texts joined, expressions between them."""
    parts: list[Any] = [b"(JoinedStr["]
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        parts += [_text(text), value] if text else [value]
        text = ""
    parts += [_text(text), b"])"] if text else [b"])"]
    return parts
