"""Why a call had to run, said once per task and run: never a miss without a name."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cellgraph.definitions import Definition
from cellgraph.digest import digest
from cellgraph.events import Missed, MissesExplained
from cellgraph.identity.tree import CodeChange, CodeNode, difference, from_bytes
from cellgraph.marks import invalidated_by_you
from cellgraph.node import Node
from cellgraph.recent import COMPARED, SAMPLED, Recent, Samples, nearest
from cellgraph.records import CallsRecord, CodeRecord, NameRecord, decode, encode
from cellgraph.refusal import refusal
from cellgraph.stores.base import Entry, Store

if TYPE_CHECKING:
    from cellgraph.active import Active

_log = logging.getLogger(__name__)
_NAME: Final = b"cellgraph.name.1"
_CODE: Final = b"cellgraph.code.1"
FIRST: Final = "first run"
NEW_ARGUMENTS: Final = "new arguments"
NOT_KEPT: Final = "no result kept"
FRESH: Final = "fresh changed"
_NAMED: Final = 4  # arguments that are named when several changed at once


def is_change(reason: str) -> bool:
    """Whether a reason says that there are results under other code."""
    return reason not in ("", FIRST, NEW_ARGUMENTS, NOT_KEPT, FRESH)


class Reasons:
    """Compares a task's present code with the code its name stood for before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = Recent(store)
        self._known: set[bytes] = set()  # task ids whose tree and name are stored

    def of(self, definition: Definition) -> tuple[str, list[Entry]]:
        """The reason, and what to store so that the next reason can be found."""
        if definition.identity is None:
            return "no identity (cache=False)", []
        if definition.id in self._known:
            return NEW_ARGUMENTS, []
        self._known.add(definition.id)
        earlier = self.ids_of(definition.name)
        if definition.id in earlier:
            return NEW_ARGUMENTS, []
        entries = [
            Entry(
                _code_key(definition.id),
                definition.zone,
                encode(CodeRecord(definition.name, definition.identity.tree.to_bytes())),
            ),
            Entry(
                _name_key(definition.name),
                definition.zone,
                encode(NameRecord(definition.id, time.time())),
            ),
        ]
        if not earlier:
            return FIRST, entries
        if definition.past_ids.intersection(earlier):
            return invalidated_by_you(definition.mark.invalidated), entries
        return self._change(earlier[0], definition.identity.tree), entries

    def previous(self, definition: Definition) -> tuple[bytes, str] | None:
        """The task id the name stood for before, and what has changed since; None if nothing."""
        earlier = self.ids_of(definition.name)
        if not earlier or definition.id in earlier or definition.identity is None:
            return None
        return earlier[0], self._change(earlier[0], definition.identity.tree)

    def ids_of(self, name: str) -> list[bytes]:
        """Task ids of this name, newest first."""
        return [task_id for task_id, _ in self.history(name)]

    def history(self, name: str) -> list[tuple[bytes, float]]:
        """Task ids of this name and when each first ran, newest first."""
        key = _name_key(name)
        records = [decode(data) for data in self._store.get_many([key]).get(key, ())]
        return [(r.task_id, r.at) for r in records if type(r) is NameRecord]

    def _change(self, earlier: bytes, now: CodeNode) -> str:
        change = self.change(earlier, now)
        if change is not None:
            return change.summary
        return "its options changed" if self.tree(earlier) is not None else "its code changed"

    def change(self, earlier: bytes, now: CodeNode) -> CodeChange | None:
        """The part of the code that differs from what the task id *earlier* stood for.

        None if nothing differs, or if the code is not known any more.
        """
        tree = self.tree(earlier)
        return None if tree is None else difference(tree, now)

    def tree(self, task_id: bytes) -> CodeNode | None:
        """The labelled code that a task id stood for, if it was kept."""
        key = _code_key(task_id)
        for data in self._store.get_many([key]).get(key, ()):
            record = decode(data)
            if type(record) is CodeRecord:
                return from_bytes(record.tree)
        return None

    # --- arguments --------------------------------------------------------------------------

    def sample(self, active: "Active", node: Node) -> None:
        """Note one of the calls that have to run; the first few of each task are enough."""
        d = node.definition
        samples = active.samples.get(d.id)
        if samples is None:
            samples = active.samples[d.id] = Samples(d.name, d.zone)
        if len(samples.calls) >= SAMPLED:
            return
        try:
            refused = refusal(active.cache, node) if len(samples.calls) < COMPARED else ""
            self._recent.add(samples, node, refused)
        except Exception:  # saying why must never hurt the run
            _log.exception("a call could not be sampled")

    def settle(self, active: "Active") -> list[Entry]:
        """Name the argument that made a task's calls run where it was one; return what to store."""
        entries: list[Entry] = []
        try:
            earlier = self._recent.earlier({s.name for s in active.samples.values()})
            for task_id, samples in active.samples.items():
                name, reason = active.reasons[task_id]
                if reason == NEW_ARGUMENTS:
                    records = [r for r in earlier[name] if r.task_id == task_id]
                    better = self._by_arguments(samples, records)
                    active.reasons[task_id] = (name, better or NEW_ARGUMENTS)
                entries += self._recent.entries(task_id, samples, active.misses[task_id])
        except Exception:  # as above
            _log.exception("the reasons of a run could not be completed")
        return entries

    def _by_arguments(self, samples: Samples, records: list[CallsRecord]) -> str:
        """What the sampled calls have in common; empty if that is nothing."""
        refused = {s.refused for s in samples.calls[:COMPARED]}
        if refused != {""}:
            return refused.pop() if len(refused) == 1 else ""
        rows = [row for record in records for row in record.rows]
        if not rows:
            return ""
        said: list[str] = []
        labels: set[tuple[str, ...]] = set()
        for sample in samples.calls[:COMPARED]:
            row = nearest(sample.arguments, rows)
            changes = self._recent.changes(sample.arguments, row) if row is not None else []
            if row is None or not changes:
                return NOT_KEPT if row is None or row.key == sample.key else FRESH
            labels.add(tuple(label for label, _ in changes))
            said.append(changes[0][1][0].summary)
        if len(labels) > 1:
            return ""
        (changed,) = labels
        if len(changed) == 1 and len(set(said)) == 1:
            return said[0]
        return f"args > {_listed(changed)} changed"

    def grouped(self, active: "Active") -> MissesExplained:
        """The reasons of a run's misses, with counts."""
        return MissesExplained(
            active.run.id,
            tuple(
                Missed(name, reason, active.misses.get(task_id, 0))
                for task_id, (name, reason) in active.reasons.items()
            ),
        )


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name_key(name: str) -> bytes:
    return digest(_NAME + name.encode())


def _code_key(task_id: bytes) -> bytes:
    return digest(_CODE + task_id)
