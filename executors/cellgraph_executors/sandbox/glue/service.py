"""Glue's jobs as a whole: definitions, engine, actions, logs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cellgraph_executors.sandbox.batch.processes import Processes
from cellgraph_executors.sandbox.faults import Faults
from cellgraph_executors.sandbox.glue.api import Runs
from cellgraph_executors.sandbox.glue.engine import GlueEngine
from cellgraph_executors.sandbox.glue.jobs import Definitions
from cellgraph_executors.sandbox.glue.launch import Launcher
from cellgraph_executors.sandbox.glue.views import LOG_GROUP
from cellgraph_executors.sandbox.logstreams import LogStreams
from cellgraph_executors.sandbox.wire import Handler

OUTPUT: Final = f"{LOG_GROUP}/output"
ERRORS: Final = f"{LOG_GROUP}/error"


class Glue:
    """The service. *folder*: for logs and the runs' working folders. *environment*: what each
    run's process is given to reach the sandbox. *s3*: a client for scripts."""

    def __init__(
        self,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        s3: Callable[[], Any],
        faults: Faults,
        *,
        speed: float,
    ) -> None:
        self.logs: Mapping[str, LogStreams] = {
            OUTPUT: LogStreams(folder / "output"),
            ERRORS: LogStreams(folder / "error"),
        }
        launcher = Launcher(
            Processes(), self.logs[OUTPUT], self.logs[ERRORS], folder / "runs", environment, s3
        )
        self._engine = GlueEngine(launcher, faults, speed)
        self._runs = Runs(self._engine, Definitions())

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return self._runs.handlers()

    def close(self) -> None:
        """Kill what runs."""
        self._engine.close()
