"""Some calls of each task, kept so that the next reason can name the argument that changed.

A run samples the first calls of each task that it has to run, and writes one small record per task
when it ends: keys, and the identity of each argument by its name. What an argument was made of is
kept beside it as an outline, once per value. Calls that are found cost nothing.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from cellgraph.codecs.payload import Payload
from cellgraph.digest import digest
from cellgraph.errors import CellgraphError
from cellgraph.identity.values import reference, restore
from cellgraph.identity.wire import FOLD
from cellgraph.node import Node
from cellgraph.outline import Change, Opened, as_it_is, differences, outline
from cellgraph.records import CallRecord, CallsRecord, Outline, OutlineRecord, Row, decode, encode
from cellgraph.stores.base import Entry, Store
from cellgraph.structure import ATOMS

SAMPLED: Final = 32  # calls kept per task and run
COMPARED: Final = 3  # calls whose arguments are compared when a run ends
_CALLS: Final = b"cellgraph.calls.1"
_OUTLINE: Final = b"cellgraph.outline.1"
_LONG: Final = 256  # identities longer than this are kept by their digest
_ATOM_TAGS: Final = b"NTFiIfcsb"
_TIMED: Final = 64  # earlier calls of a task whose times are read
_OUTLINES_S: Final = 0.25  # spent on one task in one run


class Arguments(NamedTuple):
    """The arguments of a call by name: their identities, and what the engine holds of them."""

    labels: tuple[str, ...]
    refs: tuple[bytes, ...]
    values: tuple[object, ...]


class Sample(NamedTuple):
    """One call that has to run; `refused` says why a stored result of it was not taken."""

    key: bytes
    arguments: Arguments
    refused: str


class Samples:
    """The sampled calls of one task in one run."""

    def __init__(self, name: str, zone: int) -> None:
        self.name = name
        self.zone = zone
        self.calls: list[Sample] = []
        self.outlines: dict[bytes, Outline] = {}
        self.spent_s = 0.0


def arguments_of(node: Node) -> Arguments:
    """The resolved arguments of *node* as they join its key. Raises IdentityError."""
    names = node.definition.task.parameter_names
    ignored = node.definition.ignored
    named: dict[str | int, tuple[str, object]] = {
        i: (names[i] if i < len(names) else f"[{i}]", a) for i, a in enumerate(node.args)
    }
    named.update({k: (k, v) for k, v in node.kwargs.items()})
    kept = [pair for at, pair in named.items() if at not in ignored]
    refs = tuple([short(reference(value)) for _, value in kept])
    return Arguments(tuple([label for label, _ in kept]), refs, tuple([v for _, v in kept]))


class Recent:
    """Reads and writes what is kept of calls. Any thread; each method stands alone."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- while a run goes on ----------------------------------------------------------------

    def add(self, samples: Samples, node: Node, refused: str) -> None:
        """Note a call that has to run, and outline what its arguments are made of."""
        try:
            arguments = arguments_of(node)
        except CellgraphError:
            return
        samples.calls.append(Sample(node.key, arguments, refused))
        for ref, value in zip(arguments.refs, arguments.values, strict=True):
            if type(value) in ATOMS or ref in samples.outlines or samples.spent_s > _OUTLINES_S:
                continue
            if self._store.get_many([_outline_key(ref)]):
                continue
            began = time.perf_counter()
            made = _outlined(value)
            if made is not None:
                samples.outlines[ref] = made
            samples.spent_s += time.perf_counter() - began

    def entries(self, task_id: bytes, samples: Samples, calls: int) -> list[Entry]:
        """What to store of *samples*, out of *calls* that had to run."""
        rows = tuple(Row(s.key, s.arguments.labels, s.arguments.refs) for s in samples.calls)
        record = CallsRecord(task_id, time.time(), rows, calls)
        found = [Entry(_calls_key(samples.name), samples.zone, encode(record))]
        for ref, made in samples.outlines.items():
            found.append(Entry(_outline_key(ref), samples.zone, encode(OutlineRecord(made))))
        return found

    # --- afterwards ---------------------------------------------------------------------------

    def earlier(self, names: Iterable[str]) -> dict[str, list[CallsRecord]]:
        """The kept calls of each task name, newest first."""
        keys = {name: _calls_key(name) for name in names}
        stored = self._store.get_many(list(keys.values()))
        found: dict[str, list[CallsRecord]] = {}
        for name, key in keys.items():
            records = [decode(data) for data in stored.get(key, ())]
            found[name] = [r for r in records if type(r) is CallsRecord]
        return found

    def times(self, names: Iterable[str]) -> dict[str, float]:
        """How many seconds a call of each task took: the median of some, whatever their code."""
        found: dict[str, float] = {}
        for name, records in self.earlier(names).items():
            keys = [row.key for record in records for row in record.rows][:_TIMED]
            stored = self._store.get_many(keys) if keys else {}
            calls = [decode(data) for several in stored.values() for data in several]
            elapsed_s = [call.elapsed_s for call in calls if type(call) is CallRecord]
            if elapsed_s:
                found[name] = median(elapsed_s)
        return found

    def changes(
        self, now: Arguments, row: Row, opened: Opened = as_it_is
    ) -> list[tuple[str, list[Change]]]:
        """Each argument that differs from an earlier call, by name, and in which parts."""
        before = dict(zip(row.labels, row.refs, strict=True))
        found: list[tuple[str, list[Change]]] = []
        for label, ref, value in zip(*now, strict=True):
            was = before.pop(label, None)
            if was is None:
                found.append((label, [Change(("args", label), "added")]))
            elif was != ref:
                found.append((label, self._parts(label, was, value, opened)))
        found += [(label, [Change(("args", label), "removed")]) for label in before]
        return found

    def _parts(self, label: str, was: bytes, value: object, opened: Opened) -> list[Change]:
        old, new = self._outline_of(was), _outlined(value)
        path = ("args", label)
        found = differences(old, new, opened, path) if old is not None and new is not None else []
        return found or [Change(path, "changed")]

    def _outline_of(self, ref: bytes) -> Outline | None:
        """The outline of an earlier argument: a scalar is its own, the others are looked up."""
        if ref[:1] in _TAGS:
            try:
                return outline(restore(Payload(ref), code=False))
            except CellgraphError:  # a long text, by its digest
                return None
        key = _outline_key(ref)
        for data in self._store.get_many([key]).get(key, ()):
            record = decode(data) if type(data) is bytes else None  # it may name a payload
            if type(record) is OutlineRecord:
                return record.outline
        return None


_TAGS: Final = frozenset(bytes((tag,)) for tag in _ATOM_TAGS)


def nearest(now: Arguments, rows: Sequence[Row]) -> Row | None:
    """The earlier call with most equal arguments, the newest of several."""
    given: Mapping[str, bytes] = dict(zip(now.labels, now.refs, strict=True))
    best, most = None, -1
    for row in rows:
        same = sum(given.get(n) == r for n, r in zip(row.labels, row.refs, strict=True))
        if same > most:
            best, most = row, same
    return best


def _outlined(value: Any) -> Outline | None:
    try:
        return outline(value)
    except Exception:  # a user's class may raise anything while it is looked at
        return None


def short(ref: bytes) -> bytes:
    """The identity of an argument as it is kept: itself, or its digest where it is long."""
    return ref if len(ref) <= _LONG else FOLD + digest(ref)


def _calls_key(name: str) -> bytes:
    return digest(_CALLS + name.encode())


def _outline_key(ref: bytes) -> bytes:
    return digest(_OUTLINE + ref)
