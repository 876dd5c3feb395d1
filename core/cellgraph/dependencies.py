"""What results rest on beside code and arguments, and whether that is still so.

A call's reads (`places.Read`) are stored once as a *set*: a `ReadsRecord` under the digest of its
content. A `CallRecord` names its own set (`reads`), a `FinalRecord` those of every call below it.
Before a record is used, its sets must hold: files, folders and variables are as they were.

The seam for whoever explains: `Verifier.why_not(keys)` says in a few words what is different
("file data/raw.csv changed"), and is empty for sets that hold; `Cache.stale` asks it for a record.
"""

import os
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from cellgraph.digest import digest
from cellgraph.filedigests import file_digest, folder_digest, listing_digest
from cellgraph.located import content_of
from cellgraph.places import S3, Read, ReadKind, Roots, path_of
from cellgraph.records import ReadsRecord, decode, encode
from cellgraph.stores.base import Entry, Store
from cellgraph.stores.shardfolders import note_use
from cellgraph.variables import variable_digest

_READS: Final = b"cellgraph.reads.1"
# One for all: a zone is a segment file, and calls of any task may share a set.
_ZONE: Final = digest(_READS)[0]
# Said by workers, never stored.
_PASSING: Final = frozenset({"argument", "changed"})
ABSENT: Final = b""

NONE: Final[frozenset[ReadKind]] = frozenset()
# A replayed expression is named anew, with the files in it as they are now.
OF_A_CALL: Final[frozenset[ReadKind]] = frozenset(("literal",))
# check="shallow": the final value is trusted without a look at the files inside.
_FILES_INSIDE: Final[frozenset[ReadKind]] = frozenset(("result",))


def reads_entry(reads: Iterable[Read]) -> Entry | None:
    """The record of a set; its key is its name. None when there is nothing to store."""
    kept = sorted({read for read in reads if read.kind not in _PASSING})
    if not kept:
        return None
    data = encode(ReadsRecord(tuple(kept)))
    key = digest(_READS + data)
    return Entry(key, _ZONE, data)


def ignored_by(check: str | None, *, final: bool) -> frozenset[ReadKind]:
    """The kinds of reads that need not hold for a task's record, by its option `check`."""
    ignored = NONE if final else OF_A_CALL
    return ignored | _FILES_INSIDE if check == "shallow" else ignored


def present(read: Read, roots: Roots) -> bytes:
    """The digest that *read* would have now; `ABSENT` for what is not there."""
    if read.kind == "env":
        return variable_digest(os.environ.get(read.name))
    path = path_of(read.name, roots)
    try:
        if read.name.startswith(S3):
            return content_of(read.name)
        if read.kind == "listing":
            return listing_digest(path)
        if read.kind == "absent":
            return b"there" if os.path.lexists(path) else ABSENT
        if read.kind == "result":
            note_use(path)
        if read.name.endswith("/"):
            return folder_digest(path)
        return file_digest(path)
    except (OSError, ValueError):  # a name that no file can have
        return ABSENT


