"""How long the calls of a group took: a bounded sample that gives median and 95th percentile."""

from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

_CAPACITY: Final = 1024


class Quantiles(NamedTuple):
    """Durations in seconds that half, and nineteen in twenty, of the calls did not exceed."""

    p50_s: float
    p95_s: float


class Durations:
    """A sample of at most 1,024 durations, in seconds: exact up to there, then every k-th one.

    Taking every k-th instead of a random one keeps the model a pure function of its events.
    """

    __slots__ = ("_skip", "_stride", "sample")

    def __init__(self) -> None:
        self.sample = array("d")
        self._stride = 1
        self._skip = 0

    def add(self, elapsed_s: float) -> None:
        """Note the duration of one more call."""
        if self._skip:
            self._skip -= 1
            return
        self.sample.append(elapsed_s)
        self._skip = self._stride - 1
        if len(self.sample) >= _CAPACITY:
            self.sample = self.sample[::2]
            self._stride *= 2
            self._skip = self._stride - 1


def quantiles(parts: Iterable[Durations]) -> Quantiles | None:
    """Return the quantiles of all *parts* together; None if no call ran."""
    values = sorted(value for part in parts for value in part.sample)
    if not values:
        return None
    last = len(values) - 1
    return Quantiles(values[round(last * 0.50)], values[round(last * 0.95)])
