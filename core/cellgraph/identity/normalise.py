"""A syntax tree as canonical bytes: what a piece of code says, however it is written down.

Docstrings, comments, positions and formatting do not count, and the bytes are the same on every
Python from 3.11 on: contexts, string prefixes and type comments are dropped, empty and missing
fields are left out, neighbouring constants of an f-string are joined, constants are written by type
and value. Everything else counts; nothing is renamed.

Only the standard library is imported here, so that any interpreter can check the promise.
"""

import ast
import functools
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SKIPPED_FIELDS: Final = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
_CLOSE: Final = b")"
_LEVELS: Final = 50  # a tree too deep for the stack is written this many levels at a time
# Stands before and after each docstring until both readings are told apart. Nobody can write it
# into a constant; no reading contains it.
_MARK: Final = os.urandom(16)


class Said(NamedTuple):
    """The canonical bytes of one function, without its docstrings and with them."""

    plain: bytes
    documented: bytes


class _Ready(bytes):
    """What a part of a deep tree says, in the place of that part."""

    __slots__ = ()


def encode(node: ast.AST) -> bytes:
    """Return the canonical bytes of *node* and everything below it; none for a docstring."""
    return b"" if _is_docstring(node) else _readings(_write(node)).plain


def encode_function(node: FunctionNode) -> Said:
    """Return the canonical bytes of a function as its code object knows it.

    Decorators, default values and annotations of the function itself are left out: they are read
    from the live function, because no code object can vouch for their text.
    """
    said = b"(" + type(node).__name__.encode() + _parameters(node.args)
    if not isinstance(node, ast.Lambda):
        said += _identifier(node.name)
        params = getattr(node, "type_params", None)  # from Python 3.12 on
        if params:
            said += b".type_params=" + _write(params)
    return _readings(said + b".body=" + _write(node.body) + _CLOSE)


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


_identifier: Final = functools.lru_cache(maxsize=8192)(_text)


@functools.lru_cache(maxsize=8192)
def _name(identifier: str) -> bytes:
    return b"(Name.id=%b)" % _text(identifier)


def _parameters(args: ast.arguments) -> bytes:
    vararg, kwarg = args.vararg, args.kwarg
    said = b"/"
    for arg in args.posonlyargs:
        said += _identifier(arg.arg)
    said += b"|"
    for arg in args.args:
        said += _identifier(arg.arg)
    said += b"*" + _identifier(vararg.arg) if vararg else b"*"
    said += b"&"
    for arg in args.kwonlyargs:
        said += _identifier(arg.arg)
    return said + (b"**" + _identifier(kwarg.arg) if kwarg else b"**")


def _readings(said: bytes) -> Said:
    """Take the docstrings, which are between marks, out of one reading and leave them in one."""
    if _MARK not in said:
        return Said(said, said)
    parts = said.split(_MARK)
    return Said(b"".join(parts[::2]), b"".join(parts))


def _write(part: Any) -> bytes:
    """Write a node or a list of them, docstrings between marks."""
    try:
        return _writers[part.__class__](part)
    except RecursionError:
        _shorten(part)
        return _writers[part.__class__](part)


def _shorten(part: Any) -> None:
    """Put what is said in the place of the nodes that lie deep in *part*, from the bottom up."""
    deep: list[tuple[Any, Any, Any]] = []
    todo: list[tuple[Any, int]] = [(part, 1)]
    while todo:
        holder, depth = todo.pop()
        if isinstance(holder, ast.AST):
            holder, depth = holder.__dict__, depth + 1
        for key, child in _held(holder):
            if isinstance(child, ast.AST):
                todo.append((child, depth))
                if depth % _LEVELS == 0 and _is_opaque(child):
                    deep.append((holder, key, child))
            elif child.__class__ is list:
                todo.append((child, depth))
    for holder, key, child in reversed(deep):
        holder[key] = _Ready(_writers[child.__class__](child))


def _held(holder: Any) -> list[tuple[Any, Any]]:
    pairs: Any = holder.items() if holder.__class__ is dict else enumerate(holder)
    return list(pairs)


def _is_opaque(node: ast.AST) -> bool:
    """Whether what holds *node* writes what it says and looks no further."""
    return not isinstance(node, (ast.Constant, ast.JoinedStr, ast.expr_context))


class _Writers(dict[type, Callable[[Any], bytes]]):
    """How each class of nodes, and of what nodes hold, is written. Found out when first met."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        writer = _writer(kind) if issubclass(kind, ast.AST) else encode_constant
        self[kind] = writer
        return writer


def _writer(kind: type[ast.AST]) -> Callable[[Any], bytes]:
    head = b"(" + kind.__name__.encode()
    fields = [(f, b".%b=" % f.encode()) for f in kind._fields if f not in _SKIPPED_FIELDS]
    if not fields:  # an operator says no more than its name
        whole = head + _CLOSE
        return lambda _: whole
    writers = _writers

    def write(node: ast.AST) -> bytes:
        said, held = head, node.__dict__
        for field, tag in fields:
            value = held.get(field)
            if value is None:
                continue
            of = value.__class__
            if of is ast.Name:  # nearly always
                said += tag + _name(value.id)
            elif of is not list or value:
                said += tag + writers[of](value)
        return said + _CLOSE

    return write


def _write_list(items: Sequence[Any]) -> bytes:
    if len(items) == 1:
        return b"[" + _writers[items[0].__class__](items[0]) + b"]"
    writers = _writers
    return b"[" + b"".join([writers[item.__class__](item) for item in items]) + b"]"


def _write_constant(node: ast.Constant) -> bytes:
    value = node.value
    return _text(value) if type(value) is str else encode_constant(value)


def _write_expression_statement(node: ast.Expr) -> bytes:
    said = b"(Expr.value=" + _writers[node.value.__class__](node.value) + _CLOSE
    return _MARK + said + _MARK if _is_docstring(node) else said


def _write_formatted(node: ast.FormattedValue) -> bytes:
    said = b"(FormattedValue.value=" + _writers[node.value.__class__](node.value)
    said += b".conversion=" + encode_constant(node.conversion)
    spec = node.format_spec
    if spec is not None and not _is_empty(spec):
        said += b".format_spec=" + _writers[spec.__class__](spec)
    return said + _CLOSE


def _write_f_string(node: ast.JoinedStr) -> bytes:
    """Write an f-string: texts joined, expressions between them."""
    said, text = b"(JoinedStr[", ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        if text:
            said += _text(text)
        said += _writers[value.__class__](value)
        text = ""
    if text:
        said += _text(text)
    return said + b"])"


def _is_docstring(node: Any) -> bool:
    if node.__class__ is not ast.Expr or node.value.__class__ is not ast.Constant:
        return False
    return isinstance(node.value.value, str)


def _is_empty(node: Any) -> bool:
    """``f"{x:}"``: interpreters differ in whether they note the empty format."""
    return isinstance(node, ast.JoinedStr) and not any(
        not isinstance(v, ast.Constant) or v.value for v in node.values
    )


_writers: Final = _Writers(
    {
        str: _identifier,
        list: _write_list,
        _Ready: bytes,
        ast.Name: lambda node: _name(node.id),
        ast.Constant: _write_constant,
        ast.Expr: _write_expression_statement,
        ast.FormattedValue: _write_formatted,
        ast.JoinedStr: _write_f_string,
    }
)
