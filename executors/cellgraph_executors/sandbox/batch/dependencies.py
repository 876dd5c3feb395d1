"""Who waits for whom. Guarded by the engine's lock."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from cellgraph_executors.sandbox.batch.work import Group, Job
from cellgraph_executors.sandbox.wire import client_error

# A job's id, and the index of a child or None for all of it.
Key = tuple[str, int | None]
_WHOLE: Final = None


class Dependencies:
    """Jobs by what they wait for."""

    def __init__(self, groups: Mapping[str, Group]) -> None:
        self._groups = groups
        self._waiting: defaultdict[Key, list[Job]] = defaultdict(list)

    def check(self, group: Group) -> None:
        """Raises ServiceError for a dependency that cannot be."""
        for each in group.spec.depends:
            if each.kind == "SEQUENTIAL":
                continue
            job, _, index = each.job.partition(":")
            other = self._groups.get(job)
            if other is None or (index and not 0 <= int(index) < other.spec.size):
                raise client_error(f"dependsOn: job {each.job} does not exist")
            if each.kind == "N_TO_N" and other.spec.size != group.spec.size:
                raise client_error("dependsOn: N_TO_N needs an array of the same size")

    def add(self, group: Group) -> None:
        """Count what each job of a new group waits for."""
        for job in group.jobs:
            for key in self._keys(group, job):
                status = self._status(key)
                if status == "FAILED":
                    job.failed_blocker = True
                elif status != "SUCCEEDED":
                    job.blockers += 1
                    self._waiting[key].append(job)

    def release(self, key: Key) -> list[Job]:
        """The jobs that waited for what has just ended."""
        return self._waiting.pop(key, [])

    def _keys(self, group: Group, job: Job) -> Iterator[Key]:
        for each in group.spec.depends:
            if each.kind == "SEQUENTIAL":
                if job.index:
                    yield group.spec.id, job.index - 1
            elif each.kind == "N_TO_N":
                yield each.job, job.index
            else:
                other, _, index = each.job.partition(":")
                yield other, int(index) if index else _WHOLE

    def _status(self, key: Key) -> str:
        group, index = self._groups[key[0]], key[1]
        if index is not None:
            return group.jobs[index].state.status
        return group.parent.status if group.is_array else group.jobs[0].state.status
