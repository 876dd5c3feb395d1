"""Which names a cell reads from the notebook and which it assigns: what its step takes and gives.

A name is read if, on the way from the top, it is used where it may not have been assigned by the
cell. Loops and the bodies of `try` count as carried out: a name left over from another cell, by
chance of the same name, must not become an input. The bodies of functions count where the function
is first used. Scopes inside the cell are resolved by `symtable`, Python's own analysis.
"""

import ast
import symtable
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Names(NamedTuple):
    """The names of a cell, each set in no order."""

    read: frozenset[str]  # where the cell itself may not have assigned them
    late: frozenset[str]  # of these: only by bodies of functions that the cell itself does not call
    assigned: frozenset[str]  # anywhere in the cell
    declared_global: frozenset[str]


def names_of(body: Sequence[ast.stmt], wanted: Iterable[str] = ()) -> Names:
    """Return the names of a cell; *wanted* are read at its end."""
    reader = _Reader()
    reader.run(body)
    for name in wanted:
        reader.use(name)
    at_once = frozenset(reader.read)
    for name in sorted(reader.pending):
        reader.use(name)
    read = frozenset(reader.read)
    assigned, declared = frozenset(reader.assigned), frozenset(reader.declared_global)
    return Names(read, read - at_once, assigned, declared)


class _Reader:
    """Walks statements in order. `bound` are the names that are certainly assigned by now."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.assigned: set[str] = set()
        self.bound: set[str] = set()
        self.declared_global: set[str] = set()
        self.pending: dict[str, set[str]] = {}  # function or class -> what its bodies read

    def run(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            method = getattr(self, f"_{type(statement).__name__.lower()}", self._other)
            method(statement)

    def use(self, name: str) -> None:
        if name not in self.bound:
            self.read.add(name)
        for inner in sorted(self.pending.pop(name, ())):
            self.use(inner)

    def bind(self, name: str) -> None:
        self.assigned.add(name)
        self.bound.add(name)

    def _evaluate(self, *nodes: ast.AST | None) -> None:
        """Expressions: what they read, what `:=` in them binds."""
        for node in nodes:
            if isinstance(node, ast.expr):
                reads, binds = _names_in(node)
                for name in sorted(reads):
                    self.use(name)
                for name in sorted(binds):
                    self.bind(name)

    def _target(self, *targets: ast.expr | None) -> None:
        """Assign: names are bound; what an attribute or item is set on is read."""
        for target in targets:
            if isinstance(target, ast.Name):
                self.bind(target.id)
            elif isinstance(target, (ast.Tuple, ast.List)):
                self._target(*target.elts)
            elif isinstance(target, ast.Starred):
                self._target(target.value)
            elif isinstance(target, ast.Attribute):
                self._evaluate(target.value)
            elif isinstance(target, ast.Subscript):
                self._evaluate(target.value, target.slice)

    def _branches(self, *bodies: Sequence[ast.stmt]) -> None:
        """Bodies of which one is carried out: bound is what all of them bind."""
        before, after = set(self.bound), list[set[str]]()
        for body in bodies:
            self.bound = set(before)
            self.run(body)
            after.append(self.bound)
        self.bound = after[0].intersection(*after)

    # --- one method per kind of statement, called by its name -------------------------------

    def _other(self, node: ast.stmt) -> None:
        """A statement that assigns nothing: all there is in it is evaluated."""
        self._evaluate(*ast.iter_child_nodes(node))

    def _assign(self, node: ast.Assign) -> None:
        self._evaluate(node.value)
        self._target(*node.targets)

    def _annassign(self, node: ast.AnnAssign) -> None:
        self._evaluate(node.value)
        if node.value is not None:
            self._target(node.target)
        elif isinstance(node.target, ast.Name):
            self.assigned.add(node.target.id)

    def _augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.use(node.target.id)
        self._evaluate(node.value)
        self._target(node.target)

    def _typealias(self, node: Any) -> None:
        self._target(node.name)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.use(target.id)
                self.assigned.add(target.id)
                self.bound.discard(target.id)
            else:
                self._target(target)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.split(".")[0])

    def _importfrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name)

    def _if(self, node: ast.If) -> None:
        self._evaluate(node.test)
        self._branches(node.body, node.orelse)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._evaluate(node.iter)
        self._target(node.target)
        self.run([*node.body, *node.orelse])

    _asyncfor = _for

    def _while(self, node: ast.While) -> None:
        self._evaluate(node.test)
        self.run([*node.body, *node.orelse])

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self._evaluate(item.context_expr)
            self._target(item.optional_vars)
        self.run(node.body)

    _asyncwith = _with

    def _try(self, node: Any) -> None:
        before = set(self.bound)
        self.run([*node.body, *node.orelse])
        after = self.bound
        for handler in node.handlers:
            self.bound = set(before)
            self._evaluate(handler.type)
            if handler.name:
                self.bind(handler.name)
            self.run(handler.body)
        self.bound = after
        self.run(node.finalbody)

    _trystar = _try

    def _match(self, node: ast.Match) -> None:
        self._evaluate(node.subject)
        for case in node.cases:
            self._pattern(case.pattern)
        self._branches([], *([_guarded(case), *case.body] for case in node.cases))

    def _pattern(self, pattern: ast.pattern) -> None:
        for part in ast.walk(pattern):
            name = getattr(part, "rest" if isinstance(part, ast.MatchMapping) else "name", None)
            if isinstance(name, str):
                self.bind(name)
            elif isinstance(part, ast.MatchValue):
                self._evaluate(part.value)
            elif isinstance(part, ast.MatchClass):
                self._evaluate(part.cls)

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        now, later, declared = _names_of_definition(node)
        for name in sorted(now):
            self.use(name)
        self.declared_global |= declared
        self.bind(node.name)
        self.pending[node.name] = self.pending.get(node.name, set()) | (later - {node.name})

    _asyncfunctiondef = _functiondef
    _classdef = _functiondef

    def _global(self, node: ast.Global) -> None:
        self.declared_global.update(node.names)


def _guarded(case: ast.match_case) -> ast.stmt:
    return ast.Expr(case.guard or ast.Constant(None))


def _names_in(node: ast.expr) -> tuple[set[str], set[str]]:
    """What an expression reads from outside itself, lambdas and comprehensions included, and what
    `:=` in it binds."""
    table = symtable.symtable(f"({ast.unparse(node)})", "<cell>", "exec")
    binds = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    return (reads | _free(table)) - binds, binds


def _names_of_definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> tuple[set[str], set[str], set[str]]:
    """What a `def` or `class` reads when it is carried out, what its bodies read when they run, and
    what they assign outside."""
    table = symtable.symtable(ast.unparse(node), "<cell>", "exec")
    now = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    later, declared = set[str](), set[str]()
    for scope in _scopes(table):
        declared |= {s.get_name() for s in scope.get_symbols() if s.is_declared_global()}
        own = isinstance(node, ast.ClassDef) and scope.get_type() == "class"
        (now if own else later).update(_globals(scope))
    return now - {node.name}, later, declared


def _free(table: symtable.SymbolTable) -> set[str]:
    return {name for scope in _scopes(table) for name in _globals(scope)}


def _globals(scope: symtable.SymbolTable) -> set[str]:
    return {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}


def _scopes(table: symtable.SymbolTable) -> Iterable[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)
