"""The arguments of an earlier call, made again from what its record says of them.

A record names its arguments by their identity. That is the value itself where nothing was folded;
a large argument that was a result is found among the stored results. Nothing else can be made
again: a large literal, a file that is gone, a class that has changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.definitions import Definition
from cellgraph.errors import CellgraphError, CodecError
from cellgraph.identity.reading import Reader, read
from cellgraph.identity.values import restore
from cellgraph.records import CallRecord, Piece, Value, decode
from cellgraph.stores.base import Store

_TUPLE: Final = b"(g"

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


class Recall:
    """Makes arguments again. Reads the whole store when the first large one is met."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._results: dict[bytes, Piece] | None = None
        self._lengths: tuple[int, ...] = ()

    def arguments(self, record: CallRecord, definition: Definition) -> Arguments | None:
        """Positional and keyword arguments of an earlier call; None if they cannot be had."""
        named = self.said(record.args)
        if named is None:
            return None
        return _with_ignored(named[0], dict(named[1]), definition)

    def said(self, ref: bytes) -> Arguments | None:
        """What the identity of a call's arguments tells of them; None if that is too little."""
        try:
            form, said = ref[:1], ref[1:]
            pair: Any = restore(Payload(said)) if form == b"k" else (self._positional(said), {})
            return tuple(pair[0]), dict(pair[1])
        except (CellgraphError, ValueError, IndexError, TypeError):
            return None

    def _positional(self, said: bytes) -> tuple[Any, ...]:
        try:
            whole: Any = restore(Payload(said))
        except CellgraphError:
            return tuple(self._one_by_one(said))
        return tuple(whole)

    def _one_by_one(self, said: bytes) -> list[Any]:
        if not said.startswith(_TUPLE):
            raise CodecError("the arguments are known by their digest alone")
        reader = Reader(Payload(said))
        reader.pos = len(_TUPLE)
        values: list[Any] = []
        for _ in range(reader.length()):
            piece = self._result_at(said, reader.pos)
            if piece is None:
                values.append(read(reader))
            else:
                values.append(self._load(piece))
                reader.pos += len(piece.ref)
        if reader.pos != len(said):
            raise CodecError("the arguments are followed by other bytes")
        return values

    def _result_at(self, said: bytes, at: int) -> Piece | None:
        if self._results is None:
            self._results = self._find_results()
            self._lengths = tuple(sorted({len(ref) for ref in self._results}, reverse=True))
        for n in self._lengths:
            found = self._results.get(said[at : at + n])
            if found is not None:
                return found
        return None

    def _find_results(self) -> dict[bytes, Piece]:
        found: dict[bytes, Piece] = {}
        for entry in self._store.scan():
            record = decode(entry.data) if type(entry.data) is bytes else None
            outcome = record.outcome if type(record) is CallRecord else None
            if type(outcome) is Value and outcome.piece.ref and not outcome.leaves:
                found[outcome.piece.ref] = outcome.piece
        return found

    def _load(self, piece: Piece) -> object:
        if not piece.blob:
            return restore(Payload(piece.head, tuple([Buffer.of(b) for b in piece.buffers])))
        payload = self._store.get_blob(piece.blob)
        if payload is None:
            raise CodecError("the stored bytes are gone")
        return restore(payload)


def _with_ignored(
    args: tuple[Any, ...], kwargs: dict[str, Any], definition: Definition
) -> Arguments | None:
    """Arguments that are left out of the key get their defaults."""
    task = definition.task
    filled = list(args)
    for at in definition.ignored:
        name = task.parameter_names[at] if isinstance(at, int) else at
        if isinstance(at, int) and at < len(filled):
            if name not in task.defaults:
                return None
            filled[at] = task.defaults[name]
        elif name in kwargs:
            if name not in task.defaults:
                return None
            kwargs[name] = task.defaults[name]
    return tuple(filled), kwargs


def calls_of(store: Store, definition: Definition) -> Iterable[tuple[bytes, CallRecord]]:
    """Key and record of every stored call of a task name that is believed whole, oldest first;
    reads the whole store."""
    for entry in store.scan():
        if entry.zone == definition.zone and type(entry.data) is bytes:
            record = decode(entry.data)
            if type(record) is CallRecord and record.task_id == definition.id:
                yield entry.key, record
