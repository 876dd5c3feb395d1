"""Jobs that a service has no room for now: a quota is used up, or it is asked too often. Pure.

They wait in order, by line; the first of a line is tried again after a pause that grows, and at
once when something of ours has ended. Times are those of any steady clock, in seconds.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

PAUSES_S: Final = (0.5, 1, 2, 5, 10, 15)
_T = TypeVar("_T")


class _Line(Generic[_T]):
    def __init__(self) -> None:
        self.waiting: deque[_T] = deque()
        self.refusals = 0  # in a row
        self.due = 0.0


class Holding(Generic[_T]):
    """Not thread-safe."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line[_T]] = {}

    def __contains__(self, line: str) -> bool:
        """Whether others wait in *line*: who comes now waits behind them."""
        return line in self._lines

    def add(self, line: str, item: _T) -> None:
        """Wait at the end of a line."""
        self._lines.setdefault(line, _Line()).waiting.append(item)

    def first(self, line: str) -> _T | None:
        """Who is to be tried; None when nobody waits."""
        found = self._lines.get(line)
        return found.waiting[0] if found else None

    def waiting(self, line: str) -> Sequence[_T]:
        """All who wait in a line, in order."""
        found = self._lines.get(line)
        return tuple(found.waiting) if found else ()

    def refused(self, line: str, now: float) -> int:
        """There is no room; return how often in a row this was said."""
        found = self._lines[line]
        found.due = now + PAUSES_S[min(found.refusals, len(PAUSES_S) - 1)]
        found.refusals += 1
        return found.refusals

    def left(self, line: str) -> None:
        """The first of a line need not wait any more; the next one is due."""
        found = self._lines[line]
        found.waiting.popleft()
        found.refusals, found.due = 0, 0.0
        if not found.waiting:
            del self._lines[line]

    def room(self) -> None:
        """Something has ended: there may be room for one of each line."""
        for found in self._lines.values():
            found.due = 0.0

    def due(self, now: float) -> Sequence[str]:
        """The lines whose first one is to be tried now."""
        return [line for line, found in self._lines.items() if found.due <= now]

    def next_due(self) -> float | None:
        """When one is to be tried; None when nobody waits."""
        return min((found.due for found in self._lines.values()), default=None)
