"""Batch as a whole: its records, its engine, its actions."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cellgraph_executors.sandbox.batch.api import Jobs
from cellgraph_executors.sandbox.batch.board import Board
from cellgraph_executors.sandbox.batch.definitions import Definitions
from cellgraph_executors.sandbox.batch.engine import BatchEngine
from cellgraph_executors.sandbox.batch.launch import Launcher
from cellgraph_executors.sandbox.batch.model import Spec
from cellgraph_executors.sandbox.batch.queues import Queues
from cellgraph_executors.sandbox.batch.runner import Runner
from cellgraph_executors.sandbox.faults import Faults
from cellgraph_executors.sandbox.logstreams import LogStreams
from cellgraph_executors.sandbox.wire import Handler


class Batch:
    """The service. *environment*: what each job's process is given to reach the sandbox.

    *before* is called with each new job, before it is taken. *images*: folders of the programs of
    those that have not this machine's.
    """

    def __init__(
        self,
        runner: Runner,
        logs: LogStreams,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        faults: Faults,
        before: Callable[[Spec], None],
        images: Mapping[str, Path],
        *,
        vcpus: float,
        speed: float,
    ) -> None:
        queues = Queues(vcpus)
        board = Board(time.time, lambda: faults.lag_s)
        launcher = Launcher(runner, queues, logs, folder, environment, images, speed)
        self._engine = BatchEngine(board, launcher, faults, speed)
        self._jobs = Jobs(self._engine, board, Definitions(), queues, before)

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return self._jobs.handlers()

    def close(self) -> None:
        """Kill what runs."""
        self._engine.close()
