"""Cell source <-> tasks: the ``def``s of a cell as tasks, or the cell itself as one step."""

import ast
import builtins
import types
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from cellgraph.errors import ConfigError
from cellgraph.expression import Expression
from cellgraph.task import Task

_DECORATOR = "__cellgraph_task__"


class Step(NamedTuple):
    """A whole cell as a function: its source, its name, what it reads and what it leaves."""

    source: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def task_names(tree: ast.Module, named: Collection[str]) -> list[str]:
    """The functions of a cell that become tasks: the named ones, or every public one.

    Raises ConfigError when a name is not defined in the cell, or nothing is.
    """
    defined = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    missing = [name for name in named if name not in defined]
    if missing:
        raise ConfigError(
            f"the cell defines no function {missing[0]!r}; it has: {', '.join(defined) or 'none'}"
        )
    chosen = [name for name in defined if (name in named if named else not name.startswith("_"))]
    if not chosen:
        raise ConfigError(
            "the cell defines no public function: write `def name(...):` to make a task, "
            "or `%%task --returns a,b` to make the cell itself one cached step"
        )
    return chosen


def with_decorators(tree: ast.Module, names: Collection[str]) -> ast.Module:
    """Return *tree* with the marker decorator on the named functions; positions stay."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names:
            if any(_is_task(d) for d in node.decorator_list):
                raise ConfigError(f"{node.name} has @task already: remove it, or %%task")
            marker = ast.Name(_DECORATOR, ast.Load())
            node.decorator_list.insert(0, ast.copy_location(marker, node))
    return ast.fix_missing_locations(tree)


def run_with_tasks(
    tree: ast.Module, filename: str, flags: int, namespace: dict[str, Any], make: Any
) -> None:
    """Execute a decorated cell in *namespace*; *make* turns each marked function into a task."""
    code = compile(tree, filename, "exec", flags=flags, dont_inherit=True)
    namespace[_DECORATOR] = make
    try:
        exec(code, namespace)  # running the user's cell is what a magic does
    finally:
        namespace.pop(_DECORATOR, None)


def _is_task(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    return name == "task"


def as_step(tree: ast.Module, outputs: tuple[str, ...], namespace: Mapping[str, Any]) -> Step:
    """Turn a cell into one function of the data it reads, returning the names in *outputs*.

    Data (anything but modules, functions, classes and tasks) that the cell reads and the namespace
    has becomes a parameter. Raises ConfigError for an output that the cell never assigns.
    """
    reads = _Names()
    reads.visit(tree)
    for name in outputs:
        if name not in reads.assigned:
            raise ConfigError(f"--returns {name}: the cell assigns no such name")
    inputs = tuple(
        name
        for name in sorted(reads.loaded)
        if name in namespace and not hasattr(builtins, name) and _is_data(namespace[name])
    )
    name = "cell_" + "_".join(outputs)
    returned = ast.Return(ast.Tuple([ast.Name(o, ast.Load()) for o in outputs], ast.Load()))
    arguments = ast.arguments([], [ast.arg(i) for i in inputs], None, [], [], None, [])
    function = ast.FunctionDef(name, arguments, [*tree.body, returned], [], None, None)
    source = ast.unparse(ast.fix_missing_locations(ast.Module([function], [])))
    return Step(source, name, inputs, outputs)


def _is_data(value: object) -> bool:
    if isinstance(value, Expression):
        return True
    return not isinstance(
        value, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, Task)
    )


class _Names(ast.NodeVisitor):
    """Names that a cell reads from outside, and names that it assigns."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.assigned: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.assigned:
                self.loaded.add(node.id)
        else:
            self.assigned.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)  # the right side is read before the left is bound
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name) and node.target.id not in self.assigned:
            self.loaded.add(node.target.id)
        self.visit(node.target)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.assigned.add(node.name)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.assigned.update((a.asname or a.name).split(".")[0] for a in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.assigned.update(a.asname or a.name for a in node.names)

    def _comprehension(self, node: Any) -> None:
        bound = _Names()
        for generator in node.generators:
            bound.visit(generator.target)
        inner = _Names()
        for field in ast.iter_child_nodes(node):
            inner.visit(field)
        self.loaded |= (inner.loaded - bound.assigned) - self.assigned

    visit_ListComp = _comprehension  # noqa: N815  # ast's names
    visit_SetComp = _comprehension  # noqa: N815
    visit_DictComp = _comprehension  # noqa: N815
    visit_GeneratorExp = _comprehension  # noqa: N815
