"""Why a call had to run, said once per task and run: never a miss without a name."""

import time
from typing import TYPE_CHECKING, Final

from cellgraph.definitions import Definition
from cellgraph.digest import digest
from cellgraph.events import Missed, MissesExplained
from cellgraph.identity.tree import CodeNode, difference, from_bytes
from cellgraph.records import CodeRecord, NameRecord, decode, encode
from cellgraph.stores.base import Entry, Store

if TYPE_CHECKING:
    from cellgraph.active import Active

_NAME: Final = b"cellgraph.name.1"
_CODE: Final = b"cellgraph.code.1"
FIRST: Final = "first run"
NEW_ARGUMENTS: Final = "new arguments"


class Reasons:
    """Compares a task's present code with the code its name stood for before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: set[bytes] = set()  # task ids whose tree and name are stored

    def of(self, definition: Definition) -> tuple[str, list[Entry]]:
        """The reason, and what to store so that the next reason can be found."""
        if definition.identity is None:
            return "no identity (cache=False)", []
        if definition.id in self._known:
            return NEW_ARGUMENTS, []
        self._known.add(definition.id)
        earlier = self._earlier(definition.name)
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
        return self._change(earlier[0], definition.identity.tree), entries

    def previous(self, definition: Definition) -> tuple[bytes, str] | None:
        """The task id the name stood for before, and what has changed since; None if nothing."""
        earlier = self._earlier(definition.name)
        if not earlier or definition.id in earlier or definition.identity is None:
            return None
        return earlier[0], self._change(earlier[0], definition.identity.tree)

    def _earlier(self, name: str) -> list[bytes]:
        """Task ids of this name, newest first."""
        key = _name_key(name)
        records = [decode(data) for data in self._store.get_many([key]).get(key, ())]
        return [r.task_id for r in records if type(r) is NameRecord]

    def _change(self, earlier: bytes, now: CodeNode) -> str:
        key = _code_key(earlier)
        for data in self._store.get_many([key]).get(key, ()):
            record = decode(data)
            if type(record) is CodeRecord:
                change = difference(from_bytes(record.tree), now)
                return change.summary if change is not None else "its options changed"
        return "its code changed"

    def grouped(self, active: "Active") -> MissesExplained:
        """The reasons of a run's misses, with counts."""
        return MissesExplained(
            active.run.id,
            tuple(
                Missed(name, reason, active.misses.get(task_id, 0))
                for task_id, (name, reason) in active.reasons.items()
            ),
        )


def _name_key(name: str) -> bytes:
    return digest(_NAME + name.encode())


def _code_key(task_id: bytes) -> bytes:
    return digest(_CODE + task_id)
