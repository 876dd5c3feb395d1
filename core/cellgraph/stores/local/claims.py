"""The log in which a session says which calls it computes, and how others read it.

One file per busy session, appended to by that session alone and locked for as long as its process
lives. An entry is one byte and the key of a call. Whoever reads it keeps an offset, so that a look
at a session that has nothing new to say is one system call.
"""

import fcntl
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cellgraph.digest import DIGEST_BYTES
from cellgraph.stores.local.locks import Lock, lock

TAKEN: Final = b"+"
ENDED: Final = b"-"
GIVEN: Final = b"~"
WANTED: Final = b"?"
GOING: Final = b"!"
ALIVE: Final = b"."
_ENTRY_BYTES: Final = 1 + DIGEST_BYTES
_NO_KEY: Final = bytes(DIGEST_BYTES)
_READ_BYTES: Final = _ENTRY_BYTES << 15


class OwnLog:
    """The log of this session. Raises OSError."""

    def __init__(self, folder: Path, held: Iterable[bytes] = ()) -> None:
        """Begin a log in which *held* are taken."""
        self.name = secrets.token_hex(8)
        self.path = folder / self.name
        hidden = folder / f".{self.name}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(hidden, flags, 0o600)
        self.size = 0
        try:
            lock(self._fd)  # before it has its name: a log that is not locked is a dead one
            self.say(TAKEN, held)
            hidden.rename(self.path)
        except OSError:
            os.close(self._fd)
            hidden.unlink(missing_ok=True)
            raise

    def say(self, what: bytes, keys: Iterable[bytes]) -> None:
        """Append an entry for each of *keys*."""
        data = b"".join([what + key for key in keys])
        if data and os.write(self._fd, data) != len(data):
            raise OSError("the disk is full")
        self.size += len(data)

    def beat(self) -> None:
        """Say that this session is alive."""
        self.say(ALIVE, (_NO_KEY,))

    def end(self) -> None:
        """Take the log away."""
        self.path.unlink(missing_ok=True)
        os.close(self._fd)


class OtherLog:
    """What another session has said so far. Raises OSError when it cannot be opened."""

    def __init__(self, path: Path, now: float) -> None:
        self.path = path
        self.taken: set[bytes] = set()
        self.heard = now  # when it last said anything
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = 0

    def read(self, now: float) -> list[tuple[bytes, bytes]]:
        """What it has said since the last time, in order: (what, key)."""
        said: list[tuple[bytes, bytes]] = []
        while data := os.pread(self._fd, _READ_BYTES, self._offset):
            self.heard = now
            whole = len(data) - len(data) % _ENTRY_BYTES
            for at in range(0, whole, _ENTRY_BYTES):
                what, key = data[at : at + 1], data[at + 1 : at + _ENTRY_BYTES]
                if what == TAKEN:
                    self.taken.add(key)
                elif what in (ENDED, GIVEN):
                    self.taken.discard(key)
                said.append((what, key))
            self._offset += whole
            if len(data) < _READ_BYTES:
                break
        return said

    def is_abandoned(self) -> bool:
        """Whether its process is gone. Where there are no locks only silence tells."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        return True

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def sweep(path: Path, before_s: float) -> None:
    """Remove a log that was begun before *before_s* (seconds since 1970) and never got its name."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if os.fstat(fd).st_mtime < before_s and lock(fd) is Lock.HELD:
            path.unlink(missing_ok=True)
    finally:
        os.close(fd)
