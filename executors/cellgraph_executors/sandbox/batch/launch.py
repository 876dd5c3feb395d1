"""From a job to an order for the runner: its task, log stream, folder and environment."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from cellgraph_executors.sandbox.batch.container import container_environment
from cellgraph_executors.sandbox.batch.queues import Queues
from cellgraph_executors.sandbox.batch.runner import Order, Runner, Running
from cellgraph_executors.sandbox.batch.work import Job, Life
from cellgraph_executors.sandbox.logstreams import LogStreams


class Launcher:
    """Prepares and starts attempts.

    *environment*: what every job's process is given beside its own. *folder*: where their working
    folders are made.
    """

    def __init__(
        self,
        runner: Runner,
        queues: Queues,
        logs: LogStreams,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        self._runner = runner
        self._queues = queues
        self._logs = logs
        self._folder = folder
        self._environment = environment

    def vcpus_of(self, queue: str) -> float:
        """What a queue has in all; 0 when it is gone."""
        found = self._queues.named(queue)
        return 0.0 if found is None else found.vcpus

    def prepare(self, job: Job) -> Life:
        """The next attempt of a job, before it starts."""
        task = uuid.uuid4().hex
        definition = job.group.spec.definition.partition(":")[0]
        return Life(job.tried + 1, task, self._logs.new(f"{definition}/default/{task}"), 0)

    def start(self, job: Job, life: Life, ended: Callable[[int], None]) -> Running:
        """Start an attempt. Raises CannotStart."""
        spec = job.group.spec
        queue = self._queues.named(spec.queue)
        folder = self._folder / life.task
        environment = container_environment(
            spec,
            job.index,
            life.number,
            "" if queue is None else queue.environment,
            self._environment(),
            folder,
        )
        order = Order(spec.command, environment, folder, spec.mounts, life.log)
        return self._runner.start(order, ended)

    def close(self) -> None:
        """Kill what runs."""
        self._runner.close()
