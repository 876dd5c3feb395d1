"""A returned expression as a stored value: a list of nodes, never a tree.

A call may reduce to an expression. What is kept is the graph itself: each node once, naming tasks
by the reference through which the caller reaches them (``global:clean``, ``arg:0``). On replay
every reference is resolved through live objects, so the present definitions are used.
"""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cellgraph.errors import ClassChanged
from cellgraph.expression import EXPRESSIONS, RULES, Apply, Call
from cellgraph.identity.kinds import define
from cellgraph.identity.registry import register_value
from cellgraph.identity.tables import Kind
from cellgraph.structure import leaves, rebuild
from cellgraph.task import Task
from cellgraph.taskvalue import TASKS


class Hole(NamedTuple):
    """Stands for another node of the graph, or for a leaf kept beside the value."""

    at: int


class TaskName(NamedTuple):
    """Stands for a task: the reference that leads to it."""

    reference: str


class Unnamed(Exception):
    """The expression calls a task that the caller does not reach by any reference."""

    def __init__(self, task: Task[..., Any]) -> None:
        super().__init__(task.name)
        self.task = task


_REPLACED: Final = EXPRESSIONS | TASKS
_STAND_INS: Final = frozenset({Hole, TaskName})


def pack(value: object, name_of: Callable[[Task[..., Any]], str | None]) -> list[object]:
    """Return *value* (an expression, or a container of some) as a list of nodes, the value last.

    Raises Unnamed for a task without a reference.
    """
    indices: dict[int, int] = {}
    nodes: list[object] = []

    def stand_in(leaf: Any) -> object:
        if type(leaf) in EXPRESSIONS:
            return Hole(indices[id(leaf)])
        reference = name_of(leaf)
        if reference is None:
            raise Unnamed(leaf)
        return TaskName(reference)

    def packed(part: object) -> Any:
        return rebuild(part, stand_in, _REPLACED.__contains__)

    for expr in _bottom_up(value):
        indices[id(expr)] = len(nodes)
        if type(expr) is Call:
            said = dict(expr._task.said)
            nodes.append(
                ("c", packed(expr._task), said, packed(expr._args), packed(dict(expr._kwargs)))
            )
        else:
            nodes.append(("r", expr._rule.name, packed(expr._args), packed(expr._rest)))
    nodes.append(packed(value))
    return nodes


def unpack(nodes: list[Any], resolve: Callable[[str], Task[..., Any] | None]) -> object:
    """Rebuild what `pack` took apart, over live tasks. Raises ClassChanged when one is gone."""
    made: list[object] = []

    def original(leaf: Any) -> object:
        if type(leaf) is Hole:
            return made[leaf.at]
        task = resolve(leaf.reference)
        if task is None:
            raise ClassChanged(f"{leaf.reference} is no longer a task that this call reaches")
        return task

    def whole(part: object) -> Any:
        return rebuild(part, original, _STAND_INS.__contains__)

    for node in nodes[:-1]:
        if node[0] == "c":
            _, name, said, args, kwargs = node
            task = whole(name)
            made.append(Call(task.options(**said) if said else task, whole(args), whole(kwargs)))
        else:
            _, rule_name, args, rest = node
            made.append(Apply(RULES[rule_name], whole(args), whole(rest)))
    return whole(nodes[-1])


def _bottom_up(value: object) -> list[Any]:
    """Every expression inside *value*, children first, each once; iterative."""
    order: list[Any] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(e, False) for e in leaves(value, EXPRESSIONS)]
    stack.reverse()
    while stack:
        expr, opened = stack.pop()
        if opened:
            order.append(expr)
            continue
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        stack.append((expr, True))
        inside = (
            (expr._args, dict(expr._kwargs)) if type(expr) is Call else (expr._args, expr._rest)
        )
        stack.extend((kid, False) for kid in leaves(inside, EXPRESSIONS))
    return order


# Stands in containers of results, too, which are data.
define(Hole, Kind("+cellgraph.hole", 1, lambda hole: hole.at, Hole, data=True))
register_value(
    TaskName,
    tag="cellgraph.task-name",
    version=1,
    encode=lambda name: name.reference,
    decode=TaskName,
)
