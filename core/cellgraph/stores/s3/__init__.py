"""The store in a bucket. AWS's libraries, and the store itself, are imported when first used: a
worker reads the bucket without one."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellgraph.stores.s3.bucket import Access
    from cellgraph.stores.s3.pace import Pace
    from cellgraph.stores.s3.store import S3Store

__all__ = ["Access", "Pace", "S3Store"]

_LATER = {"Access": "bucket", "Pace": "pace", "S3Store": "store"}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{module}"), name)
