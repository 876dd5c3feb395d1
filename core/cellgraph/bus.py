"""Who hears the events. A subscriber that raises is logged and dropped; it never hurts a run."""

import logging
import threading
from collections.abc import Callable

from cellgraph.events import Event

Subscriber = Callable[[Event], None]
_log = logging.getLogger(__name__)


class Bus:
    """Delivers each event, in order, on the owner thread, to whoever listens.

    Subscribers must return quickly: the reducer waits for them. Views only note what changed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[Subscriber, ...] = ()

    @property
    def listening(self) -> bool:
        """Whether anyone listens: events nobody hears are not even built."""
        return bool(self._subscribers)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add *subscriber*; return the function that removes it."""
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)
        return lambda: self._drop(subscriber)

    def emit(self, event: Event) -> None:
        """Hand *event* to every subscriber."""
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:
                _log.exception("a subscriber failed on %s and was dropped", type(event).__name__)
                self._drop(subscriber)

    def _drop(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)
