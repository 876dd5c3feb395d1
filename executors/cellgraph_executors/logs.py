"""What a worker process prints, through files: a process that is killed leaves its last words.

The parent makes two files per worker and names them in each request; the worker points its file
descriptors 1 and 2 at them, so that C libraries and child processes are heard as well. Once a call
has printed, the next one gets new files: a late line of the old call cannot end up in its log.
"""

import codecs
import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Final, Literal

from cellgraph.executor import JobLog, JobProgress
from cellgraph_executors.advancing import Reader

STREAMS: Final[tuple[Literal["stdout", "stderr"], ...]] = ("stdout", "stderr")
_BLOCK: Final = 1 << 16


class LogFiles:
    """The parent's side: reads what has been appended. Used by one thread."""

    def __init__(self, folder: Path, worker: int) -> None:
        self._base = folder / f"log-{worker}"
        self._round = 0
        self._progress = Reader()
        self._open()

    @property
    def path(self) -> str:
        """What the worker is told; it adds the stream's name."""
        return f"{self._base}-{self._round}"

    def read(self, job_id: int, *, final: bool = False) -> list[JobLog | JobProgress]:
        """Return what is new. With *final* the call is over: incomplete characters count too."""
        logs: list[JobLog | JobProgress] = []
        if not final:
            logs += self._progress.read(self.path, job_id)
        for tail in self._tails:
            text = tail.read(final=final)
            if text:
                logs.append(JobLog(job_id, tail.stream, text))
        return logs

    def next_call(self) -> None:
        """Start new files if the last call has used these."""
        if any(tail.used for tail in self._tails):
            self.close()
            self._round += 1
            self._open()

    def close(self) -> None:
        """Close and remove the files."""
        self._progress.remove(self.path)
        for tail in self._tails:
            tail.close()

    def _open(self) -> None:
        self._tails = [_Tail(Path(f"{self.path}.{name}"), name) for name in STREAMS]


class _Tail:
    """One file that somebody else appends to."""

    def __init__(self, path: Path, stream: Literal["stdout", "stderr"]) -> None:
        self.stream: Literal["stdout", "stderr"] = stream
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def used(self) -> bool:
        return self._at > 0

    def read(self, *, final: bool) -> str:
        parts: list[str] = []
        while data := os.pread(self._fd, _BLOCK, self._at):
            self._at += len(data)
            parts.append(self._decoder.decode(data))
        if final and self._at:
            parts.append(self._decoder.decode(b"", final=True))
        return "".join(parts)

    def close(self) -> None:
        os.close(self._fd)
        self._path.unlink(missing_ok=True)


class Redirect:
    """The worker's side: sends its output to the files of the present call."""

    def __init__(self) -> None:
        self._path = ""

    def to(self, path: str) -> None:
        """Send what is written from now on to the files *path* names."""
        if path == self._path:
            return
        for number, name in enumerate(STREAMS, start=1):
            fd = os.open(
                f"{path}.{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            os.dup2(fd, number)
            os.close(fd)
        if not self._path:  # unbuffered: what is printed is in the file, whatever happens next
            sys.stdout = _unbuffered(1)
            sys.stderr = _unbuffered(2)
        self._path = path

    def flush(self) -> None:
        """Push out what C libraries or the user's own stream objects may still hold."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the user's own object, perhaps closed
                stream.flush()


def _unbuffered(fd: int) -> Any:
    import io

    raw = open(fd, "wb", buffering=0, closefd=False)  # noqa: SIM115 - lives as long as the process
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
