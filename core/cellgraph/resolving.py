"""Arguments of a node, once what they wait for is known: values in place of expressions."""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cellgraph import credentials
from cellgraph.definitions import Definition
from cellgraph.errors import CodecError, IdentityError
from cellgraph.expression import EXPRESSIONS, Call
from cellgraph.failure import Failure
from cellgraph.growth import Growth
from cellgraph.identity.copying import private_copy
from cellgraph.identity.values import reference
from cellgraph.node import Node
from cellgraph.result import Held
from cellgraph.secret import any_known
from cellgraph.stores.base import Store
from cellgraph.structure import ATOMS, leaves, rebuild
from cellgraph.task import Task
from cellgraph.taskvalue import literal_reference

# The identity of arguments among which there is no text as long as any credential.
TOO_SHORT_FOR_CREDENTIALS: Final = 24


class Unnamed(Held):
    """An argument that the key leaves out: it needs no identity, and may be a handle."""

    __slots__ = ()

    def load(self, store: Store) -> object:
        try:
            return private_copy(self.value)
        except CodecError:
            return self.value  # a connection, a lock: handed on as it is


# Immutable, or the engine's own: nothing to copy.
_AS_THEY_ARE: Final = frozenset({Failure, Task, Unnamed})
_CONTAINERS: Final = frozenset({list, tuple, set, frozenset, dict, slice})


def _is_container(kind: type[Any]) -> bool:
    return (
        kind in _CONTAINERS
        or issubclass(kind, (dict, tuple))
        or hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
    )


class Resolver:
    """Puts values in the places of expressions."""

    def __init__(self, growth: Growth) -> None:
        self._growth = growth
        self._frozen: dict[int, Held] = {}  # by the id of a literal that the run's nodes keep alive

    def freeze(self, nodes: Iterable[Node]) -> None:
        """Copy every literal now: whoever started a background run goes on and may change them."""
        for node in nodes:
            expr: Any = node.expr
            args: tuple[object, ...] = expr._args
            given = (*enumerate(args), *(expr._kwargs.items() if type(expr) is Call else ()))
            ignored = node.definition.ignored if type(expr) is Call else ()
            for at, value in given:
                kind = type(value)
                if at in ignored:
                    continue
                if kind in ATOMS or kind in EXPRESSIONS or kind in _AS_THEY_ARE:
                    continue
                if next(leaves(value, EXPRESSIONS), None) is None:
                    self._frozen[id(value)] = Held(literal_reference(value), private_copy(value))

    def literal(self, value: Any) -> object:
        """A literal the user passed, as it was when the run began."""
        return self._frozen.get(id(value)) or literal(value)

    def resolve(
        self, node: Node, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Failure | None:
        """Set the node's resolved arguments; return the first failure among them, if any."""
        for a in args:
            if type(a) not in ATOMS:
                break
        else:
            if not kwargs:
                node.args = args
                return None
        if type(node.expr) is Call and node.definition.ignored:
            ignored = node.definition.ignored
            args = tuple([_unnamed(a) if i in ignored else a for i, a in enumerate(args)])
            kwargs = {k: _unnamed(v) if k in ignored else v for k, v in kwargs.items()}
        met: list[Failure] = []
        table = self._growth.table(node.env)
        node.args = tuple([self._value_of(a, table, node, met) for a in args])
        if kwargs:
            node.kwargs = {k: self._value_of(v, table, node, met) for k, v in kwargs.items()}
        return met[0] if met else None

    def _value_of(
        self, value: object, table: dict[int, Node], node: Node, met: list[Failure]
    ) -> object:
        kind = type(value)
        if kind in ATOMS:
            return value
        if kind in EXPRESSIONS:
            child = table.get(id(value))
            if child is None:  # a default, evaluated in the callee's context
                child = self._growth.table(self._growth.below(node))[id(value)]
            if child.failure is not None:
                met.append(child.failure)
                return child.failure
            return child.value
        if next(leaves(value, EXPRESSIONS), None) is None:
            return self.literal(value)
        return rebuild(
            value,
            lambda leaf: self._value_of(leaf, table, node, met),
            lambda kind: kind in EXPRESSIONS or not _is_container(kind),
        )


def _unnamed(value: object) -> object:
    kind = type(value)
    if (
        kind in ATOMS
        or kind in _AS_THEY_ARE
        or next(leaves([value], EXPRESSIONS), None) is not None
    ):
        return value
    return Unnamed(b"", value)


def literal(value: Any) -> object:
    """A literal the user passed: known by identity, copied for each consumer."""
    if type(value) in ATOMS or type(value) in _AS_THEY_ARE:
        return value
    return Held(literal_reference(value), value)


def arguments_ref(
    definition: Definition, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> bytes:
    """Identity of bound arguments; with the definition's prefix it names the call."""
    if definition.ignored:
        ignored = definition.ignored
        args = tuple([None if i in ignored else a for i, a in enumerate(args)])
        kwargs = {k: None if k in ignored else v for k, v in kwargs.items()}
    ref = b"k" + reference((args, dict(kwargs))) if kwargs else b"a" + reference(args)
    if len(ref) > TOO_SHORT_FOR_CREDENTIALS:
        refuse_credentials(definition, ref, args, kwargs)
    return ref


def refuse_credentials(
    definition: Definition, ref: bytes, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Raise IdentityError, which names the argument, for one that looks like a credential.

    *ref* is the identity of the arguments. A call that is not cached is not stored either.
    """
    given = (*args, *kwargs.values()) if kwargs else args
    looked_at = definition.delicate or any_known() or credentials.may_hold_one(ref, given)
    if not looked_at or not definition.cached:
        return
    task = definition.task
    found = credentials.find(task.parameter_names, args, kwargs, definition.options.harmless)
    if found is None:
        return
    name = found.argument
    raise IdentityError(
        f"{definition.name}({name}=...): this argument looks like {found.form}, and arguments are "
        'stored with results: pass cg.Secret("env:NAME") and call its .value() in the task; if it '
        f"is harmless, say harmless={name!r} for the task"
    )
