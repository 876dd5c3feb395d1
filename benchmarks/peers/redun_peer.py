"""redun with its defaults but for two things in its favour: job lines are not printed, and the
harness puts its database on a RAM disk, where a commit costs no disk write."""

# redun is not typed, or only in part.
# pyright: basic

import logging
import sys
from pathlib import Path
from typing import Any

import redun
from redun.config import Config

from benchmarks.peers import driver
from benchmarks.peers.bodies import make_tasks
from benchmarks.workloads import Tasks


class RedunPeer:
    """One scheduler on a SQLite file."""

    def open(self, state: Path) -> Tasks:
        logging.getLogger("redun").setLevel(logging.WARNING)
        sys.setrecursionlimit(1_000_000)  # it recurses over the depth of an expression
        uri = f"sqlite:///{state / 'redun.db'}"
        self._scheduler = redun.Scheduler(config=Config({"backend": {"db_uri": uri}}))
        self._scheduler.load(migrate=True)
        return make_tasks(redun.task(namespace="benchmarks"))

    def evaluate(self, expression: Any) -> Any:
        return self._scheduler.run(expression)

    def close(self) -> None:
        """Every job is committed as it ends: nothing is left to write."""


if __name__ == "__main__":
    driver.main(RedunPeer())
