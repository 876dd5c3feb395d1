"""Jobs of other machines: what executors say of them, told to the runs whose calls they hold."""

from collections.abc import Callable, Iterable

from cellgraph.active import Active
from cellgraph.events import (
    Event,
    Notice,
    RemoteChildrenEnded,
    RemoteJobAdded,
    RemoteJobChanged,
)
from cellgraph.executor import JobEvent, JobsLeft, Remark, RemoteEnded, RemoteSeen
from cellgraph.keeping import Jobs

_OVER = frozenset({"done", "failed", "cancelled"})


class Remotes:
    """Which runs have calls in which remote job. Owner thread only; *emit* hands an event on."""

    def __init__(self, jobs: Jobs, emit: Callable[[Event], None]) -> None:
        self._jobs = jobs
        self._emit = emit
        self._runs: dict[str, list[Active]] = {}
        self._remarks: set[tuple[str, str]] = set()

    def take(self, event: JobEvent) -> None:
        """Tell the runs that an event concerns."""
        if type(event) is JobsLeft:
            self._left(event)
        elif type(event) is RemoteSeen:
            for active in self._of(event.remote):
                self._emit(RemoteJobChanged(active.run.id, event.remote, *event[1:]))
            if event.status in _OVER:
                self._runs.pop(event.remote, None)
        elif type(event) is RemoteEnded:
            for active in self._of(event.remote):
                self._emit(RemoteChildrenEnded(active.run.id, event.remote, event.children))
        elif type(event) is Remark:
            self._remark(event)

    def _left(self, event: JobsLeft) -> None:
        """One event for each run: positions whose calls are another's hold -1."""
        calls: dict[str, list[int]] = {}
        runs: dict[str, Active] = {}
        tasks: dict[str, str] = {}
        for at, job in enumerate(event.jobs):
            found = self._jobs.out.get(job)
            if found is None or found[0].ended:
                continue
            active, node = found
            run = active.run.id
            if run not in runs:
                runs[run], calls[run] = active, [-1] * len(event.jobs)
                tasks[run] = active.reduction.name_of(node)
            calls[run][at] = node.call
        known = self._runs.setdefault(event.remote, [])
        known += [active for active in runs.values() if active not in known]
        for run in runs:
            self._emit(
                RemoteJobAdded(
                    run,
                    event.remote,
                    event.kind,
                    event.executor,
                    tasks[run],
                    tuple(calls[run]),
                    event.calls_per_child,
                    event.vcpus,
                    event.at,
                    event.attached,
                    event.usd_per_vcpu_hour,
                )
            )

    def _of(self, remote: str) -> list[Active]:
        return [active for active in self._runs.get(remote, ()) if not active.ended]

    def _remark(self, event: Remark) -> None:
        """Each text once for a run."""
        for active in self._waiting(event.jobs):
            if (active.run.id, event.text) not in self._remarks:
                self._remarks.add((active.run.id, event.text))
                self._emit(Notice(active.run.id, event.text))

    def _waiting(self, jobs: Iterable[int]) -> list[Active]:
        found = {
            out[0].run.id: out[0] for job in jobs if (out := self._jobs.out.get(job)) is not None
        }
        return [active for active in found.values() if not active.ended]
