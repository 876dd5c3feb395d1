"""The floor (`floor_engine`): what is left when everything but the work itself is left out."""

from pathlib import Path
from typing import Any

from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.peers.floor_engine import FloorEngine
from benchmarks.peers.floor_store import FloorStore
from benchmarks.workloads import Tasks


class FloorPeer:
    """One engine on one store."""

    def open(self, state: Path) -> Tasks:
        self._store = FloorStore(state)
        self._engine = FloorEngine(self._store)
        return make_tasks(self._engine.task)

    def evaluate(self, expression: Any) -> Any:
        return self._engine.run(expression)

    def close(self) -> None:
        self._store.close()


if __name__ == "__main__":
    driver.main(FloorPeer())
