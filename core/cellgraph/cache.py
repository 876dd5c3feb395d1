"""The lookups, and what is written for each reduction.

- Graph record: the whole unevaluated expression, or a call that reduced to one -> final value,
  valid while each verified dependency still resolves to the same identity.
- Call record: task identity and evaluated arguments -> one reduction, a value or an expression.
- Pending calls are the scheduler's: the same call in flight is joined there.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from cellgraph.codecs.payload import INLINE_BYTES, Payload
from cellgraph.collector import keeping, read_of
from cellgraph.definitions import Definition, Definitions
from cellgraph.dependencies import Sets, Verifier, ignored_by
from cellgraph.edges import Edges, reached
from cellgraph.errors import CodecError, IdentityError
from cellgraph.executor import JobDone, Unreduced
from cellgraph.graphs import Hole, Unnamed, pack, unpack
from cellgraph.identity.values import restore, snapshot
from cellgraph.node import Node
from cellgraph.places import Read, Roots
from cellgraph.records import (
    CallRecord,
    Edge,
    FinalRecord,
    ForgottenRecord,
    Graph,
    Piece,
    Value,
    decode,
    encode,
)
from cellgraph.result import Held, Inline, Result, Stored
from cellgraph.scripting import reference_of, referred
from cellgraph.secret import refuse_stored
from cellgraph.storedvalues import StoredValues
from cellgraph.stores.base import Entry, Store
from cellgraph.structure import ATOMS, leaves, rebuild
from cellgraph.task import Task
from cellgraph.taskvalue import TASKS

_MOST_S: Final = 3.2e8  # ten years
_TASKS_AND_LITERALS: Final = TASKS | {Held}


class Found(NamedTuple):
    """What the store knows of a call: a value or `Unreduced`, and what it had cost."""

    outcome: object
    calls: int
    elapsed_s: float
    reads: tuple[bytes, ...] = ()  # sets of reads that it rests on (see `dependencies`)


class Cache:
    """Reads and writes records for one run."""

    def __init__(
        self,
        store: Store,
        definitions: Definitions,
        run: str,
        now: Callable[[], float],
        roots: Roots,
    ) -> None:
        """*roots*: what files are named by."""
        self.store = store
        self.sets = Sets()
        self.verifier = Verifier(store, roots)
        self._run = run
        self._now = now
        self.finals = True  # final values may answer for calls that reduced to expressions
        self.forgotten: dict[bytes, float] = {}  # calls whose results were invalidated, and when
        self.distrusted: dict[bytes, float] = {}  # calls with results nobody vouches for: seconds
        self._values = StoredValues(store)
        self._edges = Edges(definitions)
        self._references: dict[bytes, dict[int, str]] = {}

    # --- reading ----------------------------------------------------------------------------

    def find(self, nodes: Sequence[Node]) -> list[Found | None]:
        """Look up calls, all at once. None: it has to run."""
        keys = [n.key for n in nodes if n.definition.cached]
        known = self.store.get_many(keys) if keys else {}
        if not known:
            return [None] * len(nodes)
        self.verifier.again()
        return [
            self._pick(node, known[node.key])
            if node.definition.cached and node.key in known
            else None
            for node in nodes
        ]

    def find_graph(self, key: bytes, tasks: Iterable[Definition]) -> Found | None:
        """Look up a whole expression."""
        self.verifier.again()
        roots = tuple(tasks)
        shallow = all(d.options.check == "shallow" for d in roots)
        for data in self.store.get_many([key]).get(key, ()):
            record = decode(data)
            if type(record) is FinalRecord:
                found = self._final(record, roots, shallow=shallow, code=type(data) is bytes)
                if found is not None:
                    return found
        return None

    def _pick(self, node: Node, stored: tuple[bytes, ...]) -> Found | None:
        """The newest valid final value if there is one, else the newest reduction."""
        calls: list[CallRecord] = []
        for data in stored:
            record = decode(data)
            whole = type(data) is bytes
            found = None
            if type(record) is CallRecord:
                if type(record.outcome) is Value:
                    found = self._value_found(node, record, code=whole)
                if whole:  # an expression says what is to be called: that is code
                    calls.append(record)
            elif type(record) is FinalRecord and self._may_answer(node):
                shallow = node.definition.options.check == "shallow"
                found = self._final(record, self._roots_of(node), shallow=shallow, code=whole)
            elif type(record) is ForgottenRecord:
                self.forgotten[node.key] = record.at
                break  # the rest is older
            if found is not None:
                return found
        for call in calls:
            if type(call.outcome) is Graph and self._is_young(node, call):
                if self.stale(node, call):
                    continue
                value = self._graph(node, call.outcome)
                if value is not None:
                    return Found(Unreduced(value), 1, call.elapsed_s, self._renewed(call.reads))
        self._note_distrusted(node, stored)
        return None

    def _note_distrusted(self, node: Node, stored: tuple[bytes, ...]) -> None:
        """Count a call that would have been answered if its records were believed."""
        for data in stored:
            if type(data) is not bytes:
                record = decode(bytes(data))
                if type(record) is ForgottenRecord:
                    return
                if type(record) is CallRecord and self._is_young(node, record):
                    self.distrusted[node.key] = _seconds(record.elapsed_s)
                    return

    def stale(self, node: Node, record: CallRecord) -> str:
        """What has changed of what the recorded call read; empty if nothing has."""
        if not record.reads:
            return ""
        ignored = ignored_by(node.definition.options.check, final=False)
        return self.verifier.why_not((record.reads,), ignored)

    def _renewed(self, reads: bytes) -> tuple[bytes, ...]:
        if not reads:
            return ()
        now = self.verifier.renewed(reads)
        return (reads,) if now is None else (self.sets.add(now),)

    def _value_found(self, node: Node, record: CallRecord, *, code: bool) -> Found | None:
        assert type(record.outcome) is Value
        if not self._is_young(node, record) or self.stale(node, record):
            return None
        reads = (record.reads,) if record.reads else ()
        try:
            value = self.value_of(record.outcome, code=code)
            return Found(value, 1, _seconds(record.elapsed_s), reads)
        except CodecError:
            return None

    def _is_young(self, node: Node, record: CallRecord) -> bool:
        limit = node.definition.options.expires_after_s
        return limit is None or self._now() - record.started < limit

    def _may_answer(self, node: Node) -> bool:
        """Whether a final value under the call's key may stand for all that is below it."""
        return self.finals and node.name == node.key and node.definition.reproducible

    def _roots_of(self, node: Node) -> list[Definition]:
        """The tasks that the key of a call names: its own, and those among its arguments."""
        given = tasks_in((node.args, dict(node.kwargs)))
        return [node.definition, *(self._edges.define(task) for task in given)]

    def _graph(self, node: Node, graph: Graph) -> object:
        payload = self._values.payload(graph.piece)
        if payload is None:
            return None
        names = self._names_in(node)

        def resolve(name: str) -> Task[..., Any] | None:
            task = names.get(name) or referred(name)
            if task is not None:
                self._edges.note(node.definition, name, task)
            return task

        try:
            nodes: Any = restore(payload)
            return unpack(nodes, resolve)
        except (CodecError, KeyError, IdentityError):
            return None

    def _final(
        self, record: FinalRecord, roots: Sequence[Definition], *, shallow: bool, code: bool
    ) -> Found | None:
        """The final value, if every task edge still leads to the same identity, and what was read
        is as it was."""
        if not self._edges.hold(record.edges, roots):
            return None
        if record.reads:
            ignored = ignored_by("shallow" if shallow else None, final=True)
            if self.verifier.why_not(record.reads, ignored):
                return None
        try:
            value = self.value_of(record.value, code=code)
        except CodecError:
            return None
        self._edges.note_all(record.edges)
        return Found(value, record.calls, _seconds(record.elapsed_s), record.reads)

    def value_of(self, value: Value, *, code: bool = True) -> object:
        """See `StoredValues.value`."""
        return self._values.value(value, code=code)

    # --- references -------------------------------------------------------------------------

    def _names_in(self, node: Node) -> dict[str, Task[..., Any]]:
        """Every task that a call reaches: through its code, and through its arguments."""
        names = dict(reached(node.definition))
        for i, task in enumerate(tasks_in((node.args, dict(node.kwargs)))):
            names[f"arg:{i}"] = task
        return names

    def _references_of(self, caller: Definition) -> dict[int, str]:
        known = self._references.get(caller.own)
        if known is None:
            known = {id(task.func): name for name, task in reached(caller).items()}
            self._references[caller.own] = known
        return known

    # --- writing ----------------------------------------------------------------------------

    def value_entry(self, node: Node, done: JobDone, log: str) -> Entry:
        """The record of a call that returned a value. Thread-safe: only reads the node.

        What `sets.unsaved()` names has to be written before it, and so for all entries below.
        """
        reads = self.sets.add(done.reads) if done.reads else b""
        return self._call_entry(node, done, self.kept_value(done.outcome), log, reads)

    def graph_entry(self, node: Node, done: JobDone, log: str) -> Entry | None:
        """The record of a call that returned an expression; None if a task in it has no name."""
        assert type(done.outcome) is Unreduced
        with keeping() as files:
            graph = self._kept_graph(node, done.outcome.expression)
        if graph is None:
            return None
        literals = [read_of("literal", file, self.verifier.roots) for file in files]
        if literals or done.reads:
            self.rest(node, (*done.reads, *literals))
        return self._call_entry(node, done, graph, log, node.read)

    def rest(self, node: Node, reads: Sequence[Read]) -> None:
        """The outcome of a call or rule rests on *reads*; said once per node. Owner thread."""
        if not node.read:
            node.read = self.sets.add(reads)
            if node.read:
                node.rests_on(node.read)

    def _call_entry(
        self, node: Node, done: JobDone, kept: Value | Graph, log: str, reads: bytes
    ) -> Entry:
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
            reads=reads,
            cpu_s=done.usage.cpu_s if done.usage is not None else 0.0,
            peak_bytes=done.usage.peak_bytes if done.usage is not None else 0,
        )
        return Entry(node.key, definition.zone, encode(record))

    def _kept_graph(self, node: Node, value: object) -> Graph | None:
        names = self._references_of(node.definition)
        if node.kwargs or any(type(a) not in ATOMS for a in node.args):
            names = {id(t.func): name for name, t in self._names_in(node).items()} | names

        def name_of(task: Task[..., Any]) -> str | None:
            name = names.get(id(task.func)) or reference_of(task)
            if name is not None:
                self._edges.note(node.definition, name, task)
            return name

        try:
            ref, payload = snapshot(pack(value, name_of))
            refuse_stored(payload)
            return Graph(self._stored_piece(ref, payload))
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
        reads: tuple[bytes, ...],
    ) -> Entry:
        """The graph record of an expression whose tasks are *roots* (by `Definition.edge`), or of
        a call (one root)."""
        edges: dict[Edge, None] = {}
        for root in roots:
            edges.update(dict.fromkeys(self._edges.below(root)))
        with keeping() as files:  # those that the user handed in: calls name their own
            kept = self.kept_value(value)
        if files:
            own = self.sets.add(read_of("result", file, self.verifier.roots) for file in files)
            reads = (*reads, own)
        record = FinalRecord(kept, tuple(edges), calls, elapsed_s, self._run, reads)
        return Entry(key, zone, encode(record))


def _inline_piece(ref: bytes, payload: Payload) -> Piece:
    head = payload.head
    buffers = tuple([bytes(b.data) for b in payload.buffers])
    return Piece(b"" if ref == head else ref, head, buffers)


def _seconds(said: float) -> float:
    """What a record claims that a call took, as far as it can be."""
    return said if 0.0 <= said <= _MOST_S else 0.0


def _is_result(kind: type) -> bool:
    return issubclass(kind, Result)


def tasks_in(value: object) -> list[Task[..., Any]]:
    """The tasks among resolved arguments, in order."""
    found: list[Task[..., Any]] = []
    for leaf in leaves(value, _TASKS_AND_LITERALS):
        found.extend(leaves(leaf.value, TASKS) if type(leaf) is Held else (leaf,))
    return found
