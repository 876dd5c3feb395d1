"""How often a service is asked. Pure: the clock and randomness are passed in."""

from collections.abc import Callable
from typing import Final

# AWS throttles per account: 30 requests in any minute leave room for colleagues.
PER_MINUTE: Final = 30
_BURST: Final = 6
_REFILL_PER_S: Final = (PER_MINUTE - _BURST) / 60.0
_SLOWER: Final = 1.5
_JITTER: Final = 0.2


class Allowance:
    """Tokens for requests: at most `PER_MINUTE` in any minute, `_BURST` of them at once.

    Some requests cannot wait (a submission): they are noted, and others wait the longer.
    """

    def __init__(self, now: float) -> None:
        self._tokens = float(_BURST)
        self._at = now

    def take(self, now: float, requests: int = 1, spare: int = 0) -> bool:
        """Whether so many requests may be made now; if so, they count.

        *spare*: how many are left for what matters more.
        """
        self._refill(now)
        if self._tokens < min(requests + spare, _BURST):
            return False
        self._tokens -= requests
        return True

    def note(self, now: float, requests: int = 1) -> None:
        """So many requests are made now."""
        self._refill(now)
        self._tokens -= requests

    def due_in_s(self, requests: int = 1) -> float:
        """How long until so many requests may be made, as of the last look."""
        return max(0.0, (min(requests, _BURST) - self._tokens) / _REFILL_PER_S)

    def _refill(self, now: float) -> None:
        self._tokens = min(_BURST, self._tokens + (now - self._at) * _REFILL_PER_S)
        self._at = now


class Interval:
    """Time between two looks: short while things change, longer while they do not."""

    def __init__(self, shortest_s: float, longest_s: float, random: Callable[[], float]) -> None:
        """*random* returns a number in [0, 1)."""
        self._shortest_s = shortest_s
        self._longest_s = max(shortest_s, longest_s)
        self._random = random
        self._now_s = shortest_s

    def next_s(self, *, changed: bool) -> float:
        """How long to wait before the next look."""
        if changed:
            self._now_s = self._shortest_s
        else:
            self._now_s = min(self._longest_s, self._now_s * _SLOWER)
        return self._now_s * (1 - _JITTER + 2 * _JITTER * self._random())
