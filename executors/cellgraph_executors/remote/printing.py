"""What calls print on a worker: passed on to its log at once, and the end of it kept."""

import os
import sys
import threading
from collections import deque
from typing import Final

from cellgraph_executors.remote.outcome import LOG_CHARS

_READ_BYTES: Final = 1 << 16


class Tap:
    """A copy of what is written to a file descriptor: also by child processes and C code.

    Memory does not grow with what is printed. Threading: `take` from one thread.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._real = os.dup(fd)
        reading, writing = os.pipe()
        os.dup2(writing, fd)
        os.close(writing)
        self._mark = b"\0cellgraph:" + os.urandom(8).hex().encode() + b"\0"
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._marked = threading.Event()
        self._thread = threading.Thread(target=self._copy, args=(reading,), daemon=True)
        self._thread.start()

    def take(self) -> str:
        """The end of what was printed since this was last asked."""
        self._marked.clear()
        os.write(self._fd, self._mark)
        self._marked.wait()
        text = b"".join(self._kept).decode("utf-8", "replace")
        self._kept.clear()
        self._size = 0
        return text[-LOG_CHARS:]

    def close(self) -> None:
        """Give the descriptor back."""
        os.dup2(self._real, self._fd)
        self._thread.join(5)  # a child process of a call may still hold the pipe
        os.close(self._real)

    def _copy(self, reading: int) -> None:
        held = b""
        while data := os.read(reading, _READ_BYTES):
            held += data
            at = held.find(self._mark)
            if at >= 0:
                self._pass_on(held[:at])
                held = held[at + len(self._mark) :]
                self._marked.set()
            # The beginning of a mark may have been read, and its end not yet.
            keep = held.rfind(b"\0") if b"\0" in held[-len(self._mark) :] else -1
            whole, held = (held, b"") if keep < 0 else (held[:keep], held[keep:])
            self._pass_on(whole)
        self._pass_on(held)
        os.close(reading)

    def _pass_on(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._real, view) :]
        if data:
            self._kept.append(data[-LOG_CHARS:])
            self._size += len(self._kept[-1])
            while self._size - len(self._kept[0]) >= LOG_CHARS:
                self._size -= len(self._kept.popleft())


class Prints:
    """Both streams of this process."""

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._out, self._err = Tap(1), Tap(2)

    def take(self) -> tuple[str, str]:
        """What was printed to stdout and stderr since this was last asked."""
        sys.stdout.flush()
        sys.stderr.flush()
        return self._out.take(), self._err.take()

    def close(self) -> None:
        """Print directly again."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._out.close()
        self._err.close()
