"""Which calls wait for which, for whoever looks: through containers, and through rules that turned
out to be calls.

``report(fit.map(genes(x)))`` waits for ``genes`` at first; when that is known, for as many calls of
``fit`` as there are genes, each of which stands behind ``genes``. Only kept while somebody looks.
"""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from collections.abc import Mapping
from typing import Any, Protocol

from cellgraph.environment import Environment
from cellgraph.events import CallLinked
from cellgraph.expression import EXPRESSIONS, Call
from cellgraph.node import Node
from cellgraph.structure import ATOMS, leaves


class Tables(Protocol):
    """The nodes of a run."""

    def table(self, env: Environment) -> Mapping[int, Node]:
        """Those of one environment, by the `id` of each expression."""
        ...


class Unfolding:
    """What rules of one run turned out to be."""

    def __init__(self, tables: Tables) -> None:
        self.within: dict[Node, Node] = {}  # a rule -> the one that it stands in the place of
        self.consumers: dict[Node, None] = {}  # calls that wait for others than was said
        self._tables = tables
        self._became: dict[Node, Node] = {}

    def note(self, rule: Node, target: Node) -> None:
        """The value of *rule* will be that of *target*."""
        self._became[rule] = target
        stack = [rule]
        seen = {rule}
        while stack:
            at = stack.pop()
            for out in at.outs:
                if out.call < 0:
                    if out not in seen:
                        seen.add(out)
                        stack.append(out)
                elif out.followed is not at:  # else its body returned this, and `parent` says so
                    self.consumers[out] = None

    def take_linked(self) -> tuple[CallLinked, ...]:
        """The calls that wait for others than was said, since the last time."""
        consumers, self.consumers = self.consumers, {}
        return tuple(
            [CallLinked(n.call, self.upstream(n, expressions_in(n.expr), None)) for n in consumers]
        )

    def upstream(self, node: Node, kids: list[Any], rule: Node | None) -> tuple[int, ...]:
        """Numbers of the calls that *node* waits for, or else that its *rule* waited for."""
        table = self._tables.table(node.env)
        found = self._calls(table, kids)
        while not found and rule is not None:
            found = self._calls(table, expressions_in(rule.expr))
            rule = self.within.get(rule)
        return tuple(sorted(found))

    def _calls(self, table: Mapping[int, Node], exprs: list[Any]) -> dict[int, None]:
        found: dict[int, None] = {}
        stack = list(exprs)
        seen: set[int] = set()
        while stack:
            expr = stack.pop()
            child = table.get(id(expr))
            if child is None or id(expr) in seen:
                continue
            seen.add(id(expr))
            if child.call >= 0:
                found[child.call] = None
                continue
            became = self._became.get(child)
            if became is not None and (became.call >= 0 or expressions_in(became.expr)):
                stack.append(became.expr)
            else:
                stack.extend(expressions_in(child.expr))
        return found


def expressions_in(expr: Any) -> list[Any]:
    """The expressions directly inside the arguments of *expr*, in order, repeats included."""
    found: list[Any] = []
    for a in expr._args:
        kind = type(a)  # pyright: ignore[reportUnknownVariableType]  # an argument is any value
        if kind in ATOMS:
            continue
        if kind in EXPRESSIONS:
            found.append(a)
        elif kind is list and a and set(map(type, a)) <= EXPRESSIONS:
            found.extend(a)
        else:
            found.extend(leaves(a, EXPRESSIONS))
    if type(expr) is Call and expr._kwargs:
        found.extend(leaves(expr._kwargs, EXPRESSIONS))
    return found
