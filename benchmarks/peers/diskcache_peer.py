"""diskcache's `memoize`: a cache without a graph, and without the code in its keys."""

# diskcache is not typed, or only in part.
# pyright: basic

from pathlib import Path
from typing import Any

import diskcache  # type: ignore[import-untyped]  # it ships no types

from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.workloads import Tasks


class DiskcachePeer:
    """One cache folder, large enough to evict nothing."""

    def open(self, state: Path) -> Tasks:
        self._cache = diskcache.Cache(state, size_limit=2**36)
        return make_tasks(self._cache.memoize())

    def evaluate(self, expression: Any) -> Any:
        return expression

    def close(self) -> None:
        self._cache.close()


if __name__ == "__main__":
    driver.main(DiskcachePeer())
