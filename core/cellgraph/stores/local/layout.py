"""Names and places inside a local store, its `format.json`, and how a store is set up.

Setting up is safe for any number of processes at once: the first one in a file lock creates, the
others find it done. A format this code does not know is refused and never touched.
"""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from cellgraph.errors import StoreError
from cellgraph.stores.local.faults import store_error
from cellgraph.stores.shardfolders import FOLDER

FORMAT: Final = 1
DIGEST: Final = "blake3-256"
_FORMAT_FILE: Final = "format.json"
_LOCK_FILE: Final = ".lock"
_SETUP_FILE: Final = ".setup"
# What may stand in a folder that is not yet a store: a set-up that was killed, or `runs/`.
_OURS: Final = frozenset(
    {
        ".collecting",
        ".gitignore",
        _LOCK_FILE,
        _SETUP_FILE,
        "blobs",
        "bundles",
        "datasets",
        "index",
        "pending",
        "pins",
        "quarantine",
        "reports",
        "runs",
        "segments",
    }
)
FETCHED_WRITER_DIGITS: Final = 10
_LOCAL_WRITER_BYTES: Final = 6
_NS_PER_S: Final = 1_000_000_000
_S_PER_EPOCH: Final = 86_400


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one store. `store_id` is random, given when the store was created."""

    root: Path
    store_id: str

    @property
    def segments(self) -> Path:
        return self.root / "segments"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def datasets(self) -> Path:
        return self.root / FOLDER

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"


def epoch_of(now_ns: int) -> int:
    """The epoch (a day, counted from 1970, UTC) of a time in nanoseconds."""
    return now_ns // _NS_PER_S // _S_PER_EPOCH


def segment_name(now_ns: int, zone: int, writer: str, number: int) -> str:
    """Name of a new segment, relative to `segments/`. *writer* is random per process and store."""
    utc = datetime.fromtimestamp(now_ns / _NS_PER_S, UTC).strftime("%Y%m%dT%H%M%S")
    return f"{epoch_of(now_ns)}/{zone:02x}/{utc}-{writer}-{number}.seg"


def local_writer() -> str:
    """A random name for a writer of this machine.

    Longer than the names of writers in a bucket (`FETCHED_WRITER_DIGITS`), so that nothing that was
    fetched can ever pass for something that was written here.
    """
    return os.urandom(_LOCAL_WRITER_BYTES).hex()


def written_here(segment: str) -> bool:
    """Whether a segment of a tier, by its name, was written on this machine."""
    parts = segment.rpartition("/")[2].split("-")
    return len(parts) == 3 and len(parts[1]) == 2 * _LOCAL_WRITER_BYTES


@contextmanager
def file_lock(path: Path) -> Generator[None]:
    """Hold the exclusive lock on *path* between processes; released when the process dies.

    Where the file system has no locks the body runs without: what it does is atomic by renaming.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with suppress(OSError):  # some network file systems refuse to lock
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def prepare(root: Path) -> Layout:
    """Open the store at *root*, creating it if the folder is absent or empty.

    Raises StoreError if the folder is something else, has a newer format or cannot be created.
    """
    try:
        text = (root / _FORMAT_FILE).read_text("utf-8")
    except FileNotFoundError:
        text = _create(root)
    except OSError as error:
        raise store_error("read the store at", root, error) from error
    return Layout(root, _store_id(root, text))


def _create(root: Path) -> str:
    try:
        root.mkdir(parents=True, exist_ok=True)
        foreign = sorted({p.name for p in root.iterdir()} - _OURS - {_FORMAT_FILE})
        if foreign:
            raise StoreError(
                f"{root} holds {foreign[0]!r} and no {_FORMAT_FILE}, so it is not a store: "
                "choose an empty or new folder"
            )
        with file_lock(root / _LOCK_FILE):
            target = root / _FORMAT_FILE
            if not target.exists():
                _write_whole(root / ".gitignore", "*\n")
                made = {"format": FORMAT, "digest": DIGEST, "store": os.urandom(16).hex()}
                _write_whole(target, json.dumps(made, indent=1) + "\n")
            return target.read_text("utf-8")
    except OSError as error:
        raise store_error("create a store at", root, error) from error


def _write_whole(path: Path, text: str) -> None:
    """Put a small file in place, whole and on the disk. The caller holds the lock."""
    temporary = path.with_name(_SETUP_FILE)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _store_id(root: Path, text: str) -> str:
    """Check `format.json` and return the store's id."""
    try:
        found: object = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StoreError(_damaged(root))
    facts = cast("dict[str, object]", found)
    number, store = facts.get("format"), facts.get("store")
    if not isinstance(number, int):
        raise StoreError(_damaged(root))
    if number > FORMAT:
        raise StoreError(
            f"the store at {root} has format {number}, written by a newer Cellgraph; this one "
            f"reads format {FORMAT}: upgrade cellgraph or choose another store. Nothing was changed"
        )
    if facts.get("digest") != DIGEST:
        raise StoreError(
            f"the store at {root} uses the digest {facts.get('digest')!r}, this Cellgraph uses "
            f"{DIGEST!r}: upgrade cellgraph or choose another store. Nothing was changed"
        )
    if not isinstance(store, str):
        raise StoreError(_damaged(root))
    return store


def _damaged(root: Path) -> str:
    return (
        f"{root / _FORMAT_FILE} is damaged: restore it from a copy, or move the folder away and "
        "let a new store be created. Nothing was changed"
    )
