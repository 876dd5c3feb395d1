"""One thread that looks after things from time to time, and sleeps when there is nothing to do."""

import threading
import time
from collections.abc import Callable
from typing import Final

# Shorter pauses are slept through; in longer ones `poke` wakes the thread.
_SLEEP_THROUGH_S: Final = 0.005
_JOIN_S: Final = 1.0


class Ticker:
    """Calls *tick* on a thread of its own as long as it returns seconds until the next call;
    after None not before the next `poke`. The thread is started by the first poke."""

    def __init__(self, name: str, tick: Callable[[], float | None]) -> None:
        self._name = name
        self._tick = tick
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None  # until the first poke
        self._parked = True
        self._closed = False

    def poke(self) -> None:
        """Have *tick* called soon. Thread-safe and cheap while the thread is busy anyway."""
        if self._parked:
            self._event.set()
            if self._thread is None:
                self._start()

    def close(self) -> None:
        """End the thread; waits for it, unless called from *tick*."""
        self._closed = True
        self._event.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            pause = self._tick()
            if pause is not None and pause <= _SLEEP_THROUGH_S:
                time.sleep(pause)
                continue
            # What came up before `_parked` was visible did not set the event: look once more.
            self._parked = True
            again = self._tick()
            self._event.wait(again if again is not None else pause)
            self._event.clear()
            self._parked = False
