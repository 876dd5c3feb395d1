"""The background thread of an S3 store: when things are done. What is done is in `errands`.

It begins with what killed sessions left behind, sleeps while there is nothing to do, and is a
daemon: if the process ends without `close`, the next session on this machine pushes the rest.

Threading: any thread calls; the work is done on one.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from cellgraph.errors import CellgraphError
from cellgraph.stores.s3.errands import Errands
from cellgraph.stores.s3.faults import S3Fault
from cellgraph.stores.s3.link import Link, Remarks

_SHORTEST_S: Final = 0.05
_LOOK_S: Final = 1.0
_log = logging.getLogger(__name__)


class Signals:
    """How other threads tell the background thread that there is work. Cheap when it knows."""

    def __init__(self, flush_bytes: int) -> None:
        self._flush_bytes = flush_bytes
        self._bytes = 0
        self.work = threading.Event()  # there is something to do
        self.full = threading.Event()  # and it should not wait for more
        self.stop = threading.Event()
        self.asked: list[threading.Event] = []  # set after the next round

    def wake(self) -> None:
        """There is something to do."""
        if not self.work.is_set():
            self.work.set()

    def grown(self, nbytes: int) -> None:
        """So much was written to the tier."""
        self._bytes += nbytes  # a lost update between threads delays a flush, no more
        if self._bytes >= self._flush_bytes:
            self.full.set()
        self.wake()

    def begin(self) -> None:
        """What is signalled from now on is for the next round."""
        self.full.clear()
        self.work.clear()
        self._bytes = 0

    def end(self) -> None:
        """Wake the thread for good."""
        self.stop.set()
        self.full.set()
        self.work.set()


class Background:
    """Owns the thread."""

    def __init__(
        self,
        errands: Errands,
        reading: Link,
        pushing: Link,
        signals: Signals,
        remarks: Remarks,
        flush_s: float,
    ) -> None:
        self._errands = errands
        self._reading = reading
        self._pushing = pushing
        self._signals = signals
        self._remarks = remarks
        self._flush_s = flush_s
        self._thread = threading.Thread(target=self._run, name="cellgraph-s3", daemon=True)
        self._thread.start()

    def flush(self) -> bool:
        """Have one round done now, and wait for it. Returns whether all went well."""
        asked = threading.Event()
        self._signals.asked.append(asked)
        self._signals.full.set()
        self._signals.work.set()
        while not asked.wait(_LOOK_S):
            if not self._thread.is_alive():
                return False
        return self._pushing.up

    def close(self) -> None:
        """Push what is left, if the bucket answers, and end the thread. Safe to call twice."""
        self._signals.end()
        self._thread.join()

    def _run(self) -> None:
        signals = self._signals
        self._attempt(self._errands.begin)
        self._ask(self._pushing, self._errands.recover)
        well = self._reading.up and self._pushing.up
        while not signals.stop.is_set():
            if well:
                signals.work.wait()
                signals.full.wait(self._flush_s)
            else:
                signals.full.wait(self._pause_s())
            if not signals.stop.is_set():
                signals.begin()
                well = self._round()
        self._round()
        self._ask(self._pushing, self._errands.finish)
        self._attempt(self._errands.end)

    def _round(self) -> bool:
        """Do what is to be done. Returns false if something has to be tried again."""
        asked = list(self._signals.asked)
        self._ask(self._reading, self._errands.probe)
        self._ask(self._pushing, self._errands.push)
        self._attempt(self._errands.tidy)
        for waiter in asked:
            self._signals.asked.remove(waiter)
            waiter.set()
        return self._reading.up and self._pushing.up

    def _ask(self, link: Link, errand: Callable[[Link], None]) -> None:
        if link.due_in_s > 0:
            return
        try:
            errand(link)
        except S3Fault as fault:
            link.failed(fault)
        except Exception as error:
            self._complain(error)

    def _attempt(self, errand: Callable[[], None]) -> None:
        try:
            errand()
        except Exception as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Say once that something does not work here; the truth is in the tier all the same."""
        if isinstance(error, (CellgraphError, OSError)):
            self._remarks.once("background", f"the store's upkeep met a problem: {error}")
        else:
            _log.error("upkeep of the S3 store failed", exc_info=error)

    def _pause_s(self) -> float:
        down = [link.due_in_s for link in (self._reading, self._pushing) if not link.up]
        return max(_SHORTEST_S, min(down, default=_SHORTEST_S))
