"""Spark steps on this machine: the same tasks that run on Glue."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from cellgraph.errors import ConfigError
from cellgraph.executor import ExecutorHost, Job, JobDone, JobFailed
from cellgraph.stores.base import Store
from cellgraph_executors.glue.settings import TASK_OPTIONS
from cellgraph_executors.machine import Machine
from cellgraph_executors.settings import (
    check_task_options,
    reject_unknown,
    workers_setting,
)
from cellgraph_executors.spark.choices import checked_choices
from cellgraph_executors.spark.counting import leave_java
from cellgraph_executors.spark.local import default_options, master_of, shared
from cellgraph_executors.spark.running import SparkDriver, SparkPlace, driving
from cellgraph_executors.thread import ThreadExecutor, ThreadWorker


class SparkExecutor(ThreadExecutor):
    """Runs calls on threads of this process with a Spark session of this machine.

    The session (a Java process) is begun by the first call that asks for it, shared by all in this
    process, and stopped when the executor is closed. Settings: `cores`, Spark tasks at once
    (default: all cores); `memory_gib` of the Java process (default 1); `options`, further settings
    of Spark by name; `workers`, calls at once; `machine`; `name`.

    Task options: `choices`, how columns of several types in a DynamicFrame are resolved, by column.
    Those of Glue are accepted and change nothing.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = (
        "cores",
        "memory_gib",
        "options",
        "workers",
        "machine",
        "name",
    )
    job_options: ClassVar = TASK_OPTIONS  # those of Glue change nothing here

    def __init__(
        self,
        *,
        cores: int | None = None,
        memory_gib: float | None = None,
        options: Mapping[str, str] | None = None,
        workers: int | None = None,
        machine: Machine | None = None,
        name: str = "spark",
        **unknown: Any,
    ) -> None:
        reject_unknown(name, unknown, self.SETTINGS)
        super().__init__(workers=workers, machine=machine, name=name)
        asked = workers_setting(name, cores, "cores")
        if memory_gib is not None and not memory_gib > 0:
            raise ConfigError(f"executor {name!r}: memory_gib={memory_gib!r}: expected more than 0")
        self._master = master_of(asked)
        self._options = default_options(asked, memory_gib) | {
            str(option): str(value) for option, value in (options or {}).items()
        }
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # for a store without a place
        self._drivers: dict[int, SparkDriver] = {}  # of running calls, by job

    def start(self, host: ExecutorHost) -> None:
        """See `cellgraph.executor.Executor`."""
        super().start(host)
        self._results = results_of(host.store) or self._temporary()

    def check_options(self, extra: Mapping[str, object]) -> None:
        """See `cellgraph.executor.Executor`."""
        check_task_options(self.name, extra, self.job_options, lambda name, value: "")
        checked_choices(extra.get("choices"))

    def close(self) -> None:
        """See `cellgraph.executor.Executor`. Stops Spark, unless others here use it."""
        super().close()
        shared.let_go(self)
        if self._folder is not None:
            self._folder.cleanup()

    def _temporary(self) -> str:
        self._folder = tempfile.TemporaryDirectory(prefix="cellgraph-", ignore_cleanup_errors=True)
        return self._folder.name

    def _session(self) -> Any:
        return shared.session(self, self._master, self._options)

    def _perform(self, worker: ThreadWorker, job: Job) -> JobDone | JobFailed:
        choices = checked_choices((job.resources.extra or {}).get("choices"))
        place = SparkPlace(self._session, self._results, choices=choices)
        with driving(place, lambda progress: self._heard(worker, job.id, progress)) as driver:
            self._drivers[job.id] = driver
            try:
                return super()._perform(worker, job)
            finally:
                del self._drivers[job.id]

    def _depart(self, worker: ThreadWorker) -> None:
        super()._depart(worker)
        leave_java()

    def _halt(self, worker: ThreadWorker, job: Job) -> None:
        driver = self._drivers.get(job.id)
        super()._halt(worker, job)
        if driver is not None:
            driver.stop()  # the thread waits in a call to Java, which nothing else ends


def results_of(store: Store) -> str:
    """Where frames that steps return are kept, beside what *store* keeps; empty: nowhere."""
    uri = getattr(store, "uri", "")
    if uri:
        return f"{uri}/datasets"
    root: Path | None = getattr(store, "root", None)
    return "" if root is None else str(root / "datasets")
