"""What jobs print, kept in files: memory does not grow with it, and it is read while they run.

A line is an event: its time in milliseconds, a tab, its text. A stream exists from its first line.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

_LONGEST: Final = 16 * 1024  # bytes of one event; a longer line becomes several
_LARGEST: Final = 64 << 20  # bytes of one stream
_DROPPED: Final = b"[sandbox: this stream is full, what follows was dropped]"
_READ: Final = 1 << 20  # bytes of an answer, as of the service


class LogEvent(NamedTuple):
    """One line."""

    time_ms: int
    text: str


class LogStream:
    """Written by one thread, read by any."""

    def __init__(self, name: str, path: Path, streams: "LogStreams") -> None:
        self.name = name
        self.created_ms = 0  # no line yet
        self.last_ms = 0
        self._path = path
        self._streams = streams
        self._rest = b""
        self._size = 0
        self._file: BinaryIO | None = None  # open between the first line and the end

    def write(self, data: bytes) -> None:
        """Add output as it comes; the last piece of a line waits for its end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= _LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        self._add(lines)

    def line(self, text: str) -> None:
        """Add a line of the sandbox's own."""
        self.write(text.encode() + b"\n")

    def close(self) -> None:
        """Nothing more will come."""
        if self._rest:
            self._add([self._rest])
            self._rest = b""
        if self._file is not None:
            self._file.close()
            self._file = None

    def read(self, offset: int) -> tuple[list[LogEvent], list[int]]:
        """Events from a place in the file, and the place behind each."""
        try:
            with self._path.open("rb") as file:
                file.seek(offset)
                data = file.read(_READ)
        except FileNotFoundError:
            return [], []
        events: list[LogEvent] = []
        places: list[int] = []
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            offset += len(line)
            stamp, _, text = line.rstrip(b"\n").partition(b"\t")
            events.append(LogEvent(int(stamp), text.decode("utf-8", "replace")))
            places.append(offset)
        return events, places

    def tail_offset(self, end: int | None = None) -> int:
        """Where the last answer's worth of lines before *end* begins."""
        size = self._path.stat().st_size if end is None else end
        start = max(0, size - _READ)
        if start == 0:
            return 0
        with self._path.open("rb") as file:
            file.seek(start)
            return start + len(file.readline())

    def _add(self, lines: Sequence[bytes]) -> None:
        if not lines or self._size > _LARGEST:
            return
        now = int(time.time() * 1000)
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
        if not self.created_ms:
            self.created_ms = now
            self._streams.register(self)
        parts = [
            b"%d\t%s\n" % (now, line[at : at + _LONGEST].replace(b"\r", b" "))
            for line in lines
            for at in range(0, max(1, len(line)), _LONGEST)
        ]
        data = b"".join(parts)
        self._size += len(data)
        if self._size > _LARGEST:
            data += b"%d\t%s\n" % (now, _DROPPED)
        self._file.write(data)
        self.last_ms = now


class LogStreams:
    """The streams of one log group, in one folder. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._streams: dict[str, LogStream] = {}
        self._made = 0
        folder.mkdir(parents=True, exist_ok=True)

    def new(self, name: str) -> LogStream:
        """A stream that exists as soon as something is written to it."""
        with self._lock:
            self._made += 1
            path = self._folder / str(self._made)
        return LogStream(name, path, self)

    def register(self, stream: LogStream) -> None:
        """Called by a stream with its first line."""
        with self._lock:
            self._streams[stream.name] = stream

    def find(self, name: str) -> LogStream | None:
        """The stream of that name, if it has a line."""
        with self._lock:
            return self._streams.get(name)

    def all(self) -> Iterator[LogStream]:
        """Those that have a line, the oldest first."""
        with self._lock:
            return iter(list(self._streams.values()))
