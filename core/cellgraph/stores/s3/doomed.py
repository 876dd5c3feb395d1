"""Payload objects that nobody needs, and since when: deleted a grace period after that was seen.

A session may hold the name of a payload from a record that is gone by now, and write a record of
its own that rests on it. That record arrives well within the grace period, is seen by the next
collection, and the payload stays.

The list is one small object. Losing it, or reading a damaged one, starts the wait anew.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cellgraph.stores.s3.bucket import Bucket, Found
from cellgraph.stores.s3.faults import Absent
from cellgraph.stores.tended import Swept

LIST: Final = "doomed.json"
_MAX_BYTES: Final = 256 << 20


class Doomed:
    """One list of a bucket, the object *name*."""

    def __init__(self, bucket: Bucket, name: str = LIST) -> None:
        self._bucket = bucket
        self._name = name
        self._since: dict[str, float] | None = None

    def sort(
        self, unneeded: Mapping[str, Found], now: float, grace_s: float
    ) -> tuple[list[str], Swept]:
        """Which of these objects go now, and how many of the others wait. Raises S3Fault."""
        since = self._read()
        ripe: list[str] = []
        size = later = later_bytes = 0
        for name, found in unneeded.items():
            if now - since.get(name, now) >= grace_s and now - found.modified_s >= grace_s:
                ripe.append(name)
                size += found.size
            else:
                later += 1
                later_bytes += found.size
        return ripe, Swept(len(ripe), size, later, later_bytes)

    def settle(self, unneeded: Mapping[str, Found], gone: list[str], now: float) -> None:
        """Write the list: what waits, and since when. What is needed again is not in it."""
        since = self._read()
        deleted = set(gone)
        kept = {name: since.get(name, now) for name in unneeded if name not in deleted}
        if kept != since:
            self._bucket.put(self._name, msgspec.json.encode(kept))
        self._since = kept

    def _read(self) -> dict[str, float]:
        if self._since is None:
            try:
                raw = self._bucket.get(self._name)
                self._since = _decoder.decode(raw) if len(raw) <= _MAX_BYTES else {}
            except (Absent, msgspec.MsgspecError):
                self._since = {}
        return self._since


_decoder: Final = msgspec.json.Decoder(dict[str, float])
