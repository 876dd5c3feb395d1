"""joblib.Memory: a cache without a graph. Calls run at once, one after the other."""

# joblib is not typed, or only in part.
# pyright: basic

from pathlib import Path
from typing import Any

from joblib import Memory  # type: ignore[import-untyped]  # it ships no types

from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.workloads import Tasks


class JoblibPeer:
    """One Memory folder."""

    def open(self, state: Path) -> Tasks:
        return make_tasks(Memory(state, verbose=0).cache)

    def evaluate(self, expression: Any) -> Any:
        return expression

    def close(self) -> None:
        """Every result is a file of its own, written as the call ends."""


if __name__ == "__main__":
    driver.main(JoblibPeer())
