"""The earlier calls that a call is compared with, and which of them is the nearest.

First the few calls per run that are kept for this (`recent`); every record of the store only where
these do not decide. Reads and decodes, never on the way of a run.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cellgraph.identity.values import reference
from cellgraph.node import Node
from cellgraph.recent import Arguments, Recent, arguments_of, short
from cellgraph.records import CallRecord, Row, decode
from cellgraph.stores.base import Store


class Call(NamedTuple):
    """An earlier call of a task of the same name."""

    task_id: bytes
    row: Row


class Nearest(NamedTuple):
    """What a call is compared with: an earlier one with equal arguments, and one of equal code."""

    arguments: Arguments
    same_arguments: Call | None  # the newest, whatever its code
    same_code: Call | None  # with most equal arguments


class Earlier:
    """Finds earlier calls. One per question."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = Recent(store)

    def nearest(self, node: Node, same: frozenset[bytes], *, thorough: bool) -> Nearest:
        """The calls to compare *node* with; *same* are the task ids that count as its own.

        With *thorough* the whole store is looked through if the kept calls do not decide.
        Raises IdentityError.
        """
        now = arguments_of(node)
        name = node.definition.name
        kept = self._recent.earlier([name])[name]
        calls = [Call(record.task_id, row) for record in kept for row in record.rows]
        found = _nearest(now, calls, same)
        decided = found.same_arguments is not None or (
            found.same_code is not None and _differing(now, found.same_code.row) <= 1
        )
        if decided or not thorough:
            return found
        return _nearest(now, [*calls, *self._all(node, now)], same)

    def _all(self, node: Node, now: Arguments) -> list[Call]:
        """Every call of the task in the store, newest first, its arguments as far as they can be
        told apart by those of *node*."""
        zone, name = node.definition.zone, node.definition.name
        found: list[Call] = []
        for entry in self._store.scan():
            record = decode(entry.data) if entry.zone == zone else None
            if type(record) is CallRecord and record.task == name:
                refs = _refs(record.args, node, now)
                if refs is not None:
                    found.append(Call(record.task_id, Row(entry.key, now.labels, refs)))
        found.reverse()
        return found


def _nearest(now: Arguments, calls: list[Call], same: frozenset[bytes]) -> Nearest:
    equal = next((c for c in calls if not _differing(now, c.row)), None)
    own = [c for c in calls if c.task_id in same]
    closest = min(own, key=lambda c: _differing(now, c.row), default=None)
    return Nearest(now, equal, closest)


def _differing(now: Arguments, row: Row) -> int:
    """How many arguments differ, or are there in one of the two calls only."""
    given = dict(zip(now.labels, now.refs, strict=True))
    was = dict(zip(row.labels, row.refs, strict=True))
    return sum(given.get(label) != was.get(label) for label in given.keys() | was.keys())


def _refs(args: bytes, node: Node, now: Arguments) -> tuple[bytes, ...] | None:
    """The arguments in a record, told apart by those they are compared with.

    Encodings are self-delimiting, so an equal one at the same place is the same argument; one that
    differs between equal ones is what lies between them. None where that cannot be said.
    """
    if args == node.args_ref:
        return now.refs
    parts = [reference(value) for value in now.values]
    whole = b"".join(parts)
    if node.kwargs or node.definition.ignored or not whole or not node.args_ref.endswith(whole):
        return None
    head = node.args_ref[: -len(whole)]
    if not args.startswith(head):
        return None
    return tuple(_told_apart(args, len(head), parts))


def _told_apart(args: bytes, start: int, parts: list[bytes]) -> Iterator[bytes]:
    first, stop, last = 0, len(args), len(parts)
    while first < last and args.startswith(parts[first], start):
        start += len(parts[first])
        first += 1
    while last > first and stop - len(parts[last - 1]) >= start:
        if not args.endswith(parts[last - 1], start, stop):
            break
        last -= 1
        stop -= len(parts[last])
    unknown = args[start:stop] if last - first == 1 else b""
    for place, part in enumerate(parts):
        yield short(unknown if first <= place < last else part)
