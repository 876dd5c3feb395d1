"""Small named objects (`runs/`, `pins/`): written here at once, pushed with the next flush.

Threading: any thread.
"""

import threading
from collections.abc import Callable
from typing import Final

from cellgraph.errors import StoreError
from cellgraph.stores.names import FOLDERS, split_name
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.faults import Absent, S3Fault
from cellgraph.stores.s3.gate import Gate
from cellgraph.stores.s3.ledger import UNPUSHED, Ledger
from cellgraph.stores.s3.link import Link
from cellgraph.stores.s3.tier import Tier

# Who reads one object of a listing mostly reads the next ones: small ones, not whole reports.
_AT_ONCE: Final = 64
_ONE_BY_ONE: Final = frozenset({"bundles", "reports"})
_NAMED_BYTES: Final = 64 << 20


class NamedObjects:
    """Named objects of the bucket, with copies in the tier. *wake*: there is something to push."""

    def __init__(
        self,
        bucket: Bucket,
        gate: Gate,
        tier: Tier,
        ledger: Ledger,
        link: Link,
        wake: Callable[[], None],
    ) -> None:
        self._bucket = bucket
        self._gate = gate
        self._tier = tier
        self._ledger = ledger
        self._link = link
        self._wake = wake
        self._lock = threading.Lock()
        self._here = ledger.files()  # name -> ETag of the copy in the tier
        self._there: dict[str, str] = {}  # name -> ETag when last listed

    def write(self, name: str, data: bytes) -> None:
        """As `Store.write_file`."""
        split_name(name)
        with self._lock:
            self._note(name, UNPUSHED)
            self._tier.write_file(name, data)
        self._wake()

    def read(self, name: str) -> bytes | None:
        """As `Store.read_file`. Asks the bucket only for what is not here in its present state."""
        split_name(name)
        if self._is_current(name) or not self._link.up:
            return self._tier.read_file(name)
        wanted = [name]
        folder = name.partition("/")[0]
        if folder not in _ONE_BY_ONE:
            others = (n for n in sorted(self._there, reverse=True) if n.startswith(f"{folder}/"))
            wanted += [n for n in others if n != name and not self._is_current(n)][: _AT_ONCE - 1]
        try:
            self._gate.pass_through()
        except S3Fault as fault:
            self._link.failed(fault)
            return self._tier.read_file(name)
        for each, data in self._bucket.each(self._get, wanted):
            self._keep(each, data)
        return self._tier.read_file(name)

    def _get(self, name: str) -> bytes:
        return self._bucket.get(name, at_most=_NAMED_BYTES)

    def names(self, folder: str) -> list[str]:
        """As `Store.list_files`: one listing when the bucket can be asked."""
        here = self._tier.list_files(folder)
        if folder not in FOLDERS or not self._link.up:
            return here
        with self._lock:
            copies = [n for n in here if self._here.get(n, UNPUSHED) != UNPUSHED]
        try:
            self._gate.pass_through()
            found = self._bucket.list(f"{folder}/")
        except S3Fault as fault:
            self._link.failed(fault)
            return here
        self._link.worked()
        listed = {f.name: f.etag for f in found if _is_name(f.name)}
        with self._lock:
            self._there = {
                n: e for n, e in self._there.items() if not n.startswith(f"{folder}/")
            } | listed
            gone = [n for n in copies if n not in listed]  # somebody deleted it
            for name in gone:
                self._drop(name)
        return sorted({*here, *listed}.difference(gone))

    def remove(self, name: str) -> None:
        """As `Tended.remove_file`, in the bucket and here. Raises S3Fault."""
        split_name(name)
        self._gate.pass_through()
        self._bucket.delete([name])
        with self._lock:
            self._there.pop(name, None)
            self._drop(name)

    def waiting(self) -> bool:
        """Whether anything is not in the bucket."""
        return UNPUSHED in self._here.values()

    def push(self) -> None:
        """Put into the bucket what it lacks. Raises S3Fault."""
        for name in [n for n, etag in self._here.items() if etag == UNPUSHED]:
            self._gate.pass_through()
            data = self._tier.read_file(name)
            if data is None:  # killed between the note and the file
                data = b""
                etag = "gone"
            else:
                etag = self._bucket.put(name, data) or "pushed"
            with self._lock:
                if (self._tier.read_file(name) or b"") == data:  # else it was written anew
                    self._note(name, etag)

    def _is_current(self, name: str) -> bool:
        here = self._here.get(name)
        if here is None:
            return False
        return here == UNPUSHED or self._there.get(name, here) == here

    def _keep(self, name: str, data: bytes | S3Fault) -> None:
        if isinstance(data, S3Fault):
            if not isinstance(data, Absent):
                self._link.failed(data)
            return
        with self._lock:
            if self._here.get(name) != UNPUSHED:
                self._tier.write_file(name, data)
                self._note(name, self._there.get(name) or "fetched")

    def _drop(self, name: str) -> None:
        self._tier.remove_file(name)
        self._ledger.forget_file(name)
        self._here.pop(name, None)

    def _note(self, name: str, etag: str) -> None:
        self._ledger.note_file(name, etag)
        self._here[name] = etag


def _is_name(name: str) -> bool:
    try:
        split_name(name)
    except StoreError:
        return False
    return True
