"""What tasks print, carried to the cell that started them.

Tasks print on threads and in processes that belong to no cell; the bus hands their text to whoever
listens, on the owner thread. It is written by a thread of the cell: the waiting one, or, for a run
in the background, one that has the cell's context, by which a kernel knows where output belongs.
"""

import sys
import threading
import time
from collections import deque
from contextvars import copy_context
from itertools import groupby
from typing import TYPE_CHECKING, Final

from cellgraph.events import Event, LogText

if TYPE_CHECKING:
    from cellgraph.run import Run

_POLL_S: Final = 0.05
# Time for each message with text to a front end: the view's own come beside them.
_PACE_S: Final = 0.5
# Texts of both streams are written in the order they came, unless they alternate more often.
_SWITCHES: Final = 2


class Prints:
    """The printed text of one run. `hear` may be called on any thread, the rest on one."""

    def __init__(self) -> None:
        self._texts: deque[LogText] = deque()
        self._next_at = 0.0

    def hear(self, event: Event) -> None:
        """Note what *event* says was printed."""
        if type(event) is LogText:
            self._texts.append(event)

    def write_until_end(self, run: "Run") -> None:
        """Write what comes until *run* has ended, soon at first, then in larger pieces."""
        while not run.wait(_POLL_S):
            if time.monotonic() >= self._next_at:
                self.write()
        self.write()

    def write(self) -> None:
        """Write what is there to `sys.stdout` and `sys.stderr`, each in order."""
        if not self._texts:
            return
        pieces: list[tuple[str, list[str]]] = []
        while self._texts:
            said = self._texts.popleft()
            if not pieces or pieces[-1][0] != said.stream:
                pieces.append((said.stream, []))
            pieces[-1][1].append(said.text)
        if len(pieces) > _SWITCHES:  # each change of stream is a message
            pieces.sort(key=lambda piece: piece[0], reverse=True)
        for stream, same in groupby(pieces, key=lambda piece: piece[0]):
            _write(stream, [text for _, parts in same for text in parts])
        self._next_at = time.monotonic() + _PACE_S * min(len(pieces), _SWITCHES)

    def write_behind(self, run: "Run") -> None:
        """Write on a thread of this cell until *run* has ended; returns at once."""
        target = copy_context().run
        args = (self.write_until_end, run)
        threading.Thread(target=target, args=args, name="cellgraph-prints", daemon=True).start()


def _write(stream: str, parts: list[str]) -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.write("".join(parts))
    target.flush()
