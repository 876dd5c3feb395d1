"""Keeps the bytes of payloads within a size: those that are in the bucket may go, oldest use first.

diskcache does the accounting and evicts; the files are those of the local tier, so reading one asks
nobody here. A payload that is not yet in the bucket is not registered, hence never evicted.

diskcache pickles what it does not know. Here keys are digests and values file names: its serialiser
is replaced by one that refuses everything else, so its database can hold nothing that is executed.

Threading: one thread owns an instance (SQLite connections of diskcache belong to threads).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false
# diskcache has no type hints.

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

# diskcache has no type hints.
import diskcache  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from diskcache.core import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    MODE_BINARY,
)

from cellgraph.digest import DIGEST_BYTES

_FOLDER: Final = "blobs"
# For each payload that comes, so many go while the folder is too large.
_EVICT_AT_ONCE: Final = 2
_HEX: Final = frozenset("0123456789abcdef")


class Refusal(TypeError):
    """A key or a value is not what this cache holds."""


class FilesOnly(diskcache.Disk):  # type: ignore[misc]  # the base is untyped
    """Serialiser of diskcache for one purpose: digest -> file of the tier. It pickles nothing."""

    def put(self, key: object) -> tuple[Any, bool]:
        """The database's form of a key."""
        if type(key) is not bytes or len(key) != DIGEST_BYTES:
            raise Refusal("a key must be a digest")
        return sqlite3.Binary(key), True

    def get(self, key: object, raw: bool) -> bytes:
        """The key of a database's row."""
        if not raw or not isinstance(key, (bytes, memoryview)):
            raise Refusal("a row of the cache has a key that is no digest")
        return bytes(key)

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, str, None]:
        """Columns of a value: a `Path` to a file that is in its place already."""
        if not isinstance(value, Path) or read:
            raise Refusal("a value must be the path of a file")
        return value.stat().st_size, MODE_BINARY, f"{value.parent.name}/{value.name}", None

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> str:
        """The value of a row: the name of its file. The file itself is not read here."""
        if mode != MODE_BINARY or value is not None or not _is_name(filename):
            raise Refusal("a row of the cache has a value that is no file of it")
        return str(filename)

    def remove(self, file_path: str) -> None:
        """Delete the file of an evicted row."""
        if _is_name(file_path):
            with suppress(OSError):
                (Path(self._directory).parent / _FOLDER / file_path).unlink()


class BlobTier:
    """The accounts of the folder `blobs` beside *folder*, up to *limit_bytes*."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._cache: Any = diskcache.Cache(
            str(folder),
            disk=FilesOnly,
            size_limit=limit_bytes,
            eviction_policy="least-recently-used",
            cull_limit=_EVICT_AT_ONCE,
        )

    def register(self, digests: Iterable[bytes], path_of: Callable[[bytes], Path]) -> None:
        """These payloads are in the bucket: their files may be evicted."""
        for digest in digests:
            with suppress(FileNotFoundError), self._cache.transact(retry=True):
                # Setting it anew would delete the file as the old value of the row.
                if digest not in self._cache:
                    self._cache.set(digest, path_of(digest))

    def used(self, digests: Iterable[bytes]) -> None:
        """These payloads were read."""
        for digest in digests:
            self._cache.get(digest, retry=True)

    def registered(self) -> set[bytes]:
        """The payloads that may be evicted."""
        return set(self._cache)

    def close(self) -> None:
        """Let go, on the owning thread."""
        self._cache.close()


def _is_name(name: str | None) -> bool:
    """Whether *name* is `aa/<64 hex digits>`."""
    folder, _, file = (name or "").partition("/")
    return len(file) == 2 * DIGEST_BYTES and file[:2] == folder and _HEX.issuperset(file)
