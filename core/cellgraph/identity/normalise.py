"""A syntax tree as canonical bytes: what a piece of code says, however it is written down.

Docstrings, comments, positions and formatting do not count, and the bytes are the same on every
Python from 3.11 on: contexts, string prefixes and type comments are dropped, empty and missing
fields are left out, neighbouring constants of an f-string are joined, constants are written by type
and value. Everything else counts; nothing is renamed.

Only the standard library is imported here, so that any interpreter can check the promise.
"""

import ast
import struct
from collections.abc import Sequence
from typing import Any, Final

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SKIPPED_FIELDS: Final = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
_CLOSE: Final = b")"
_steps: Final[dict[type, tuple[bytes, tuple[tuple[str, bytes], ...]]]] = {}


def encode(node: ast.AST, *, docstrings: bool = False) -> bytes:
    """Return the canonical bytes of *node* and everything below it."""
    return _encode([node], docstrings=docstrings)


def encode_function(node: FunctionNode, *, docstrings: bool = False) -> bytes:
    """Return the canonical bytes of a function as its code object knows it.

    Decorators, default values and annotations of the function itself are left out: they are read
    from the live function, because no code object can vouch for their text.
    """
    todo: list[Any] = [_CLOSE, node.body, b".body="]
    if not isinstance(node, ast.Lambda):
        params = getattr(node, "type_params", None)  # from Python 3.12 on
        todo += [params, b".type_params="] if params else []
        todo.append(node.name)
    todo += [_parameters(node.args), b"(" + type(node).__name__.encode()]
    return _encode(todo, docstrings=docstrings)


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
    if isinstance(value, tuple):
        return b"T(" + b",".join([encode_constant(item) for item in value]) + _CLOSE
    if isinstance(value, frozenset):
        return b"Z(" + b",".join(sorted([encode_constant(item) for item in value])) + _CLOSE
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


def _encode(todo: list[Any], *, docstrings: bool) -> bytes:
    """Encode what *todo* holds, last item first: bytes as they are, nodes, lists and plain fields.

    An explicit stack, because the source may nest deeper than Python recurses.
    """
    out: list[bytes] = []
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind is bytes:
            out.append(item)
        elif kind is str:
            out.append(_text(item))
        elif kind is list:
            out.append(b"[")
            todo.append(b"]")
            todo.extend(reversed(item))
        elif kind is ast.Constant:
            out.append(encode_constant(item.value))
        elif kind is ast.Expr and not docstrings and _is_text(item.value):
            continue  # a docstring, or a text that stands for a comment
        elif kind is ast.JoinedStr:
            todo.extend(_f_string(item))
        elif isinstance(item, ast.AST):
            _open(item, kind, todo, out)
        else:
            out.append(encode_constant(item))
    return b"".join(out)


def _open(node: Any, kind: type, todo: list[Any], out: list[bytes]) -> None:
    step = _steps.get(kind)
    if step is None:
        fields = [f for f in node._fields if f not in _SKIPPED_FIELDS]
        step = (
            b"(" + kind.__name__.encode(),
            tuple((f, b"." + f.encode() + b"=") for f in reversed(fields)),
        )
        _steps[kind] = step
    out.append(step[0])
    todo.append(_CLOSE)
    for field, tag in step[1]:
        value = getattr(node, field, None)
        if value is None or value == [] or (field == "format_spec" and _is_empty(value)):
            continue
        todo.append(value)
        todo.append(tag)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_empty(node: Any) -> bool:
    """``f"{x:}"``: interpreters differ in whether they note the empty format."""
    return isinstance(node, ast.JoinedStr) and not any(
        not isinstance(v, ast.Constant) or v.value for v in node.values
    )


def _f_string(node: ast.JoinedStr) -> list[Any]:
    """What stands for an f-string on the stack: texts joined, expressions between them."""
    parts: list[Any] = [b"(JoinedStr["]
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        parts += [_text(text), value] if text else [value]
        text = ""
    parts += [_text(text), b"])"] if text else [b"])"]
    return parts[::-1]
