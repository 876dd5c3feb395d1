"""dask.delayed on threads: a graph without a cache, so it has cold runs only; no dynamic graphs."""

# dask is not typed, or only in part.
# pyright: basic

from pathlib import Path
from typing import Any

import dask.base
from dask.delayed import delayed

from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.workloads import Tasks


class DaskPeer:
    """The threaded scheduler."""

    def open(self, state: Path) -> Tasks:
        return make_tasks(delayed)

    def evaluate(self, expression: Any) -> Any:
        compute: Any = dask.base.compute  # typed as untyped
        return compute(expression, scheduler="threads")[0]

    def close(self) -> None:
        """Nothing is stored."""


if __name__ == "__main__":
    driver.main(DaskPeer())
