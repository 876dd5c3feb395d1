"""What a store has to say to people (its bucket is away), shown with the run that ends next.

Threading: `say` from any thread; `tell` on the owner thread, where events are emitted.
"""

import logging
import threading

from cellgraph.bus import Bus
from cellgraph.events import Notice

_log = logging.getLogger(__name__)


class Notices:
    """Texts of a store on their way to whoever watches runs; to the log if nobody does."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._texts: list[str] = []

    def say(self, text: str) -> None:
        """Have *text* told."""
        with self._lock:
            self._texts.append(text)

    def tell(self, run: str) -> None:
        """Tell what was said so far, as notices of *run*."""
        texts = self._take()
        if not self._bus.listening:
            _warn(texts)
            return
        for text in texts:
            self._bus.emit(Notice(run, text))

    def close(self) -> None:
        """Nobody watches any more."""
        _warn(self._take())

    def _take(self) -> list[str]:
        with self._lock:
            texts, self._texts = self._texts, []
        return texts


def _warn(texts: list[str]) -> None:
    for text in texts:
        _log.warning(text)
