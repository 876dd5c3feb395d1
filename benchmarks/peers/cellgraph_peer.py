"""Cellgraph with its defaults: thread executor, identity, provenance and events all on."""

from pathlib import Path
from typing import Any

import cellgraph as cg
from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.workloads import Tasks


class CellgraphPeer:
    """One session on a local store."""

    def open(self, state: Path) -> Tasks:
        self._session = cg.Session(store=state)
        return make_tasks(cg.task)

    def evaluate(self, expression: Any) -> Any:
        return self._session.evaluate(expression)

    def close(self) -> None:
        self._session.close()


if __name__ == "__main__":
    driver.main(CellgraphPeer())
