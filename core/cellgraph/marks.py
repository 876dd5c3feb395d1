"""What was said of a task after it ran: forget its results, or keep them across a change.

Small records under keys of their own. They join the identity of the task, so that every key, edge
and graph record over it changes at once, in every session on the store.
"""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from cellgraph.digest import digest
from cellgraph.records import AcceptedRecord, EpochRecord, ForgottenRecord, decode, encode
from cellgraph.stores.base import Entry, Store

_EPOCH: Final = b"cellgraph.epoch.1"
_SINGLE: Final = b"cellgraph.epoch.single.1"
_ACCEPTED: Final = b"cellgraph.accepted.1"


class Mark(NamedTuple):
    """What was said of one task, by its name and its code.

    `epochs` are the invalidations of the whole task, newest first; `single` changes when one of its
    calls is invalidated. `accepted` is the identity whose results count as the task's own.
    """

    epochs: tuple[EpochRecord, ...] = ()
    single: bytes = b""
    accepted: AcceptedRecord | None = None

    @property
    def epoch(self) -> bytes:
        """What joins the task's identity: empty if it was never invalidated."""
        return self.epochs[0].token if self.epochs else b""

    @property
    def past(self) -> tuple[bytes, ...]:
        """The epochs before the present one, newest first."""
        return (*(e.token for e in self.epochs[1:]), b"") if self.epochs else ()

    @property
    def invalidated(self) -> float:
        """When the whole task was last invalidated; 0.0: never."""
        return self.epochs[0].at if self.epochs else 0.0


UNMARKED: Final = Mark()


class Marked(Protocol):
    """Whoever knows the marks of tasks."""

    def of(self, name: str, code: bytes) -> Mark:
        """Return the mark of the task *name* whose code, with its options, is *code*."""
        ...


class NoMarks:
    """Nothing was ever said."""

    def of(self, name: str, code: bytes) -> Mark:
        """As `Marked`."""
        return UNMARKED


class Marks:
    """Reads the marks of a store; each task once, with one lookup. One per run, one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, bytes], Mark] = {}

    def of(self, name: str, code: bytes) -> Mark:
        """As `Marked`. Raises StoreError."""
        known = self._known.get((name, code))
        if known is None:
            known = self._known[name, code] = self._read(name, code)
        return known

    def _read(self, name: str, code: bytes) -> Mark:
        whole, single, accepted = _epoch_key(name), _single_key(name), _accepted_key(code)
        found = self._store.get_many([whole, single, accepted])
        if not found:
            return UNMARKED
        epochs = _epochs(found, whole)
        singles = _epochs(found, single)
        epoch = epochs[0].token if epochs else b""
        return Mark(
            epochs,
            singles[0].token if singles else b"",
            _acceptance(found.get(accepted, ()), epoch),
        )


def _epochs(found: Mapping[bytes, tuple[bytes, ...]], key: bytes) -> tuple[EpochRecord, ...]:
    decoded = [decode(data) for data in found.get(key, ())]
    return tuple(r for r in decoded if type(r) is EpochRecord)


def _acceptance(stored: tuple[bytes, ...], epoch: bytes) -> AcceptedRecord | None:
    """The newest word counts; an invalidation after it has ended it."""
    for data in stored:
        record = decode(data)
        if type(record) is AcceptedRecord:
            return None if record.revoked or record.epoch != epoch else record
    return None


def whole_entry(name: str, at: float, token: bytes) -> Entry:
    """The record that forgets every result of the task *name*. *token* is new each time."""
    return Entry(_epoch_key(name), _zone(name), encode(EpochRecord(name, at, token)))


def single_entries(name: str, call: bytes, at: float, token: bytes) -> list[Entry]:
    """The records that forget one call, by its key, and every graph record over the task."""
    return [
        Entry(call, _zone(name), encode(ForgottenRecord(at))),
        Entry(_single_key(name), _zone(name), encode(EpochRecord(name, at, token))),
    ]


def accepted_entry(name: str, code: bytes, record: AcceptedRecord) -> Entry:
    """The record that gives the code *code* the results of another."""
    return Entry(_accepted_key(code), _zone(name), encode(record))


def when(at: float) -> str:
    """A time as people read it: local, to the minute."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    except (OverflowError, ValueError, OSError):  # a record may say anything
        return "at some time"


def invalidated_by_you(at: float) -> str:
    """The reason of a miss that somebody asked for."""
    return f"invalidated by you {when(at)}"


def _zone(name: str) -> int:
    return digest(name.encode())[0]


def _epoch_key(name: str) -> bytes:
    return digest(_EPOCH + name.encode())


def _single_key(name: str) -> bytes:
    return digest(_SINGLE + name.encode())


def _accepted_key(code: bytes) -> bytes:
    return digest(_ACCEPTED + code)
