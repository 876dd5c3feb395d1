"""A module's source file: what it says and imports, and whether the loaded module still is that."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.identity.body import body_of
from cellgraph.identity.bytecode import Import
from cellgraph.identity.compiled import function_digests
from cellgraph.identity.normalise import encode, encode_constant

_Def = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class ModuleSource(NamedTuple):
    """One version of a source file.

    `functions` (``f``, ``Model.fit``) and `constants` are those that its top level binds once and
    plainly: what they are in the loaded module can be compared.
    """

    stamp: tuple[int, int]  # mtime_ns and size of the file that was read
    digest: bytes
    imports: tuple[Import, ...]
    functions: Mapping[str, bytes]  # digests of normalised sources
    constants: Mapping[str, object]


_known: Final[dict[str, ModuleSource]] = {}


def module_source(file: str) -> ModuleSource | None:
    """Read a source file, once per version of it; None if it is not Python text."""
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        return None
    status = path.stat()
    stamp = status.st_mtime_ns, status.st_size
    known = _known.get(file)
    if known is None or known.stamp != stamp:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return None
        known = _known[file] = _summary(tree, stamp)
    return known


def is_as_written(module: ModuleType, source: ModuleSource) -> bool:
    """Whether functions and literal constants of a loaded module are those of its file."""
    for name, said in source.functions.items():
        func = _function_behind(_look_up(module, name))
        if func is not None and body_of(func.__code__, func.__globals__).digest != said:
            return False
    held = vars(module)
    for name, value in source.constants.items():
        live = held.get(name)
        if type(live) is not type(value) or encode_constant(live) != encode_constant(value):
            return False
    return True


def _summary(tree: ast.Module, stamp: tuple[int, int]) -> ModuleSource:
    bound = Counter(_bindings(tree))
    functions: dict[str, bytes] = {}
    constants: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, _Def):
            functions[statement.name] = function_digests(statement)[0]
        elif isinstance(statement, ast.ClassDef):
            own = Counter(_bindings(statement))
            for inner in statement.body:
                if isinstance(inner, _Def) and own[inner.name] == 1 and bound[statement.name] == 1:
                    functions[f"{statement.name}.{inner.name}"] = function_digests(inner)[0]
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            for target in statement.targets:
                if isinstance(target, ast.Name) and bound[target.id] == 1:
                    constants[target.id] = statement.value.value
    functions = {n: d for n, d in functions.items() if "." in n or bound[n] == 1}
    imports = tuple(sorted(set(_imports(tree))))
    return ModuleSource(stamp, digest(encode(tree)), imports, functions, constants)


def _bindings(scope: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield each name every time the scope itself binds it."""
    todo: list[ast.AST] = list(scope.body)
    while todo:
        node = todo.pop()
        if isinstance(node, _SCOPES):
            if not isinstance(node, ast.Lambda):
                yield node.name
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        todo.extend(ast.iter_child_nodes(node))


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, 0, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names if alias.name != "*")
            yield Import(node.module or "", node.level, names)


def _look_up(module: ModuleType, name: str) -> object:
    first, _, method = name.partition(".")
    found = vars(module).get(first)
    return vars(found).get(method) if method and isinstance(found, type) else found


def _function_behind(value: Any) -> FunctionType | None:
    """The innermost function of a task, method or decorated function; None if it hides it."""
    for _ in range(100):  # decorators on decorators; a cycle would be a user's mistake
        inner = next(
            (
                found
                for name in ("__wrapped__", "__func__", "fget", "func")
                if (found := getattr(value, name, None)) is not None
            ),
            None,
        )
        if inner is None:
            break
        value = inner
    return value if isinstance(value, FunctionType) else None
