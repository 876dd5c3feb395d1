"""A dry run: the same reduction and the same lookups as a run, but nothing is started or stored.

What the store knows is put in the places of calls, as in a run. A call that would have to run stays
open, and whatever needs its value is unknown.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NoReturn

from cellgraph.cache import Cache, Found, tasks_in
from cellgraph.codecs.payload import Payload
from cellgraph.definitions import Definitions
from cellgraph.dispatch import Dispatch
from cellgraph.edges import reached
from cellgraph.errors import ExecutorError
from cellgraph.executor import Unreduced
from cellgraph.expression import CALL, Call
from cellgraph.failure import Failure
from cellgraph.graphkey import GraphKey, worth_a_record
from cellgraph.halt import Halt
from cellgraph.label import label
from cellgraph.node import Node, State
from cellgraph.places import Roots
from cellgraph.reduce import Reduction
from cellgraph.result import Stored
from cellgraph.stores.base import Entry, Store

_CHUNK: Final = 1000
_MOST_BYTES: Final = 64 << 20  # results larger than this are not read to see what follows


class Overlay:
    """A store that can be read. What is written stays in memory until the forecast is gone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._blobs: dict[bytes, Payload] = {}

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """See `Store`."""
        return self._store.get_many(keys)

    def append(self, entries: Sequence[Entry]) -> None:
        """Nothing is kept."""

    def put_blob(self, payload: Payload) -> bytes:
        """Keep a result of an operator in memory."""
        name = payload.digest()
        self._blobs[name] = payload
        return name

    def get_blob(self, digest: bytes) -> Payload | None:
        """See `Store`."""
        return self._blobs.get(digest) or self._store.get_blob(digest)

    def has_blob(self, digest: bytes) -> bool:
        """See `Store`."""
        return digest in self._blobs or self._store.has_blob(digest)

    def scan(self) -> Iterable[Entry]:
        """See `Store`."""
        return self._store.scan()

    def write_file(self, name: str, data: bytes) -> None:
        """Nothing is kept."""

    def read_file(self, name: str) -> bytes | None:
        """See `Store`."""
        return self._store.read_file(name)

    def list_files(self, folder: str) -> list[str]:
        """See `Store`."""
        return self._store.list_files(folder)

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """The store belongs to the session."""


class Forecast:
    """What evaluating *value* would find, as far as that is known before anything runs.

    `whole` is the answer to the whole expression, `hits` the calls that the store knows, `missed`
    those that would run, in the order in which a run would meet them, `waiting` those whose
    arguments are not known before one of these has run. `grows`: what runs, or waits, may make more
    calls than these. Raises IdentityError, ConfigError as a run does.
    """

    def __init__(
        self,
        value: Any,
        store: Store,
        definitions: Definitions,
        roots: Roots,
        *,
        cached: bool = True,
        fail: Literal["late", "fast", "keep"] = "late",
        by_call: bool = False,
    ) -> None:
        """*by_call*: each call answers for itself, though the whole be known."""
        self.store = Overlay(store)
        self.definitions = definitions
        self.cache = Cache(self.store, definitions, "", time.time, roots)
        self.reduction = Reduction(definitions, fail, Halt(), observed=False)
        self.whole: Found | None = None
        self.whole_key = b""
        self.hits: list[Node] = []
        self.missed: list[Node] = []
        self._dispatch = Dispatch(self.store, _no_executor, {})
        self.label = label(value)
        self.expr = self.reduction.as_expression(value)
        if cached and not by_call and worth_a_record(self.expr):
            self.whole = self._find_whole()
        if self.whole is None:
            self.reduction.begin(self.expr)
            self._walk()

    @property
    def waiting(self) -> list[Node]:
        """Calls that nothing is known of before something has run."""
        return [n for n in self._nodes() if n.call >= 0 and n.state is State.WAITING]

    @property
    def failures(self) -> list[Failure]:
        """What cannot be evaluated, whatever runs."""
        return [n.failure for n in self.reduction.failures if n.failure is not None]

    @property
    def grows(self) -> bool:
        """Whether a run may meet calls that are not known yet."""
        return any(
            (n.call < 0 and n.state < State.DONE and _branches(n))
            or (n.call >= 0 and (n.state in (State.WAITING, State.RUNNING)) and _calls_tasks(n))
            for n in self._nodes()
        )

    def _nodes(self) -> list[Node]:
        return [] if self.whole is not None else self.reduction.growth.all_nodes()

    def _find_whole(self) -> Found | None:
        reduction = self.reduction
        named = GraphKey(self.expr, self.definitions, reduction.growth.top, reduction.halt)
        reduction.named = named.calls
        if not named.whole:
            return None
        self.whole_key = named.key
        return self.cache.find_graph(named.key, named.tasks.values())

    def _walk(self) -> None:
        reduction = self.reduction
        while reduction.ready or reduction.apply or reduction.look_up:
            reduction.advance()
            reduction.keep.clear()
            rules, reduction.apply = reduction.apply, []
            for node in rules:
                self._apply(node)
            nodes, reduction.look_up = reduction.look_up, []
            for start in range(0, len(nodes), _CHUNK):
                self._look_up(nodes[start : start + _CHUNK])

    def _look_up(self, nodes: list[Node]) -> None:
        for node, found in zip(nodes, self.cache.find(nodes), strict=True):
            if found is None:
                node.state = State.RUNNING
                self.missed.append(node)
                continue
            self.hits.append(node)
            if type(found.outcome) is Unreduced:
                self.reduction.returned(node, found.outcome)
            else:
                self.reduction.found(node, found.outcome)

    def _apply(self, node: Node) -> None:
        """Operators on what is known are computed: what follows is named by their values."""
        if not self._dispatch.is_quick(node) and not _is_small(node):
            node.state = State.RUNNING
            return
        try:
            outcome = self._dispatch.compute(node)
        except Exception as error:  # in a run it is the rule's failure
            self.reduction.failed(node, Failure(error, task=self.reduction.name_of(node)))
        else:
            self.reduction.returned(node, outcome)


def _no_executor(name: str) -> NoReturn:
    raise ExecutorError(f"a forecast starts nothing, and {name} was asked to")


def _is_small(node: Node) -> bool:
    """Whether an operator may be computed here: it reads little, and calls no function."""
    expr: Any = node.expr
    rule = expr._rule  # pyright: ignore[reportPrivateUsage]  # so that every other name can be lazy
    if rule is CALL or rule.tolerant:
        return False
    return sum(a.nbytes for a in node.args if type(a) is Stored) <= _MOST_BYTES


def _branches(node: Node) -> bool:
    """Whether a rule that waits may make calls of its own."""
    expr: Any = node.expr
    return type(expr) is not Call and bool(expr._rule is CALL or expr._rest)  # pyright: ignore[reportPrivateUsage]  # as above


def _calls_tasks(node: Node) -> bool:
    """Whether a call may reduce to further calls: its code or an argument names a task."""
    return bool(reached(node.definition)) or bool(tasks_in((node.args, dict(node.kwargs))))
