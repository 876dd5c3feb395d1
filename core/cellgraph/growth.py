"""How a run's graph grows: every expression gets its node, and waits for what it needs.

Iterative, each node once; equal expression objects share a node. Pure, like `reduce`.
"""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from collections.abc import Callable, Mapping
from typing import Any

from cellgraph.definitions import Definitions
from cellgraph.environment import Environment
from cellgraph.events import CallAdded
from cellgraph.expression import Call
from cellgraph.halt import Halt, Halted
from cellgraph.node import Node, State
from cellgraph.unfolding import Unfolding, expressions_in


class Growth:
    """The nodes of one run, by environment and expression.

    *ready* takes nodes whose arguments are known; *tolerates* says whether a node can do without a
    failed argument. Raises Halted out of `admit` once *halt* is asked for.
    """

    def __init__(
        self,
        owner: Any,
        definitions: Definitions,
        ready: Callable[[Node], None],
        tolerates: Callable[[Node], bool],
        halt: Halt,
        *,
        observed: bool,
    ) -> None:
        self.top = Environment.root()
        self.observed = observed  # someone listens: gather `added`
        self.calls = 0
        # calls, the expressions they wait for, and the rule that they stand in the place of
        self.added: list[tuple[Node, list[Any], Node | None]] = []
        self.unfolding = Unfolding(self)
        self._owner = owner
        self._definitions = definitions
        self._ready = ready
        self._tolerates = tolerates
        self._halt = halt
        self._tables: dict[Environment, dict[int, Node]] = {self.top: {}}

    @property
    def nodes(self) -> Mapping[int, Node]:
        """The nodes of the user's own expression, by the `id` of each expression."""
        return self._tables[self.top]

    def all_nodes(self) -> list[Node]:
        """Every node of the run."""
        return [node for table in self._tables.values() for node in table.values()]

    def admit(
        self, expr: Any, env: Environment, parent: Node | None, rule: Node | None = None
    ) -> Node:
        """Return the node of *expr*, creating it and everything it waits for.

        *rule*: what it stands in the place of, if that is no call (``task.map(lazy)``).
        """
        known = self.table(env).get(id(expr))
        if known is not None:
            return known
        top = self._node(expr, env, parent)
        stack = [top]
        while stack:
            if self._halt.asked:
                raise Halted
            node = stack.pop()
            kids = expressions_in(node.expr)
            if type(node.expr) is Call:
                node.call = self.calls
                self.calls += 1
                if self.observed:
                    self.added.append((node, kids, rule))
            elif rule is not None and self.observed:
                self.unfolding.within[node] = rule
            if kids:
                self._wait_for(node, kids, stack)
            if not node.waiting and node.state is State.WAITING:
                self._ready(node)
        return top

    def _wait_for(self, node: Node, kids: list[Any], stack: list[Node]) -> None:
        env = node.env
        defaults = None
        if type(node.expr) is Call and node.definition.options.context:
            # a default reads the context of the call it belongs to
            defaults = {id(v) for v in node.expr._task.defaults.values()}
        table = self.table(env)
        for kid in reversed(kids):
            if defaults is not None and id(kid) in defaults:
                child = self._default(kid, node, stack)
            else:
                found = table.get(id(kid))
                if found is None:
                    found = self._node(kid, env, node.parent)
                    stack.append(found)
                child = found
            if child.state is State.FAILED and not self._tolerates(node):
                self._ready(node)  # fails when it is looked at
            elif child.state < State.DONE:
                child.outs.append(node)
                node.waiting += 1
            else:  # an expression that was reduced before this node came
                node.whole = node.whole and child.whole
                if child.reads is not None:
                    node.rests_on(child.reads)

    def _default(self, kid: Any, node: Node, stack: list[Node]) -> Node:
        env = self.below(node)
        found = self.table(env).get(id(kid))
        if found is None:
            found = self._node(kid, env, None)
            stack.append(found)
        return found

    def below(self, node: Node) -> Environment:
        """The environment that holds inside the call *node*."""
        options = node.definition.options
        return node.env.below(options.inherit, options.context)

    def _node(self, expr: Any, env: Environment, parent: Node | None) -> Node:
        node = Node(self._owner, expr, env, parent)
        if type(expr) is Call:
            node.definition = self._definitions.of(expr._task, env)
        self.table(env)[id(expr)] = node
        return node

    def table(self, env: Environment) -> dict[int, Node]:
        """The nodes of one environment, by the `id` of each expression."""
        table = self._tables.get(env)
        if table is None:
            table = self._tables[env] = {}
        return table

    def take_added(self) -> tuple[CallAdded, ...]:
        """The calls discovered since the last time, as the view wants them."""
        added, self.added = self.added, []
        return tuple(
            [
                CallAdded(
                    n.call,
                    n.definition.name,
                    n.definition.executor,
                    self.unfolding.upstream(n, kids, rule) if kids or rule is not None else (),
                    n.parent.call if n.parent is not None else -1,
                )
                for n, kids, rule in added
            ]
        )
