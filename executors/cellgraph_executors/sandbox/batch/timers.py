"""Things to do later, on the engine's thread. Guarded by the engine's lock."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import NamedTuple


class _Timer(NamedTuple):
    due: float
    number: int
    action: Callable[[], None]


class Timers:
    """Times are those of the engine's clock, in seconds."""

    def __init__(self) -> None:
        self._numbers = count()
        self._timers: list[_Timer] = []

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Do something at *due*. What it is about may be over by then: *action* looks."""
        heapq.heappush(self._timers, _Timer(due, next(self._numbers), action))

    def run(self, now: float) -> None:
        """Do what is due."""
        while self._timers and self._timers[0].due <= now:
            heapq.heappop(self._timers).action()

    def soonest(self) -> float | None:
        """When the next one is due."""
        return self._timers[0].due if self._timers else None
