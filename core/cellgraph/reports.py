"""Reports of runs, kept in the store: a page, and the executed notebook; and bundles, by content.

`reports/<stamp>.html` and `.ipynb` beside `runs/<stamp>.json`; `bundles/<digest>`.
"""

from typing import Final, Literal

from cellgraph.errors import ExportError, StoreError
from cellgraph.exported.bundle import Bundle, unpack
from cellgraph.pages import PROMISE
from cellgraph.provenance import RunSummary
from cellgraph.stores.base import Store

_FOLDER: Final = "reports"
Kind = Literal["html", "ipynb"]


class Reports:
    """Writes and reads what is kept of runs. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, run: RunSummary, kind: Kind, text: str) -> None:
        """Keep one document of a run. Raises StoreError."""
        self._store.write_file(f"{_FOLDER}/{run.stamp}.{kind}", text.encode())

    def get(self, run: RunSummary, kind: Kind) -> str | None:
        """A document of a run; None if none is kept.

        Raises StoreError for a page that does not forbid scripts: whoever can write to a bucket
        could have put it there.
        """
        data = self._store.read_file(f"{_FOLDER}/{run.stamp}.{kind}")
        text = None if data is None else data.decode("utf-8", "replace")
        if text is not None and kind == "html" and not text.startswith(PROMISE):
            raise StoreError(
                f"the report of run {run.id} is not one that Cellgraph wrote: left out"
            )
        return text


def keep_bundle(store: Store, bundle: Bundle) -> None:
    """Keep a bundle under its digest, once. Raises StoreError."""
    name, data = f"bundles/{bundle.id}", bundle.pack()
    if store.read_file(name) != data:  # there is none, or it was damaged
        store.write_file(name, data)


def kept_bundle(store: Store, id: str) -> Bundle:
    """The bundle that is kept under *id*. Raises ExportError when it is gone or another one.

    What is in it is code: the caller has seen to it that its writer is trusted.
    """
    if len(id) != 64 or not set(id) <= set("0123456789abcdef"):
        raise ExportError(f"{id!r} is no bundle's digest")
    data = store.read_file(f"bundles/{id}")
    if data is None:
        raise ExportError(f"bundle {id[:12]} is not in this store: export the notebook again")
    found = unpack(data)
    if found.id != id:
        raise ExportError(f"bundle {id[:12]} in this store is damaged: export the notebook again")
    return found
