"""What calls print on a worker: written to the job's log at once, and the end of it kept.

Python's own streams are watched, not the descriptors: what is on its way through a pipe when a call
kills its process would be lost, and those are the words that matter. What C code and child
processes print is in the job's log alone.
"""

import io
import sys
from collections import deque
from typing import Any, TextIO

from cellgraph_executors.remote.outcome import LOG_CHARS


class Tee(io.TextIOBase):
    """A stream that remembers the end of what is written. Memory does not grow with it."""

    def __init__(self, real: TextIO) -> None:
        self._real = real
        self._kept: deque[str] = deque()
        self._size = 0

    def write(self, text: str, /) -> int:
        """As any stream; passed on by lines."""
        self._real.write(text)
        if "\n" in text:
            self._real.flush()
        if text:
            self._kept.append(text[-LOG_CHARS:])
            self._size += len(self._kept[-1])
            while self._size - len(self._kept[0]) >= LOG_CHARS:
                self._size -= len(self._kept.popleft())
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        self._real.flush()

    def take(self) -> str:
        """The end of what was written since this was last asked."""
        text = "".join(self._kept)[-LOG_CHARS:]
        self._kept.clear()
        self._size = 0
        return text

    def writable(self) -> bool:
        """It is for nothing else."""
        return True

    def fileno(self) -> int:
        """The descriptor that child processes write to."""
        return self._real.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)  # `buffer`, `encoding`: as of the stream itself


class Prints:
    """Both streams of this process."""

    def __init__(self) -> None:
        self._before = sys.stdout, sys.stderr
        self._out, self._err = Tee(sys.stdout), Tee(sys.stderr)
        sys.stdout, sys.stderr = self._out, self._err

    def take(self) -> tuple[str, str]:
        """What was printed to stdout and stderr since this was last asked."""
        self._out.flush()
        self._err.flush()
        return self._out.take(), self._err.take()

    def close(self) -> None:
        """Print directly again."""
        self._out.flush()
        self._err.flush()
        sys.stdout, sys.stderr = self._before
