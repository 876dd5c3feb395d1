"""How far running calls have come, as small objects beside the outcomes of their children.

A child that says something has one, ``out/<index>.beat``, written again every now and then and
deleted at its end: who watches finds it in the listing of outcomes, at no request more. It is for
people; nothing is decided by it.
"""

import threading
from collections.abc import Callable
from typing import Final

import msgspec

from cellgraph.inside import Progress

SUFFIX: Final = ".beat"
EVERY_S: Final = 2.0
_MOST_BYTES: Final = 4096
_TEXT: Final = 200


class Beat(msgspec.Struct, array_like=True, frozen=True):
    """How far a call is. `at`: its place among the calls of the child."""

    at: int
    done: float
    total: float  # 0: not known
    text: str

    def words(self) -> str:
        """In one line; Spark's own text has the numbers in it."""
        far = f"{self.done:g} of {self.total:g}" if self.total else f"{self.done:g}"
        if not self.text or self.text.startswith(far):
            return self.text or far
        return f"{far}, {self.text}"


_decoder = msgspec.msgpack.Decoder(Beat)


def part_of(child: int) -> str:
    """The name of a child's beat, among the parts of its outcome."""
    return f"{child}{SUFFIX}"


def child_of(name: str) -> int:
    """The child whose beat has this name; -1 for any other name."""
    index = name.removesuffix(SUFFIX)
    right = len(index) < len(name) and index.isascii() and index.isdigit() and len(index) < 6
    return int(index) if right and name == part_of(int(index)) else -1


def decode(data: bytes) -> Beat | None:
    """Undo what was written; None for what is none."""
    if len(data) > _MOST_BYTES:
        return None
    try:
        beat = _decoder.decode(data)
    except msgspec.DecodeError:
        return None
    good = beat.done >= 0 and beat.total >= 0 and len(beat.text) <= _TEXT
    return beat if good and beat.text.isprintable() else None


class Beats:
    """Where the calls run: *write* is called on a thread, at most once every *every_s*.

    What *write* raises is dropped: a call is worth more than what is said of it.
    """

    def __init__(self, write: Callable[[bytes], None], every_s: float = EVERY_S) -> None:
        self._write = write
        self._every_s = every_s
        self._lock = threading.Lock()
        self._latest: Beat | None = None  # none that is not written
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def hear(self, at: int) -> Callable[[Progress], None]:
        """Who is told by the call at this place. Thread-safe and quick."""

        def heard(progress: Progress) -> None:
            beat = Beat(at, progress.done, progress.total, progress.text[:_TEXT])
            with self._lock:
                self._latest = beat
                if self._thread is None and not self._over.is_set():
                    self._thread = threading.Thread(
                        target=self._run, name="cellgraph-beat", daemon=True
                    )
                    self._thread.start()
            self._news.set()

        return heard

    def end(self) -> bool:
        """Write nothing more; whether anything was."""
        self._over.set()
        self._news.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        return thread is not None

    def _run(self) -> None:
        while True:
            self._news.wait()
            if self._over.is_set():
                return
            self._news.clear()
            with self._lock:
                beat, self._latest = self._latest, None
            if beat is not None:
                try:
                    self._write(msgspec.msgpack.encode(beat))
                except Exception:
                    return
            self._over.wait(self._every_s)
