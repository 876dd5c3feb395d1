"""A value the engine knows by identity and hands out as private copies, never as the same object.

Scalars (`SCALARS`) are immutable and travel as themselves. Everything else travels as a `Result`:
its `ref` (identity encoding, at most a kilobyte) joins keys without touching the value again, and
`load` gives each consumer a copy of its own. In the resolved arguments of a job, containers are
plain Python containers whose leaves are scalars or results.
"""

from abc import abstractmethod
from typing import Final

from cellgraph.codecs.payload import Payload
from cellgraph.errors import LostValue
from cellgraph.identity.copying import private_copy
from cellgraph.identity.values import Referenced, restore
from cellgraph.stores.base import Store
from cellgraph.structure import ATOMS

SCALARS: Final = ATOMS


class Result(Referenced):
    """A value by identity."""

    __slots__ = ()

    @abstractmethod
    def load(self, store: Store) -> object:
        """Return a copy that nobody else holds. Thread-safe.

        Raises LostValue when the stored bytes are gone, ClassChanged when a class they need is.
        """


class Apart:
    """What a function returns to have the leaves of its container stored each by itself, so that a
    consumer of one of them never touches the others."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Held(Result):
    """A value the user passed in: kept as it is, copied for each consumer."""

    __slots__ = ("value",)

    def __init__(self, ref: bytes, value: object) -> None:
        self.ref = ref
        self.value = value

    def load(self, store: Store) -> object:
        return private_copy(self.value)


class Inline(Result):
    """A result small enough to live in its record."""

    __slots__ = ("payload",)

    def __init__(self, ref: bytes, payload: Payload) -> None:
        self.ref = ref
        self.payload = payload

    def load(self, store: Store) -> object:
        return restore(self.payload)


class Stored(Result):
    """A result that lives in the store as a blob; read when a consumer starts, never before."""

    __slots__ = ("blob", "nbytes")

    def __init__(self, ref: bytes, blob: bytes, nbytes: int) -> None:
        self.ref = ref
        self.blob = blob
        self.nbytes = nbytes

    def load(self, store: Store) -> object:
        payload = store.get_blob(self.blob)
        if payload is None:
            raise LostValue(
                f"the stored bytes of a result are gone ({self.blob.hex()[:12]}): "
                "evaluate again to recompute it"
            )
        return restore(payload)
