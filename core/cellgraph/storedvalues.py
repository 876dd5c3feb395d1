"""From what a record says of a value to what the engine keeps of it.

Thread: one at a time.
"""

from typing import Final

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import CodecError
from cellgraph.graphs import Hole
from cellgraph.identity.values import restore
from cellgraph.records import Piece, Value
from cellgraph.result import Inline, Stored
from cellgraph.stores.base import Store
from cellgraph.structure import ATOMS, rebuild

_HOLES: Final = frozenset({Hole})


class StoredValues:
    """Opens the values that records hold or name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._harmless: set[bytes] = set()  # payloads that hold nothing but data

    def value(self, value: Value, *, code: bool) -> object:
        """What the engine keeps of a stored value. Raises CodecError when its bytes are gone,
        Untrusted for what runs code unless *code* may run."""
        if not value.leaves:
            return self._piece(value.piece, code)
        filled = [self._piece(leaf, code) for leaf in value.leaves]
        payload = self.payload(value.piece)
        if payload is None:
            raise CodecError("the stored bytes are gone")
        skeleton = restore(payload, code=code)
        try:
            return rebuild(skeleton, lambda hole: filled[hole.at], _HOLES.__contains__)
        except (IndexError, TypeError) as error:  # written by nobody of ours
            raise CodecError("a stored value names parts that it does not have") from error

    def payload(self, piece: Piece) -> Payload | None:
        """The bytes of a piece; None when they are gone."""
        if piece.blob:
            return self._store.get_blob(piece.blob)
        return Payload(piece.head, tuple([Buffer.of(b) for b in piece.buffers]))

    def _piece(self, piece: Piece, code: bool) -> object:
        if piece.blob:
            if not self._store.has_blob(piece.blob):
                raise CodecError("the stored bytes are gone")
            if not code:
                self._check_data(piece.blob)
            return Stored(piece.ref, piece.blob, piece.nbytes)
        payload = Payload(piece.head, tuple([Buffer.of(b) for b in piece.buffers]))
        # small; decoding it now also proves that its classes are there
        value = restore(payload, code=code)
        return value if type(value) in ATOMS else Inline(piece.ref or piece.head, payload)

    def _check_data(self, blob: bytes) -> None:
        """Read a payload that nobody vouches for, once, before anybody is given it."""
        if blob not in self._harmless:
            payload = self._store.get_blob(blob)
            if payload is None:
                raise CodecError("the stored bytes are gone")
            restore(payload, code=False)
            self._harmless.add(blob)
