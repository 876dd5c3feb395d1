"""A syntax tree as canonical bytes: what a piece of code says, however it is written down.

Docstrings, comments, positions and formatting do not count, and the bytes are the same on every
Python from 3.11 on: contexts, string prefixes and type comments are dropped, empty and missing
fields are left out, neighbouring constants of an f-string are joined, constants are written by type
and value. Everything else counts; nothing is renamed.

Only the standard library is imported here, so that any interpreter can check the promise.
"""

import ast
import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SKIPPED_FIELDS: Final = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
_CLOSE: Final = b")"
_OPEN_LIST: Final = b"["
_CLOSE_LIST: Final = b"]"
_MAX_DEPTH: Final = 100  # of recursion; what lies deeper waits for another round
_steps: Final[dict[type, tuple[bytes, tuple[tuple[str, bytes], ...]]]] = {}


class Said(NamedTuple):
    """The canonical bytes of one function, without its docstrings and with them."""

    plain: bytes
    documented: bytes


class _Docstring(bytes):
    """The bytes of a docstring, or of a text that stands for a comment."""

    __slots__ = ()


_WRITTEN: Final = frozenset({bytes, _Docstring})


def encode(node: ast.AST) -> bytes:
    """Return the canonical bytes of *node* and everything below it; none for a docstring."""
    out: list[Any] = []
    if not _is_docstring(node):
        _write(node, out, _MAX_DEPTH)
    return _said(out).plain


def encode_function(node: FunctionNode) -> Said:
    """Return the canonical bytes of a function as its code object knows it.

    Decorators, default values and annotations of the function itself are left out: they are read
    from the live function, because no code object can vouch for their text.
    """
    out: list[Any] = [b"(" + type(node).__name__.encode(), _parameters(node.args)]
    if not isinstance(node, ast.Lambda):
        out.append(_text(node.name))
        params = getattr(node, "type_params", None)  # from Python 3.12 on
        if params:
            out.append(b".type_params=")
            _write_list(params, out, _MAX_DEPTH)
    out.append(b".body=")
    if isinstance(node, ast.Lambda):
        _write(node.body, out, _MAX_DEPTH)
    else:
        _write_list(node.body, out, _MAX_DEPTH)
    out.append(_CLOSE)
    return _said(out)


def encode_constant(value: object) -> bytes:
    """Return the canonical bytes of a constant, distinct for every type and value."""
    if isinstance(value, str):  # nearly always
        return _text(value)
    if value is None or value is True or value is False or value is Ellipsis:
        return b"=" + str(value).encode()
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
    vararg, kwarg = args.vararg, args.kwarg
    parts = [b"/", *[_text(arg.arg) for arg in args.posonlyargs]]
    parts += [b"|", *[_text(arg.arg) for arg in args.args]]
    parts += [b"*", _text(vararg.arg)] if vararg else [b"*"]
    parts += [b"&", *[_text(arg.arg) for arg in args.kwonlyargs]]
    parts += [b"**", _text(kwarg.arg)] if kwarg else [b"**"]
    return b"".join(parts)


def _said(out: list[Any]) -> Said:
    """Join *out*: bytes, and nodes that lay too deep for the round that met them."""
    while not _WRITTEN.issuperset(kinds := set(map(type, out))):
        further: list[Any] = []
        for part in out:
            if isinstance(part, bytes):
                further.append(part)
            else:
                _write(part, further, _MAX_DEPTH)
        out = further
    documented = b"".join(out)
    if _Docstring not in kinds:
        return Said(documented, documented)
    return Said(b"".join([part for part in out if type(part) is bytes]), documented)


def _write(node: Any, out: list[Any], depth: int) -> None:
    """Write a node or a constant, *depth* levels of it at most."""
    kind = node.__class__
    leaf = _leaves.get(kind)
    if leaf is not None:
        out.append(leaf(node))
    elif not issubclass(kind, ast.AST):
        out.append(encode_constant(node))
    else:
        _write_node(node, out, depth)


def _write_node(node: Any, out: list[Any], depth: int) -> None:
    """Write a node that is no leaf. What is frequent is looked for first, and joined at once."""
    if depth == 0:
        out.append(node)
        return
    kind = node.__class__
    if kind is ast.JoinedStr:
        _write_f_string(node, out, depth - 1)
        return
    said, fields = _steps.get(kind) or _step(kind)
    held = node.__dict__
    for field, tag in fields:
        value = held.get(field)
        if value is None:
            continue
        of = value.__class__
        if of is ast.Name:
            said += tag + _name(value.id)
        elif of is list:
            if value:
                out.append(said + tag)
                _write_list(value, out, depth - 1)
                said = b""
        elif of in _bare:
            said += tag + _bare[of]
        elif (leaf := _leaves.get(of)) is not None:
            said += tag + leaf(value)
        elif field != "format_spec" or not _is_empty(value):
            out.append(said + tag)
            _write(value, out, depth - 1)
            said = b""
    out.append(said + _CLOSE)


def _write_list(items: Sequence[Any], out: list[Any], depth: int) -> None:
    said = _OPEN_LIST
    for item in items:
        kind = item.__class__
        if (leaf := _leaves.get(kind)) is not None:
            said += leaf(item)
            continue
        out.append(said)
        said = b""
        if kind is ast.Expr and _is_docstring(item):
            out.append(_Docstring(b"(Expr.value=" + encode_constant(item.value.value) + _CLOSE))
        else:
            _write(item, out, depth)
    out.append(said + _CLOSE_LIST)


def _step(kind: type[ast.AST]) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    fields = [field for field in kind._fields if field not in _SKIPPED_FIELDS]
    made = b"(" + kind.__name__.encode(), tuple((f, b".%b=" % f.encode()) for f in fields)
    return _steps.setdefault(kind, made)


@functools.lru_cache(maxsize=8192)
def _name(identifier: str) -> bytes:
    return b"(Name.id=%b)" % _text(identifier)


def _same(said: bytes) -> Callable[[Any], bytes]:
    return lambda _: said


# Nodes that say no more than their name: operators.
_bare: Final[dict[type, bytes]] = {
    kind: b"(" + kind.__name__.encode() + _CLOSE
    for base in (ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
    for kind in base.__subclasses__()
}
# What is written without looking further.
_leaves: Final[dict[type, Callable[[Any], bytes]]] = {
    ast.Name: lambda node: _name(node.id),
    ast.Constant: lambda node: encode_constant(node.value),
    str: _text,
    **{kind: _same(said) for kind, said in _bare.items()},
}


def _is_docstring(node: Any) -> bool:
    if node.__class__ is not ast.Expr or node.value.__class__ is not ast.Constant:
        return False
    return isinstance(node.value.value, str)


def _is_empty(node: Any) -> bool:
    """``f"{x:}"``: interpreters differ in whether they note the empty format."""
    return isinstance(node, ast.JoinedStr) and not any(
        not isinstance(v, ast.Constant) or v.value for v in node.values
    )


def _write_f_string(node: ast.JoinedStr, out: list[Any], depth: int) -> None:
    """Write an f-string: texts joined, expressions between them."""
    out.append(b"(JoinedStr[")
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        if text:
            out.append(_text(text))
        _write(value, out, depth)
        text = ""
    if text:
        out.append(_text(text))
    out.append(b"])")
