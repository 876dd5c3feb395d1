"""Jobs in flight as everybody on the store sees them: one object each under ``pending/``.

It is written before the job is submitted, so that a kernel that dies in between leaves a name to
look the job up by, and again with the service's id; a job that there is no room for is written anew
every few seconds: whoever wrote it lives. Two kernels that want the same calls see each other here;
the earlier name wins, if the other has not submitted by then. What is missed costs a second run,
never a wait.

Threading: any thread; nothing waits for the network with the lock held.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Final

import msgspec

from cellgraph.stores.s3.arrays import PENDING, Arrays
from cellgraph.stores.s3.faults import Absent, Refused, S3Fault
from cellgraph_executors.remote.flights import KEY_BYTES, Pending
from cellgraph_executors.remote.warrants import Word

# Services forget jobs after a week; what is older is nobody's.
_FORGOTTEN_S: Final = 14 * 86_400.0
_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(Pending)
_NOBODY: Final = bytes(KEY_BYTES)


class Book:
    """What is pending on one store, as far as it was read."""

    def __init__(self, arrays: Arrays, word: Word) -> None:
        """*word*: which jobs may be waited for."""
        self._arrays = arrays
        self._word = word
        self._lock = threading.Lock()
        self._own: set[str] = set()  # written here: nobody has to read them
        self._known: dict[str, tuple[str, Pending]] = {}  # name -> ETag, what it says
        self._index: dict[bytes, tuple[Pending, int]] = {}  # key -> job, position

    def write(self, pending: Pending) -> None:
        """Put a job on record. Raises S3Fault."""
        with self._lock:
            self._own.add(PENDING + pending.array)
        self._arrays.put(PENDING + pending.array, msgspec.msgpack.encode(pending))

    def renew(self, pendings: Sequence[Pending]) -> None:
        """Put jobs on record that are there already and have changed. Raises S3Fault."""
        self._arrays.put_all({PENDING + p.array: msgspec.msgpack.encode(p) for p in pendings})

    def remove(self, array: str) -> None:
        """The job is over and its results are in the store, or it came to nothing. What the bucket
        refuses to delete stays there, and counts again when it has changed. Raises other
        S3Faults."""
        try:
            self._arrays.delete([PENDING + array])
        except Refused as fault:
            _log.warning("%s%s cannot be taken off the record: %s", PENDING, array, fault)
        with self._lock:
            known = self._known.get(PENDING + array)
            if known is not None:
                self._unlist(known[1])

    def read(self, array: str) -> Pending | None:
        """What is on record of a job now; None if nothing is. Raises S3Fault."""
        data = self._arrays.get(PENDING + array)
        return None if data is None else self._read(PENDING + array, data)

    def refresh(self, now: float) -> None:
        """Read what is new; *now* in seconds since the epoch. Raises S3Fault."""
        listed = {found.name: found.etag for found in self._arrays.list(PENDING)}
        with self._lock:
            for name in self._known.keys() - listed.keys():
                self._forget(name)
            known = {name: etag for name, (etag, _) in self._known.items()}
            fresh = [n for n, e in listed.items() if n not in self._own and known.get(n) != e]
        for name, data in self._arrays.read(fresh):
            if isinstance(data, S3Fault):
                if isinstance(data, Absent):
                    continue
                raise data
            pending = self._read(name, data)
            if pending is not None and now - pending.created < _FORGOTTEN_S:
                with self._lock:
                    self._note(name, listed[name], pending)

    def everything(self, now: float) -> list[Pending]:
        """Every job on record that may be waited for, read now. Raises S3Fault."""
        names = [found.name for found in self._arrays.list(PENDING)]
        said = [
            self._read(name, data)
            for name, data in self._arrays.read(names)
            if not isinstance(data, S3Fault)  # it is over meanwhile
        ]
        return [p for p in said if p is not None and now - p.created <= _FORGOTTEN_S]

    def find(self, key: bytes) -> tuple[Pending, int] | None:
        """A job that has a call, and its position there."""
        with self._lock:
            return self._index.get(key[:KEY_BYTES]) if key else None

    def has_rival(self, key: bytes, array: str) -> bool:
        """Whether somebody else is about to submit a call, who may have looked before *array*, the
        earlier name, was there to be seen."""
        found = self.find(key)
        return found is not None and not found[0].remote and found[0].array > array

    def spent(self, key: bytes) -> None:
        """The call ended there without a value: it has to be sent again."""
        with self._lock:
            self._index.pop(key[:KEY_BYTES], None)

    def _read(self, name: str, data: bytes) -> Pending | None:
        try:
            pending = _decoder.decode(data)
        except msgspec.DecodeError:
            return None
        own = name == PENDING + pending.array  # else it is a copy of another one
        return pending if own and self._word.holds(pending) else None

    def _note(self, name: str, etag: str, pending: Pending) -> None:
        self._forget(name)
        self._known[name] = (etag, pending)
        for at in range(len(pending.keys) // KEY_BYTES):
            key = pending.keys[at * KEY_BYTES : (at + 1) * KEY_BYTES]
            if key != _NOBODY:
                self._index.setdefault(key, (pending, at))

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._unlist(known[1])

    def _unlist(self, pending: Pending) -> None:
        keys, array = pending.keys, pending.array
        for i in range(0, len(keys), KEY_BYTES):
            found = self._index.get(keys[i : i + KEY_BYTES])
            if found is not None and found[0].array == array:
                del self._index[keys[i : i + KEY_BYTES]]
