"""Locks between processes on files of a store: gone when their process is, on local disks.

Each open segment is locked by the process that appends to it, so a collector sees which segments
are at rest. Some network file systems have no locks; there only time tells.
"""

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Final

_BUSY: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})


class Lock(Enum):
    """How an attempt to lock a file went."""

    HELD = auto()
    BUSY = auto()  # somebody else has it
    NONE = auto()  # this file system has no locks


def lock(fd: int) -> Lock:
    """Try to lock the open file *fd*, without waiting; closing *fd* ends the lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return Lock.BUSY if error.errno in _BUSY else Lock.NONE
    return Lock.HELD


@contextmanager
def locked(path: Path) -> Generator[Lock]:
    """Try to lock *path*, created if absent, while the block runs. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield lock(fd)
    finally:
        os.close(fd)
