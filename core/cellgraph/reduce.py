"""The rules of reduction: events in, commands out. No I/O, no threads, no clock.

A `Reduction` is the state of one run. Its methods are the events (`begin`, `found_value`,
`returned`, `failed` ...); what must be done next gathers in its command lists, which the scheduler
drains: `look_up` (calls to be found in the store), `apply` (rules to compute), `keep` (calls that
reduced to an expression whose final value is now known). Everything is iterative: a chain of a
hundred thousand calls is a loop here.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from cellgraph.control import CONTEXT, GET_CONTEXT
from cellgraph.definitions import Definitions
from cellgraph.digest import digest
from cellgraph.errors import GraphError, IdentityError
from cellgraph.executor import Unreduced
from cellgraph.expression import EXPRESSIONS, Apply, Call, Expression, rule
from cellgraph.failure import Failure
from cellgraph.growth import Growth
from cellgraph.halt import Halt
from cellgraph.node import EMPTY, Node, State
from cellgraph.resolving import Resolver, arguments_ref
from cellgraph.structure import leaves

FailMode = Literal["late", "fast", "keep"]


def _collect(value: object) -> object:
    return value


# A container that holds expressions, as a node: its value is the container with their values.
COLLECT: Final = rule("collect", _collect, control=True)
COLLECT_KEEPING: Final = rule("collect_keeping", _collect, tolerant=True, control=True)
_ENGINE_RULES: Final = frozenset({COLLECT, COLLECT_KEEPING, CONTEXT, GET_CONTEXT})


class Reduction:
    """State of one run, mutated by the owner thread alone."""

    def __init__(
        self, definitions: Definitions, fail: FailMode, halt: Halt, *, observed: bool
    ) -> None:
        self.definitions = definitions
        self.halt = halt
        self.fail_mode: FailMode = fail
        self.active: Any = None  # whoever carries out the commands
        self.growth = Growth(
            self, definitions, self._is_ready, self._tolerates, halt, observed=observed
        )
        self._resolver = Resolver(self.growth)
        self.look_up: list[Node] = []
        self.apply: list[Node] = []
        self.keep: list[Node] = []
        self.skipped: list[int] = []
        self.joined: list[Node] = []
        self.failures: list[Node] = []  # calls and rules that failed by themselves, in order
        self.named: Mapping[int, tuple[bytes, bytes]] = {}  # calls whose key is known already
        self.open = 0  # commands given and not yet answered
        self.stopped = False
        self.ready: list[Node] = []
        self._first: dict[bytes, Node] = {}  # by key (and context): equal calls are reduced once

    # --- events -----------------------------------------------------------------------------

    def begin(self, value: object) -> Node:
        """Admit what the user evaluates; return its node. Raises IdentityError, ConfigError."""
        return self.growth.admit(self.as_expression(value), self.growth.top, None)

    def freeze(self) -> None:
        """Copy the literals of the user's expression: it goes on in the background."""
        self._resolver.freeze(self.growth.all_nodes())

    def as_expression(self, value: object) -> Any:
        """What the user evaluates, as one expression."""
        collect = COLLECT_KEEPING if self.fail_mode == "keep" else COLLECT
        return value if isinstance(value, Expression) else Apply(collect, (value,))

    def returned(self, node: Node, outcome: object) -> None:
        """A call ran, or a rule was applied: *outcome* is a value or `Unreduced`."""
        self.open -= 1
        if node.state >= State.DONE:
            return
        if type(outcome) is Unreduced:
            self.expand(node, outcome.expression)
        else:
            self.finish(node, outcome)

    def found(self, node: Node, value: object) -> None:
        """The store knows the value of a call."""
        self.open -= 1
        if node.state < State.DONE:
            self.finish(node, value)

    def failed(self, node: Node, failure: Failure) -> None:
        """A call or rule failed for good."""
        self.open -= 1
        if node.state >= State.DONE:
            return
        self.failures.append(node)
        self.fail(node, failure)
        if self.fail_mode == "fast":
            self.stopped = True

    def expand(self, node: Node, value: object) -> None:
        """The body of *node* returned an expression: its value will be that expression's."""
        env = node.env
        if type(node.expr) is Call:
            env = env.below(node.definition.options.inherit, node.definition.options.context)
        parent = node if type(node.expr) is Call else node.parent
        expr = value if isinstance(value, Expression) else Apply(COLLECT, (value,))
        try:
            rule = None if type(node.expr) is Call else node
            target = self.growth.admit(expr, env, parent, rule)
        except Exception as error:  # an identity that cannot be computed is the call's failure
            self.failures.append(node)
            self.fail(node, Failure(error, task=self.name_of(node)))
            return
        node.state = State.EXPANDED
        if rule is not None and self.growth.observed:
            self.growth.unfolding.note(rule, target)
        self._follow(node, target)

    def _is_ready(self, node: Node) -> None:
        self.ready.append(node)

    # --- reduction --------------------------------------------------------------------------

    def advance(self) -> None:
        """Carry every ready node as far as it goes without the world; fill the command lists.

        Returns early, whatever is left, once the run is to be halted.
        """
        while self.ready:
            batch, self.ready = self.ready, []
            for node in batch:
                if self.halt.asked:
                    return
                if node.state is State.WAITING:
                    if type(node.expr) is Call:
                        self._prepare(node)
                    else:
                        self._reduce_rule(node)
                elif node.state < State.DONE and node.followed is not None:
                    self._arrive(node, node.followed)

    def _prepare(self, node: Node) -> None:
        """Name a call whose arguments are values; join an equal one or ask for it."""
        definition = node.definition
        expr: Any = node.expr
        named = self.named.get(id(expr))
        if named is not None and node.env is self.growth.top:
            node.args = expr._args
            node.args_ref, node.key = named
            node.whole = definition.reproducible
            self._ask(node)
            return
        try:
            failure = self._resolver.resolve(node, expr._args, expr._kwargs)
            if failure is not None:
                if not definition.options.accepts_failures:
                    self.fail(node, failure)
                    return
                node.whole = False
            node.args_ref = arguments_ref(definition, node.args, node.kwargs)
            node.key = digest(definition.prefix + node.args_ref)
        except IdentityError as error:
            if definition.cached:
                self.failures.append(node)
                self.fail(node, Failure(error, task=definition.name))
                return
            node.key = digest(b"unnamed" + id(node).to_bytes(8, "little"))
        if not definition.reproducible or (definition.moved and node.parent is not None):
            node.whole = False
        self._ask(node)

    def _ask(self, node: Node) -> None:
        below = self.growth.below(node).tag
        node.name = node.key + below if below else node.key
        first = self._first.setdefault(node.name, node)
        if first is node:
            node.state = State.ASKED
            self.open += 1
            self.look_up.append(node)
        elif first.state is State.EXPANDED and _is_below(node, first):
            error = GraphError(
                f"{node.definition.name} reduces to a call of itself with equal arguments"
            )
            self.failures.append(node)
            self.fail(node, Failure(error, task=node.definition.name))
        else:
            node.state = State.JOINED
            if self.growth.observed:
                self.joined.append(node)
            self._follow(node, first)

    def _reduce_rule(self, node: Node) -> None:
        expr: Any = node.expr
        if expr._rule in _ENGINE_RULES:
            self._reduce_engine_rule(node, expr)
            return
        failure = self._resolver.resolve(node, expr._args, EMPTY)
        if failure is not None and not expr._rule.tolerant:
            self.fail(node, failure)
            return
        node.state = State.ASKED
        self.open += 1
        self.apply.append(node)

    def _reduce_engine_rule(self, node: Node, expr: Any) -> None:
        if expr._rule is CONTEXT:
            inner, settings = expr._rest
            below = node.env.below(None, settings)
            lazy = inner if isinstance(inner, Expression) else Apply(COLLECT, (inner,))
            node.state = State.EXPANDED
            self._follow(node, self.growth.admit(lazy, below, node.parent))
        elif expr._rule is GET_CONTEXT:
            path, default = expr._rest
            value = node.env.look_up(path, default)
            if next(leaves(value, EXPRESSIONS), None) is not None:
                self.expand(node, value)
            else:
                self.finish(node, self._resolver.literal(value))
        else:
            failure = self._resolver.resolve(node, expr._args, EMPTY)
            if failure is not None and not expr._rule.tolerant:
                self.fail(node, failure)
            else:
                node.whole = node.whole and failure is None
                self.finish(node, node.args[0])

    # --- outcomes ---------------------------------------------------------------------------

    def finish(self, node: Node, value: object) -> None:
        """The value of *node* is known."""
        node.value = value
        node.state = State.DONE
        node.args = ()
        node.kwargs = EMPTY
        node.args_ref = b""
        node.followed = None
        outs = node.outs
        if outs:
            node.outs = []
            if node.reads is not None:
                for out in outs:
                    if out.followed is not node:  # `_arrive` takes those
                        out.rests_on(node.reads)
            for out in outs:
                out.waiting -= 1
                if not node.whole:
                    out.whole = False
                if not out.waiting:
                    out.owner.ready.append(out)  # an equal call may belong to another run

    def _follow(self, node: Node, target: Node) -> None:
        node.followed = target
        if target.state >= State.DONE:
            self._arrive(node, target)
        else:
            target.outs.append(node)
            node.waiting = 1

    def _arrive(self, node: Node, target: Node) -> None:
        if target.failure is not None:
            self.fail(node, target.failure)
            return
        node.whole = node.whole and target.whole
        if target.reads is not None:
            node.below = target.reads
            node.rests_on(target.reads)
        if node.state is State.EXPANDED and type(node.expr) is Call and node.whole:
            self.keep.append(node)
        self.finish(node, target.value)

    def fail(self, node: Node, failure: Failure) -> None:
        """*node* has no value; what cannot do without it fails with it, nothing else."""
        stack = [node]
        while stack:
            lost = stack.pop()
            if lost.state >= State.DONE:
                continue
            if lost is not node and lost.call >= 0 and lost.state is State.WAITING:
                self.skipped.append(lost.call)
            lost.state = State.FAILED
            lost.failure = failure
            lost.args, lost.kwargs = (), EMPTY
            outs, lost.outs = lost.outs, []
            for out in outs:
                if out.state is State.WAITING and self._tolerates(out):
                    if lost.reads is not None:
                        out.rests_on(lost.reads)
                    out.waiting -= 1
                    if not out.waiting:
                        out.owner.ready.append(out)
                else:
                    stack.append(out)

    def _tolerates(self, node: Node) -> bool:
        expr: Any = node.expr
        if type(expr) is Call:
            return self.fail_mode == "keep" and bool(node.definition.options.accepts_failures)
        return bool(expr._rule.tolerant)

    def join(self, node: Node, first: Node) -> None:
        """The same call is in flight already, for another run: wait for that one."""
        self.open -= 1
        node.state = State.JOINED
        self._follow(node, first)

    def stop(self) -> list[int]:
        """Nothing more is to start; return the calls that will not run."""
        self.stopped = True
        waiting = [
            node.call
            for node in self.growth.all_nodes()
            if node.call >= 0 and node.state < State.RUNNING
        ]
        self.ready.clear()
        self.open -= len(self.look_up) + len(self.apply)
        self.look_up.clear()
        self.apply.clear()
        return waiting

    def name_of(self, node: Node) -> str:
        """The task's or rule's name."""
        expr: Any = node.expr
        return node.definition.name if type(expr) is Call else expr._rule.name


def _is_below(node: Node, ancestor: Node) -> bool:
    above = node.parent
    while above is not None:
        if above is ancestor:
            return True
        above = above.parent
    return False
