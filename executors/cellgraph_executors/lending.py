"""How a worker process gets at stored values: its own handle on the store, or with the call.

A store in a folder of this machine is opened again by the worker, which maps large values. Of any
other store the worker knows nothing: values travel with the call, and with the answer.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.codecs.payload import INLINE_BYTES
from cellgraph.errors import StoreError
from cellgraph.result import Inline, Stored
from cellgraph.stores.base import Store
from cellgraph.structure import rebuild

_STORED: Final = frozenset({Stored})
_INLINE: Final = frozenset({Inline})


class Lent(NamedTuple):
    """What a worker is told about the store: its folder, or nothing."""

    folder: str


def lent(store: Store) -> Lent:
    """Return what to tell workers about *store*."""
    from cellgraph.stores.local import LocalStore

    return Lent(str(store.root) if isinstance(store, LocalStore) else "")


def open_lent(said: Lent) -> Store:
    """In a worker: return the store for the next call; an empty one where values travel."""
    if said.folder:
        from cellgraph.stores.local import LocalStore

        return LocalStore(Path(said.folder))
    from cellgraph.stores.memory import MemoryStore

    return MemoryStore()


def lend(leaf: Any, store: Store, said: Lent) -> Any:
    """In the parent: make a stored argument readable for a worker.

    Raises StoreError when its bytes are gone.
    """
    if said.folder or not isinstance(leaf, Stored):
        return leaf
    payload = store.get_blob(leaf.blob)
    if payload is None:
        raise StoreError(
            f"the stored bytes of an argument are gone ({leaf.blob.hex()[:12]}): evaluate again"
        )
    return Inline(leaf.ref, payload)


def hand_over(outcome: Any, store: Store, said: Lent) -> Any:
    """In a worker: put a stored outcome into the answer if the parent could not read it."""

    def packed(part: Stored) -> Inline:
        payload = store.get_blob(part.blob)
        assert payload is not None  # the call has just stored it
        return Inline(part.ref, payload)

    return outcome if said.folder else rebuild(outcome, packed, _STORED.__contains__)


def take_back(outcome: Any, store: Store) -> Any:
    """In the parent: store what came with the answer."""

    def unpacked(part: Inline) -> Inline | Stored:
        if part.payload.nbytes <= INLINE_BYTES:
            return part
        return Stored(part.ref, store.put_blob(part.payload), part.payload.nbytes)

    # a container of results comes from a call that stores each of them by itself
    return rebuild(outcome, unpacked, _INLINE.__contains__)
