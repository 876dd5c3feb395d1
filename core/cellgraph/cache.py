"""The lookups, and what is written for each reduction.

- Graph record: the whole unevaluated expression, or a call that reduced to one -> final value,
  valid while each verified dependency still resolves to the same identity.
- Call record: task identity and evaluated arguments -> one reduction, a value or an expression.
- Pending calls are the scheduler's: the same call in flight is joined there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cellgraph.codecs.payload import INLINE_BYTES, Buffer, Payload
from cellgraph.definitions import Definition, Definitions
from cellgraph.environment import Environment
from cellgraph.errors import CodecError, IdentityError
from cellgraph.executor import JobDone, Unreduced
from cellgraph.graphs import Hole, Unnamed, pack, unpack
from cellgraph.identity.values import restore, snapshot
from cellgraph.node import Node
from cellgraph.records import (
    CallRecord,
    Edge,
    FinalRecord,
    Graph,
    Piece,
    Value,
    decode,
    encode,
)
from cellgraph.result import Held, Inline, Result, Stored
from cellgraph.stores.base import Entry, Store
from cellgraph.structure import ATOMS, leaves, rebuild
from cellgraph.task import Task
from cellgraph.taskvalue import TASKS

_HOLES: Final = frozenset({Hole})
_TASKS_AND_LITERALS: Final = TASKS | {Held}


class Found(NamedTuple):
    """What the store knows of a call: a value or `Unreduced`, and what it had cost."""

    outcome: object
    calls: int
    elapsed_s: float


class Cache:
    """Reads and writes records for one run."""

    def __init__(
        self, store: Store, definitions: Definitions, run: str, now: Callable[[], float]
    ) -> None:
        self.store = store
        self._definitions = definitions
        self._run = run
        self._now = now
        self._root = Environment.root()
        # caller id -> reference -> callee id, as seen in this run
        self._edges: dict[bytes, dict[str, bytes]] = {}
        self._references: dict[bytes, dict[int, str]] = {}
        self._closures: dict[bytes, tuple[Edge, ...]] = {}

    # --- reading ----------------------------------------------------------------------------

    def find(self, nodes: Sequence[Node]) -> list[Found | None]:
        """Look up calls, all at once. None: it has to run."""
        keys = [n.key for n in nodes if n.definition.cached]
        known = self.store.get_many(keys) if keys else {}
        if not known:
            return [None] * len(nodes)
        return [
            self._pick(node, known[node.key])
            if node.definition.cached and node.key in known
            else None
            for node in nodes
        ]

    def find_graph(self, key: bytes, tasks: Iterable[Definition]) -> Found | None:
        """Look up a whole expression."""
        for data in self.store.get_many([key]).get(key, ()):
            record = decode(data)
            if type(record) is FinalRecord:
                found = self._final(record, tasks)
                if found is not None:
                    return found
        return None

    def _pick(self, node: Node, stored: tuple[bytes, ...]) -> Found | None:
        """The newest valid final value if there is one, else the newest reduction."""
        calls: list[CallRecord] = []
        for data in stored:
            record = decode(data)
            if type(record) is CallRecord:
                if type(record.outcome) is Value:
                    found = self._value_found(node, record)
                    if found is not None:
                        return found
                calls.append(record)
            elif type(record) is FinalRecord and node.name == node.key:
                found = self._final(record, (node.definition,))
                if found is not None:
                    return found
        for call in calls:
            if type(call.outcome) is Graph and node.definition.options.expires_after_s is None:
                value = self._graph(node, call.outcome)
                if value is not None:
                    return Found(Unreduced(value), 1, call.elapsed_s)
        return None

    def _value_found(self, node: Node, record: CallRecord) -> Found | None:
        assert type(record.outcome) is Value
        limit = node.definition.options.expires_after_s
        if limit is not None and self._now() - record.started >= limit:
            return None
        try:
            return Found(self.value_of(record.outcome), 1, record.elapsed_s)
        except CodecError:
            return None

    def _graph(self, node: Node, graph: Graph) -> object:
        payload = self._payload(graph.piece)
        if payload is None:
            return None
        names = self._names_in(node)

        def resolve(name: str) -> Task[..., Any] | None:
            task = names.get(name)
            if task is not None:
                self._note_edge(node.definition, name, task)
            return task

        try:
            nodes: Any = restore(payload)
            return unpack(nodes, resolve)
        except (CodecError, KeyError, IdentityError):
            return None

    def _final(self, record: FinalRecord, roots: Iterable[Definition]) -> Found | None:
        """The final value, if every task edge still leads to the same identity."""
        known = {d.id: d for d in roots}
        for edge in record.edges:
            caller = known.get(edge.caller)
            if caller is None or caller.identity is None:
                return None
            task = reached(caller).get(edge.reference)
            if task is None:
                return None
            try:
                callee = self._definitions.of(task, self._root)
            except IdentityError:
                return None
            if callee.id != edge.callee:
                return None
            known[callee.id] = callee
        try:
            value = self.value_of(record.value)
        except CodecError:
            return None
        for edge in record.edges:
            self._edges.setdefault(edge.caller, {})[edge.reference] = edge.callee
        if record.edges:
            self._closures.clear()
        return Found(value, record.calls, record.elapsed_s)

    def value_of(self, value: Value) -> object:
        """What the engine keeps of a stored value. Raises CodecError when its bytes are gone."""
        if not value.leaves:
            return self._piece(value.piece)
        filled = [self._piece(leaf) for leaf in value.leaves]
        payload = self._payload(value.piece)
        if payload is None:
            raise CodecError("the stored bytes are gone")
        return rebuild(restore(payload), lambda hole: filled[hole.at], _HOLES.__contains__)

    def _piece(self, piece: Piece) -> object:
        if piece.blob:
            if not self.store.has_blob(piece.blob):
                raise CodecError("the stored bytes are gone")
            return Stored(piece.ref, piece.blob, piece.nbytes)
        payload = Payload(piece.head, tuple([Buffer.of(b) for b in piece.buffers]))
        value = restore(payload)  # small; decoding it now also proves that its classes are there
        return value if type(value) in ATOMS else Inline(piece.ref or piece.head, payload)

    def _payload(self, piece: Piece) -> Payload | None:
        if piece.blob:
            return self.store.get_blob(piece.blob)
        return Payload(piece.head, tuple([Buffer.of(b) for b in piece.buffers]))

    # --- references -------------------------------------------------------------------------

    def _names_in(self, node: Node) -> dict[str, Task[..., Any]]:
        """Every task that a call reaches: through its code, and through its arguments."""
        names = dict(reached(node.definition))
        for i, task in enumerate(tasks_in((node.args, dict(node.kwargs)))):
            names[f"arg:{i}"] = task
        return names

    def _note_edge(self, caller: Definition, name: str, task: Task[..., Any]) -> None:
        """Remember that a result of *caller* rests on the task at this reference of its code.

        A task that came as an argument has its identity in the caller's key already.
        """
        if name.startswith("arg:"):
            return
        callee = self._definitions.of(task, self._root)
        edges = self._edges.setdefault(caller.id, {})
        if edges.get(name) != callee.id:
            edges[name] = callee.id
            self._closures.clear()

    def _references_of(self, caller: Definition) -> dict[int, str]:
        known = self._references.get(caller.id)
        if known is None:
            known = {id(task.func): name for name, task in reached(caller).items()}
            self._references[caller.id] = known
        return known

    def _closure(self, start: bytes) -> tuple[Edge, ...]:
        """Every task edge below *start* seen in this run: at least those its value depends on."""
        known = self._closures.get(start)
        if known is None:
            edges: list[Edge] = []
            seen = {start}
            queue = [start]
            for caller in queue:
                for name, callee in self._edges.get(caller, {}).items():
                    edges.append(Edge(caller, name, callee))
                    if callee not in seen:
                        seen.add(callee)
                        queue.append(callee)
            known = self._closures[start] = tuple(edges)
        return known

    # --- writing ----------------------------------------------------------------------------

    def value_entry(self, node: Node, done: JobDone, log: str) -> Entry:
        """The record of a call that returned a value. Thread-safe: only reads the node."""
        return self._call_entry(node, done, self.kept_value(done.outcome), log)

    def graph_entry(self, node: Node, done: JobDone, log: str) -> Entry | None:
        """The record of a call that returned an expression; None if a task in it has no name."""
        assert type(done.outcome) is Unreduced
        graph = self._kept_graph(node, done.outcome.expression)
        return None if graph is None else self._call_entry(node, done, graph, log)

    def _call_entry(self, node: Node, done: JobDone, kept: Value | Graph, log: str) -> Entry:
        definition = node.definition
        record = CallRecord(
            task=definition.name,
            task_id=definition.id,
            args=node.args_ref,
            outcome=kept,
            run=self._run,
            started=done.started,
            elapsed_s=done.elapsed_s,
            executor=definition.executor,
            log=log,
            parent=node.parent.key if node.parent is not None else b"",
        )
        return Entry(node.key, definition.zone, encode(record))

    def _kept_graph(self, node: Node, value: object) -> Graph | None:
        names = self._references_of(node.definition)
        if node.kwargs or any(type(a) not in ATOMS for a in node.args):
            names = {id(t.func): name for name, t in self._names_in(node).items()} | names

        def name_of(task: Task[..., Any]) -> str | None:
            name = names.get(id(task.func))
            if name is not None:
                self._note_edge(node.definition, name, task)
            return name

        try:
            nodes = pack(value, name_of)
            return Graph(self._kept_piece(nodes))
        except (Unnamed, CodecError, IdentityError):
            node.whole = False  # a miss next time, by name: the body will run again
            return None

    def kept_value(self, value: object) -> Value:
        """What is stored of an engine value: a scalar, a result, or a container over results."""
        if isinstance(value, Result):
            return Value(self._result_piece(value))
        if type(value) in ATOMS:
            return Value(self._kept_piece(value))
        filled: list[Piece] = []

        def hole(leaf: Result) -> Hole:
            filled.append(self._result_piece(leaf))
            return Hole(len(filled) - 1)

        skeleton = rebuild(value, hole, _is_result)
        return Value(self._kept_piece(skeleton), tuple(filled))

    def _kept_piece(self, value: object) -> Piece:
        ref, payload = snapshot(value)
        return self._stored_piece(ref, payload)

    def _stored_piece(self, ref: bytes, payload: Payload) -> Piece:
        if payload.nbytes > INLINE_BYTES:
            return Piece(ref, b"", (), self.store.put_blob(payload), payload.nbytes)
        return _inline_piece(ref, payload)

    def _result_piece(self, result: Result) -> Piece:
        if isinstance(result, Inline):
            return _inline_piece(result.ref, result.payload)
        if isinstance(result, Stored):
            return Piece(result.ref, b"", (), result.blob, result.nbytes)
        assert isinstance(result, Held)
        return self._kept_piece(result.value)

    def final_entry(
        self,
        key: bytes,
        zone: int,
        value: object,
        roots: Sequence[bytes],
        calls: int,
        elapsed_s: float,
    ) -> Entry:
        """The graph record of an expression whose tasks are *roots*, or of a call (one root)."""
        edges: dict[Edge, None] = {}
        for root in roots:
            edges.update(dict.fromkeys(self._closure(root)))
        record = FinalRecord(self.kept_value(value), tuple(edges), calls, elapsed_s, self._run)
        return Entry(key, zone, encode(record))


def _inline_piece(ref: bytes, payload: Payload) -> Piece:
    head = payload.head
    buffers = tuple([bytes(b.data) for b in payload.buffers])
    return Piece(b"" if ref == head else ref, head, buffers)


def _is_result(kind: type) -> bool:
    return issubclass(kind, Result)


def reached(definition: Definition) -> Mapping[str, Task[..., Any]]:
    """Every task that the code of *definition* reaches, itself included, by reference."""
    identity = definition.identity
    names: dict[str, Any] = {} if identity is None else {t.ref: t.task for t in identity.tasks}
    return names


def tasks_in(value: object) -> list[Task[..., Any]]:
    """The tasks among resolved arguments, in order."""
    found: list[Task[..., Any]] = []
    for leaf in leaves(value, _TASKS_AND_LITERALS):
        found.extend(leaves(leaf.value, TASKS) if type(leaf) is Held else (leaf,))
    return found
