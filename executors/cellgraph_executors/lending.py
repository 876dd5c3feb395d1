"""How a worker process gets at stored values: its own handle on the store, or with the call.

A store in a folder of this machine is opened again by the worker, which maps large values. Of any
other store the worker knows nothing: values travel with the call, and with the answer.
"""

from pathlib import Path
from typing import Any, NamedTuple

from cellgraph.codecs.payload import INLINE_BYTES
from cellgraph.errors import StoreError
from cellgraph.result import Inline, Stored
from cellgraph.stores.base import Store


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
    if said.folder or not isinstance(outcome, Stored):
        return outcome
    payload = store.get_blob(outcome.blob)
    assert payload is not None  # the call has just stored it
    return Inline(outcome.ref, payload)


def take_back(outcome: Any, store: Store) -> Any:
    """In the parent: store what came with the answer."""
    if isinstance(outcome, Inline) and outcome.payload.nbytes > INLINE_BYTES:
        blob = store.put_blob(outcome.payload)
        return Stored(outcome.ref, blob, outcome.payload.nbytes)
    return outcome
