"""How far a call in a worker process is, through a file that holds the last it has said.

One record of fixed length, written over and over: it costs the call microseconds, and the parent
looks when it looks after the call anyway. A record caught half-written is passed over.
"""

import json
import os
from pathlib import Path
from typing import Final

from cellgraph.executor import JobProgress
from cellgraph.inside import Progress

# A text of 200 characters, each written as \\uXXXX twice, and two numbers.
_BYTES: Final = 2560
_END: Final = ".progress"


class Teller:
    """The worker's side. One thread."""

    def __init__(self) -> None:
        self._base = self._opened = ""
        self._job = 0
        self._fd = -1

    def at(self, base: str, job_id: int) -> None:
        """The next call; *base*: what its files are called."""
        self._base, self._job = base, job_id

    def hear(self, progress: Progress) -> None:
        """Write down how far the call is. Raises OSError."""
        if self._opened != self._base:
            if self._fd >= 0:
                os.close(self._fd)
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
            self._fd, self._opened = os.open(self._base + _END, flags, 0o600), self._base
        record = json.dumps([self._job, *progress]).encode()
        os.pwrite(self._fd, record.ljust(_BYTES), 0)


class Reader:
    """The parent's side: what is new since the last look. One thread."""

    def __init__(self) -> None:
        self._last = b""

    def read(self, base: str, job_id: int) -> list[JobProgress]:
        """The last that the call has said, unless it was read before."""
        try:
            record = Path(base + _END).read_bytes()
        except FileNotFoundError:  # it says nothing, like most
            return []
        if record == self._last:
            return []
        try:
            job, done, total, text = json.loads(record)
        except ValueError:
            return []
        self._last = record
        return [JobProgress(job_id, done, total, text)] if job == job_id else []

    def remove(self, base: str) -> None:
        """The files go."""
        Path(base + _END).unlink(missing_ok=True)
