"""Jobs on other machines, of all remote executors of a session, for a person. Any thread."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cellgraph.errors import ConfigError, ExecutorError
from cellgraph.executor import RemoteDesk, RemoteExecutor, RemoteJob
from cellgraph.suggest import closest


class Found(NamedTuple):
    """A job and the executor that knows it."""

    job: RemoteJob
    desk: RemoteDesk


class RemoteJobs:
    """*names*: of the executors that run calls on other machines; *made* gives one by its name.

    Every method asks the services. Raises ConfigError, ExecutorError.
    """

    def __init__(self, names: Sequence[str], made: Callable[[str], RemoteExecutor | None]) -> None:
        self._names = names
        self._made = made

    def list(self) -> list[RemoteJob]:
        """The jobs on record, also those of kernels that are gone, oldest first."""
        return sorted((found.job for found in self._all()), key=lambda job: job.created)

    def find(self, id: str) -> Found:
        """The job whose id is, or begins with, *id*. Raises ExecutorError."""
        all_ = list(self._all())
        found = [f for f in all_ if id and f.job.id.startswith(id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ExecutorError(f"{id} is the beginning of {len(found)} jobs: write more of it")
        raise ExecutorError(f"no job {id} is on record{closest(id, (f.job.id for f in all_))}")

    def log(self, id: str, child: int = 0) -> str:
        """The last lines of what a child has written."""
        found = self.find(id)
        return found.desk.log(found.job.id, child)

    def cancel(self, id: str) -> RemoteJob:
        """End a job with all its children; what they have finished is kept."""
        found = self.find(id)
        found.desk.end(found.job.id)
        return found.job

    def desk(self, executor: str) -> RemoteDesk:
        """The jobs of one executor."""
        made = self._made(executor)
        if made is None:
            raise ConfigError(f"executor {executor!r} runs calls on this machine: it has no jobs")
        return made.desk

    def _all(self) -> Iterator[Found]:
        for name in self._names:
            desk = self.desk(name)
            yield from (Found(job, desk) for job in desk.listed())