class Verifier:
    """Whether sets of reads still hold. Owner thread only; one per run.

    The content of a set is asked for once. What a set names is looked at once per batch of
    lookups: `again` begins a new one, because the run's own calls write files too.
    """

    def __init__(self, store: Store, roots: Roots) -> None:
        self.roots = roots
        self._store = store
        self._sets: dict[bytes, tuple[Read, ...] | None] = {}
        self._reasons: dict[tuple[bytes, frozenset[ReadKind]], str] = {}
        self._present: dict[tuple[str, str], bytes] = {}

    def again(self) -> None:
        """What was looked at may have changed since."""
        if self._reasons:
            self._reasons.clear()
            self._present.clear()

    def reads_of(self, key: bytes) -> tuple[Read, ...] | None:
        """The content of a set; None when it is lost."""
        self._fetch((key,))
        return self._sets[key]

    def why_not(self, keys: Sequence[bytes], ignoring: frozenset[ReadKind] = NONE) -> str:
        """What has changed of any of the sets, in a few words; empty when all hold."""
        self._fetch(keys)
        for key in keys:
            found = self._reasons.get((key, ignoring))
            if found is None:
                found = self._reasons[key, ignoring] = self._compare(key, ignoring)
            if found:
                return found
        return ""

    def renewed(self, key: bytes) -> tuple[Read, ...] | None:
        """A set whose expression is replayed: its literal files as they are now. None if there
        are no such files, or the set is lost."""
        reads = self.reads_of(key) or ()
        if not any(read.kind == "literal" for read in reads):
            return None
        return tuple(
            read._replace(digest=self.present(read)) if read.kind == "literal" else read
            for read in reads
        )

    def _fetch(self, keys: Sequence[bytes]) -> None:
        unknown = [key for key in keys if key not in self._sets]
        if not unknown:
            return
        stored = self._store.get_many(unknown)
        for key in unknown:
            records = [decode(data) for data in stored.get(key, ())]
            sets = [r.reads for r in records if type(r) is ReadsRecord]
            self._sets[key] = sets[0] if sets else None

    def _compare(self, key: bytes, ignoring: frozenset[ReadKind]) -> str:
        reads = self.reads_of(key)
        if reads is None:
            return "what it had read is not known any more"
        for read in reads:
            if read.kind in ignoring:
                if read.kind == "result":
                    note_use(path_of(read.name, self.roots))
                continue
            now = self.present(read)
            if now != read.digest:
                return change(read, now)
        return ""

    def present(self, read: Read) -> bytes:
        """The digest that *read* has in this batch of lookups."""
        # an absence and a content of one name are asked for in different ways
        subject = ("absent" if read.kind == "absent" else _ways(read.kind), read.name)
        now = self._present.get(subject)
        if now is None:
            now = self._present[subject] = present(read, self.roots)
        return now


def _ways(kind: str) -> str:
    return kind if kind in ("env", "listing") else "file"


def change(read: Read, now: bytes) -> str:
    """In a few words, how *read* differs from what is there now."""
    if read.kind == "env":
        how = "changed"
        if now == ABSENT:
            how = "is not set any more"
        elif read.digest == ABSENT:
            how = "is set now"
        return f"environment variable {read.name} {how}"
    if read.kind == "absent":
        return f"file {read.name} is there now"
    gone = now == ABSENT
    if read.kind == "listing":
        return f"folder {read.name} {'is gone' if gone else 'lists other files'}"
    what = "folder" if read.name.endswith("/") else "file"
    kind = f"result {what}" if read.kind == "result" else what
    return f"{kind} {read.name} {'is gone' if gone else 'changed'}"


class Sets:
    """The sets a run has met and not yet written. Thread-safe: executors' threads add too.

    A set stays until it has been written: whoever writes a record meanwhile writes the set as well,
    so that no record is in the store before what it names.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[bytes] = set()
        self._unsaved: dict[bytes, Entry] = {}

    def add(self, reads: Iterable[Read]) -> bytes:
        """Note a set; return its key, empty for an empty set."""
        entry = reads_entry(reads)
        if entry is None:
            return b""
        with self._lock:
            if entry.key not in self._known:
                self._known.add(entry.key)
                self._unsaved[entry.key] = entry
        return entry.key

    def unsaved(self) -> list[Entry]:
        """What has to be written before a record names it, unless somebody has said `saved`."""
        if not self._unsaved:
            return []
        with self._lock:
            return list(self._unsaved.values())

    def saved(self, entries: Iterable[Entry]) -> None:
        """These have been written."""
        with self._lock:
            for entry in entries:
                self._unsaved.pop(entry.key, None)


def append(store: Store, sets: Iterable[Sets], entries: Iterable[Entry]) -> None:
    """Append records, behind those of *sets* that they may name. Raises StoreError."""
    unsaved = [(one, found) for one in sets if (found := one.unsaved())]
    store.append([*(entry for _, found in unsaved for entry in found), *entries])
    for one, found in unsaved:
        one.saved(found)
