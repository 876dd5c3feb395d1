"""`format.json` of a bucket, and where its local tier lies. A newer format is never touched."""

import json
import os
import stat
import tempfile
import threading
from pathlib import Path
from typing import Final, cast

from cellgraph.digest import digest
from cellgraph.errors import StoreError
from cellgraph.stores.local import filesystem
from cellgraph.stores.local.layout import DIGEST, FORMAT
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.faults import Absent, Refused, S3Fault, Taken
from cellgraph.stores.s3.place import FORMAT_FILE

_CURRENT: Final = "current"
_UNKNOWN: Final = "unknown"
_PRIVATE: Final = 0o700
_FORMAT_BYTES: Final = 64 << 10


class Gate:
    """Whether the bucket has been found to be a store of this format. Thread-safe."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._lock = threading.Lock()
        self._store_id = ""

    def open(self) -> str:
        """Check the format, once; create the store if there is none. Returns the store's id.

        Raises StoreError for a format this code does not know, S3Fault if it cannot be seen.
        """
        with self._lock:
            if not self._store_id:
                try:
                    raw = self._bucket.get(FORMAT_FILE, at_most=_FORMAT_BYTES)
                except Absent:
                    raw = self._create()
                self._store_id = _store_id(self._bucket.location.uri, raw)
            return self._store_id

    def pass_through(self) -> None:
        """As `open` for work in the background: what is wrong with the format is a `Refused`."""
        try:
            self.open()
        except StoreError as error:
            raise Refused(str(error)) from error

    def _create(self) -> bytes:
        made = {"format": FORMAT, "digest": DIGEST, "store": os.urandom(16).hex()}
        raw = (json.dumps(made, indent=1) + "\n").encode()
        try:
            self._bucket.put(FORMAT_FILE, raw, new=True)
        except Taken:
            raw = self._bucket.get(FORMAT_FILE)
        return raw


def tier_folder(bucket: Bucket, store_id: str, cache: Path | None) -> Path:
    """The folder of the local tier of one store, created if absent.

    *store_id* is empty when the bucket cannot be asked: then it is the one met last, or a new one
    that is taken over when the id is known. *cache*: the folder of all tiers; None: the user's.

    Raises StoreError when no folder can be written.
    """
    name = digest(f"{bucket.endpoint} {bucket.location.uri}".encode()).hex()[:32]
    top = (cache or _user_cache()) / name
    try:
        top.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        _check_own(top)
        current = top / _CURRENT
        if not store_id:
            met = current.read_text("utf-8") if current.exists() else ""
            folder = top / (met if _is_id(met) else _UNKNOWN)
        else:
            folder = top / store_id
            if (top / _UNKNOWN).exists() and not folder.exists():
                (top / _UNKNOWN).replace(folder)
            current.write_text(store_id, "utf-8")
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
        _check_own(folder)
    except OSError as error:
        raise StoreError(
            f"the local tier of {bucket.location.uri} cannot be made in {top}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return folder


def _check_own(folder: Path) -> None:
    """What lies in a tier is believed as written here, so nobody else may have put it there.

    Raises StoreError.
    """
    found = folder.lstat()
    shared = stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or shared:
        raise StoreError(
            f"{folder} is a link, belongs to somebody else, or others can write to it: remove it, "
            "or set XDG_CACHE_HOME to a folder of your own"
        )


def first_look(gate: Gate) -> tuple[str, S3Fault | None]:
    """The store's id, or nothing and why the bucket cannot be asked. Raises StoreError."""
    try:
        return gate.open(), None
    except S3Fault as fault:
        return "", fault


def _user_cache() -> Path:
    import platformdirs

    cache = platformdirs.user_cache_path("cellgraph")
    if filesystem.is_local(cache, filesystem.mounts()):
        return cache / "s3"
    return Path(tempfile.gettempdir()) / f"cellgraph-{os.getuid()}-s3"


def _store_id(uri: str, raw: bytes) -> str:
    try:
        found: object = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    facts = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    number, store = facts.get("format"), facts.get("store")
    if isinstance(number, int) and number > FORMAT:
        raise StoreError(
            f"the store at {uri} has format {number}, written by a newer Cellgraph; this one reads "
            f"format {FORMAT}: upgrade cellgraph or choose another store. Nothing was changed"
        )
    if not isinstance(number, int) or not isinstance(store, str) or not _is_id(store):
        raise StoreError(
            f"{uri}/{FORMAT_FILE} is damaged: restore an earlier version of it, or choose another "
            "prefix and let a new store be created. Nothing was changed"
        )
    if facts.get("digest") != DIGEST:
        raise StoreError(
            f"the store at {uri} uses the digest {facts.get('digest')!r}, this Cellgraph uses "
            f"{DIGEST!r}: upgrade cellgraph or choose another store. Nothing was changed"
        )
    return store


def _is_id(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()
