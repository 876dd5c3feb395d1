"""The store in a local folder."""

from cellgraph.stores.local.store import LocalStore

__all__ = ["LocalStore"]
