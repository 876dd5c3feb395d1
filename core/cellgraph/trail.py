"""What a store knows of where values came from, read once: calls, what they gave, what they took.

An index over all records, made for one question. About a kilobyte a call while it lasts.
"""

from collections import defaultdict
from collections.abc import Iterable

from cellgraph.links import SHORT, inputs_of
from cellgraph.places import Read
from cellgraph.records import (
    CallRecord,
    FinalRecord,
    LinksRecord,
    Piece,
    ReadsRecord,
    Value,
    decode,
)
from cellgraph.stores.base import Entry

_TELLING = 20  # an identity as long as this stands for one value when it is met inside another


class Trail:
    """The calls of a store by the beginnings of their keys."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.calls: dict[bytes, tuple[bytes, CallRecord]] = {}
        self._inputs: dict[bytes, list[bytes]] = {}
        self._below: dict[bytes, dict[bytes, None]] = defaultdict(dict)  # parent -> its body's
        self._reads: dict[bytes, ReadsRecord] = {}
        self._finals: dict[bytes, FinalRecord] = {}
        for entry in entries:
            record = decode(entry.data)
            if isinstance(record, CallRecord):
                short = entry.key[:SHORT]
                self.calls[short] = (entry.key, record)
                if record.parent:
                    self._below[record.parent[:SHORT]][short] = None
            elif isinstance(record, LinksRecord):
                self._inputs.update((link.call, inputs_of(link)) for link in record.links)
            elif isinstance(record, ReadsRecord):
                self._reads[entry.key] = record
            elif isinstance(record, FinalRecord):
                self._finals[entry.key] = record

    def inputs(self, call: bytes) -> list[bytes]:
        """The calls that a call's value rests on: of its arguments, and of its body."""
        found = dict.fromkeys(self._inputs.get(call, ()))
        used = {short for below in self._below.get(call, ()) for short in self._feeds(below)}
        body = [short for short in self._below.get(call, ()) if short not in used]
        return [short for short in (*found, *body) if short in self.calls]

    def _feeds(self, call: bytes) -> list[bytes]:
        return self._inputs.get(call, [])

    def reads(self, record: CallRecord) -> tuple[Read, ...]:
        """What a call read beside its arguments."""
        known = self._reads.get(record.reads)
        return known.reads if known is not None else ()

    def givers(self, ref: bytes) -> list[bytes]:
        """The calls that gave the value with this identity, latest first."""
        found = [
            (record.started, short)
            for short, (_, record) in self.calls.items()
            if isinstance(record.outcome, Value) and _holds(record.outcome, ref)
        ]
        return [short for _, short in sorted(found, reverse=True)]

    def writers(self, names: set[str]) -> list[bytes]:
        """The calls whose result holds the file or folder of one of these names, latest first."""
        found = [
            (record.started, short)
            for short, (_, record) in self.calls.items()
            if any(r.kind == "result" and r.name in names for r in self.reads(record))
        ]
        return [short for _, short in sorted(found, reverse=True)]


def _holds(value: Value, ref: bytes) -> bool:
    return any(_is(piece, ref) for piece in (value.piece, *value.leaves))


def _is(piece: Piece, ref: bytes) -> bool:
    known = piece.ref or piece.head
    return known == ref or (len(ref) >= _TELLING and ref in known)
