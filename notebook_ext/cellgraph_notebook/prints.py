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
from typing import Final

from cellgraph.events import Event, LogText
from cellgraph.run import Run

_POLL_S: Final = 0.05
# A front end gets at most so many messages with text: the view's own come beside them.
_PACE_S: Final = 0.5


class Prints:
    """The printed text of one run. `hear` may be called on any thread, the rest on one."""

    def __init__(self) -> None:
        self._texts: deque[LogText] = deque()
        self._wrote_at = 0.0

    def hear(self, event: Event) -> None:
        """Note what *event* says was printed."""
        if type(event) is LogText:
            self._texts.append(event)

    def write_until_end(self, run: Run) -> None:
        """Write what comes until *run* has ended, soon at first, then in larger pieces."""
        while not run.wait(_POLL_S):
            if time.monotonic() - self._wrote_at >= _PACE_S:
                self.write()
        self.write()

    def write(self) -> None:
        """Write what is there to `sys.stdout` and `sys.stderr`, in order."""
        texts = self._texts
        if not texts:
            return
        self._wrote_at = time.monotonic()
        stream, parts = texts[0].stream, list[str]()
        while texts:
            said = texts.popleft()
            if said.stream != stream:
                _write(stream, parts)
                stream, parts = said.stream, []
            parts.append(said.text)
        _write(stream, parts)

    def write_behind(self, run: Run) -> None:
        """Write on a thread of this cell until *run* has ended; returns at once."""
        target = copy_context().run
        args = (self.write_until_end, run)
        threading.Thread(target=target, args=args, name="cellgraph-prints", daemon=True).start()


def _write(stream: str, parts: list[str]) -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.write("".join(parts))
    target.flush()
