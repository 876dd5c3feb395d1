"""One expression inside one run: the engine's side of a lazy node.

Expressions are immutable and may be evaluated many times; what a run knows about one is here. Nodes
are touched by the owner thread alone.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from cellgraph.definitions import Definition
from cellgraph.environment import Environment
from cellgraph.expression import Apply, Call
from cellgraph.failure import Failure

EMPTY: Final[Mapping[str, object]] = {}
# Keys of sets of reads, and such lists of other nodes, shared: see `sets_in`.
Reads = list[Any]


class State(IntEnum):
    """Where a node stands. A node only moves down this list, but for a call that was handed over to
    another session before it had begun: that is asked for again."""

    WAITING = 0  # for its arguments
    ASKED = 1  # looked up in the store, or being computed as a rule
    RUNNING = 2  # handed to an executor (or held back by a limit)
    EXPANDED = 3  # its body returned an expression, whose value it will have
    JOINED = 4  # an equal call is on its way, whose value it will have
    DONE = 5
    FAILED = 6


class Node:
    """A call, a rule, or (with a `Collect` expression) a container, being reduced."""

    __slots__ = (
        "args",
        "args_ref",
        "attempt",
        "below",
        "call",
        "definition",
        "env",
        "expr",
        "failure",
        "followed",
        "key",
        "kwargs",
        "name",
        "outs",
        "owner",
        "parent",
        "read",
        "reads",
        "state",
        "value",
        "waiting",
        "whole",
    )

    def __init__(self, owner: Any, expr: Any, env: Environment, parent: "Node | None") -> None:
        self.owner = owner  # the reduction it belongs to
        self.expr: Call | Apply = expr
        self.env = env
        self.parent = parent  # the call whose body returned this; None for the user's own
        self.state = State.WAITING
        self.waiting = 0
        self.outs: list[Node] = []
        self.whole = True  # reproducible all the way down: a graph record may be written
        self.read = b""  # key of the set of what its own call read
        self.reads: Reads | None = None  # of everything its value rests on, itself included
        self.below: Reads | None = None  # of the expression that its call reduced to
        self.call = -1  # its number in the run, for calls
        self.attempt = 0
        self.key = b""
        self.name = b""  # the key, and the context below: what makes two calls one
        self.args_ref = b""  # identity of the arguments, as it joined the key
        self.followed: Node | None = None
        self.failure: Failure | None = None
        self.value: object = None
        self.definition: Definition = None  # type: ignore[assignment]  # set for calls when admitted
        self.args: tuple[object, ...] = ()
        self.kwargs: Mapping[str, object] = EMPTY

    @property
    def is_alone(self) -> bool:
        """Whether no other run waits for this one's value."""
        return all(out.owner is self.owner for out in self.outs)

    def rests_on(self, reads: "bytes | Reads") -> None:
        """The value of this node depends on these reads."""
        if self.reads is None:
            self.reads = [reads]
        else:
            self.reads.append(reads)


def sets_in(reads: "Reads | None") -> tuple[bytes, ...]:
    """Every key in *reads*, each once."""
    found: dict[bytes, None] = {}
    stack: list[Any] = [] if reads is None else [reads]
    seen: set[int] = set()
    while stack:
        part = stack.pop()
        if type(part) is bytes:
            if part:
                found[part] = None
        elif part is None:
            continue
        elif id(part) not in seen:
            seen.add(id(part))
            stack.extend(part)
    return tuple(found)


def flattened(reads: "Reads | None") -> tuple[bytes, ...]:
    """Every key in the reads of a node that is done; they become flat where they are.

    Whoever rests on them shares the list: of calls that reduced to one another, thousands deep,
    each looks at the keys below it and not at all the lists.
    """
    found = sets_in(reads)
    if reads is not None:
        reads[:] = found
    return found
