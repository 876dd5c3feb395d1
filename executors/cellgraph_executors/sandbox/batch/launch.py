"""From a job to orders for the runner: its task, log streams, folders and environment."""

import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.batch.container import container_environment
from cellgraph_executors.sandbox.batch.model import Container
from cellgraph_executors.sandbox.batch.queues import Queues
from cellgraph_executors.sandbox.batch.runner import CannotStart, Order, Runner, Running
from cellgraph_executors.sandbox.batch.task import Task
from cellgraph_executors.sandbox.batch.views import stream_name
from cellgraph_executors.sandbox.batch.work import Job, Life
from cellgraph_executors.sandbox.logstreams import LogStreams

_VOLUMES: Final = "-volumes"


class Launcher:
    """Prepares and starts attempts.

    *environment*: what every job's process is given beside its own. *folder*: where their working
    folders are made. *images*: where programs are found, for images that are no mere labels.
    """

    def __init__(
        self,
        runner: Runner,
        queues: Queues,
        logs: LogStreams,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        images: Mapping[str, Path],
        speed: float,
    ) -> None:
        self._runner = runner
        self._queues = queues
        self._logs = logs
        self._folder = folder
        self._environment = environment
        self._images = images
        self._grace_s = limits.GRACE_S / speed

    def vcpus_of(self, queue: str) -> float:
        """What a queue has in all; 0 when it is gone."""
        found = self._queues.named(queue)
        return 0.0 if found is None else found.vcpus

    def prepare(self, job: Job) -> Life:
        """The next attempt of a job, before it starts."""
        task = uuid.uuid4().hex
        spec = job.group.spec
        logs = {
            each.name: self._logs.new(stream_name(spec.definition, each.name, task))
            for each in spec.containers
        }
        return Life(job.tried + 1, task, logs, 0)

    def start(self, job: Job, life: Life, ended: Callable[[int], None]) -> Running:
        """Start an attempt. Raises CannotStart."""
        containers = job.group.spec.containers
        orders = {
            each.name: self._order(job, life, each, f"-{at}" if at else "")
            for at, each in enumerate(containers)
        }
        volumes = self._folder / f"{life.task}{_VOLUMES}"

        def over(code: int) -> None:
            shutil.rmtree(volumes, ignore_errors=True)
            ended(code)

        grace_s = self._grace_s
        task = Task(containers, orders, self._runner, grace_s, life.codes, over)
        try:
            task.start()
        except CannotStart:
            shutil.rmtree(volumes, ignore_errors=True)
            raise
        return task

    def _order(self, job: Job, life: Life, container: Container, suffix: str) -> Order:
        spec = job.group.spec
        queue = self._queues.named(spec.queue)
        folder = self._folder / f"{life.task}{suffix}"
        environment = container_environment(
            spec,
            container,
            job.index,
            life.number,
            "" if queue is None else queue.environment,
            self._environment(),
            folder,
            self._images.get(container.image),
        )
        mounts = tuple(
            mount if mount.source else mount._replace(source=str(self._volume(life, mount.volume)))
            for mount in container.mounts
        )
        return Order(container.command, environment, folder, mounts, life.logs[container.name])

    def _volume(self, life: Life, name: str) -> Path:
        """A volume of a task without a folder of the host: empty, and the task's own."""
        folder = self._folder / f"{life.task}{_VOLUMES}" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def close(self) -> None:
        """Kill what runs."""
        self._runner.close()
