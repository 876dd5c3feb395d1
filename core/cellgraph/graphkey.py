"""The name of a whole unevaluated expression: one digest, children first, each node once."""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from typing import Any, Final

from cellgraph.definitions import Definition, Definitions
from cellgraph.digest import digest
from cellgraph.environment import Environment
from cellgraph.expression import EXPRESSIONS, Call
from cellgraph.halt import Halt, Halted
from cellgraph.identity.values import Referenced, reference
from cellgraph.resolving import TOO_SHORT_FOR_CREDENTIALS, arguments_ref, refuse_credentials
from cellgraph.structure import ATOMS, leaves, rebuild
from cellgraph.taskvalue import TASKS
from cellgraph.unfolding import expressions_in

_GRAPH: Final = b"cellgraph.graph.1"
_HOLD_NO_TASK: Final = ATOMS | EXPRESSIONS


class Lazy(Referenced):
    """Stands for an unevaluated expression inside a graph's digest."""

    __slots__ = ()

    def __init__(self, key: bytes) -> None:
        self.ref = b"\x00lazy" + key


class GraphKey:
    """Digest of an expression over the identities of every task that it names.

    `tasks` gathers their definitions, by `Definition.edge`: the roots from which verified
    dependencies are resolved. `whole` says whether a graph record may be read or written at all.
    `calls` holds (argument identity, key) of each call whose arguments are plain scalars, by the
    `id` of the expression, so that the reduction need not name it again.
    Raises IdentityError for a literal argument without identity, Halted once *halt* is asked for.
    """

    def __init__(self, expr: Any, definitions: Definitions, env: Environment, halt: Halt) -> None:
        self._definitions = definitions
        self._env = env
        self._halt = halt
        self.tasks: dict[bytes, Definition] = {}
        self.calls: dict[int, tuple[bytes, bytes]] = {}
        self._known: dict[int, bytes] = {}
        self.whole = True
        self.key = self._marked(self._digest(expr))

    def _add(self, definition: Definition) -> None:
        known = self.tasks.setdefault(definition.edge, definition)
        if known is not definition and definition.options.check != "shallow":
            self.tasks[definition.edge] = definition  # the stricter of two ways to call a task
        if not definition.reproducible:
            self.whole = False

    def _marked(self, key: bytes) -> bytes:
        """The key once single calls of a task were invalidated: no record over it holds."""
        marks = sorted(d.mark.single for d in self.tasks.values() if d.mark.single)
        return digest(key + b"".join(marks)) if marks else key

    def _digest(self, root: Any) -> bytes:
        known = self._known
        stack: list[Any] = [root]
        opened: set[int] = set()
        while stack:
            if self._halt.asked:
                raise Halted
            expr = stack.pop()
            if id(expr) in known or self._is_plain(expr):
                continue
            if id(expr) not in opened:
                kids = expressions_in(expr)
                if type(expr) is not Call and expr._rest:
                    kids.extend(leaves(expr._rest, EXPRESSIONS))
                if kids:
                    opened.add(id(expr))
                    stack.append(expr)
                    stack.extend(kids)
                    continue
            known[id(expr)] = self._node(expr, id(expr) in opened)
        return known[id(root)]

    def _is_plain(self, expr: Any) -> bool:
        """Name a call over scalars alone: by far the most common, and its call key serves."""
        if type(expr) is not Call or expr._kwargs:
            return False
        args = expr._args
        for a in args:
            if type(a) not in ATOMS:
                return False
        definition = self._definitions.of(expr._task, self._env)
        if definition.ignored or definition.options.context:
            return False
        self._add(definition)
        ref = b"a" + reference(args)
        if len(ref) > TOO_SHORT_FOR_CREDENTIALS:
            refuse_credentials(definition, ref, args, expr._kwargs)
        key = digest(definition.prefix + ref)
        self.calls[id(expr)] = (ref, key)
        self._known[id(expr)] = key
        return True

    def _node(self, expr: Any, has_kids: bool) -> bytes:
        if type(expr) is Call:
            definition = self._definitions.of(expr._task, self._env)
            self._add(definition)
            args, kwargs = expr._args, expr._kwargs
            if kwargs or not _HOLD_NO_TASK.issuperset(map(type, args)):
                for task in leaves((args, kwargs), TASKS):
                    self._add(self._definitions.of(task, self._env))
            if has_kids:
                args, kwargs = self._hide((args, dict(kwargs)))
            said = definition.options.context
            below = reference(dict(said)) if said else b""
            ref = arguments_ref(definition, args, kwargs)
            return digest(_GRAPH + definition.prefix + below + ref)
        parts = (expr._args, expr._rest)
        for task in leaves(parts, TASKS):
            definition = self._definitions.of(task, self._env)
            self._add(definition)
        if has_kids:
            parts = self._hide(parts)
        return digest(_GRAPH + expr._rule.name.encode() + b"\x00" + reference(parts))

    def _hide(self, parts: Any) -> Any:
        known = self._known
        return rebuild(parts, lambda e: Lazy(known[id(e)]), EXPRESSIONS.__contains__)


def worth_a_record(expr: Any) -> bool:
    """Whether a graph record says more than the call record of *expr* itself would."""
    if type(expr) is not Call:
        return True
    return any(type(a) not in ATOMS for a in expr._args) and bool(expressions_in(expr))
