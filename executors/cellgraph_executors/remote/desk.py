"""Jobs of an executor for a person: listed, their logs read, ended. Any thread; asks the service.

Jobs on record are those of every session on the store, also of kernels that are gone.
"""

from collections.abc import Generator
from contextlib import contextmanager
from time import time

from cellgraph.errors import ExecutorError
from cellgraph.executor import RemoteJob
from cellgraph.stores.s3.arrays import ARRAYS
from cellgraph.stores.s3.faults import S3Fault
from cellgraph_executors.aws import AwsFault
from cellgraph_executors.remote.beats import decode, part_of
from cellgraph_executors.remote.flights import KEY_BYTES, Pending
from cellgraph_executors.remote.office import Office
from cellgraph_executors.remote.states import CANCELLED, Seen

_UNSUBMITTED = Seen("", 1, 0, 0, 0, "it is about to be submitted")
_TOLD = 50  # jobs of which it is read how far they are
_FORGOTTEN = Seen("failed", 0, 0, 0, 0, "the service knows it no longer")


class Desk:
    """What a person may ask of one executor's jobs. Raises ExecutorError."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def listed(self) -> list[RemoteJob]:
        """The jobs on record, oldest first: one request per hundred."""
        office = self._office
        with _spoken("the remote jobs cannot be listed"):
            known = office.book.everything(time())
            mine = [p for p in known if p.executor == office.terms.name]
            seen = self._seen([p.remote for p in mine if p.remote])
        missing = {"": _UNSUBMITTED}
        told = self._told([p for p in mine if _alone(p, seen.get(p.remote))])
        seen |= {job: seen[job]._replace(reason=text) for job, text in told.items()}
        return [
            self._job(p, seen.get(p.remote, missing.get(p.remote, _FORGOTTEN)))
            for p in sorted(mine, key=lambda p: p.created)
        ]

    def log(self, job: str, child: int) -> str:
        """The last lines of the log of one child."""
        with _spoken(f"the log of {job} cannot be read"):
            several = self._children(job) > 1
            return self._office.service.log_tail(f"{job}:{child}" if several else job).text

    def end(self, job: str) -> None:
        """Stop a job and all its children; what they have finished is kept."""
        with _spoken(f"{job} cannot be ended"):
            self._office.service.terminate(job, CANCELLED)
        self._office.watch.set()

    def _children(self, job: str) -> int:
        office = self._office
        with office.lock:
            flown = [f.children for f in office.flights.open() if f.remote == job]
        if flown:
            return flown[0]
        known = [_children(p) for p in office.book.everything(time()) if p.remote == job]
        if known:
            return known[0]
        seen = self._seen([job]).get(job)
        return 1 if seen is None else seen.waiting + seen.running + seen.done + seen.failed

    def _seen(self, jobs: list[str]) -> dict[str, Seen]:
        service = self._office.service
        found: dict[str, Seen] = {}
        for at in range(0, len(jobs), service.at_once):
            some = service.describe(jobs[at : at + service.at_once])
            found.update({job: seen for job, (seen, _) in some.items()})
        return found

    def _told(self, running: list[Pending]) -> dict[str, str]:
        """How far jobs of one child are, of those that say it: one small object each."""
        office = self._office
        names = {f"{ARRAYS}{p.array}/out/{part_of(0)}": p for p in running[:_TOLD]}
        told: dict[str, str] = {}
        for name, data in office.arrays.read(names):
            pending = names[name]
            if isinstance(data, S3Fault):
                continue
            own = office.word.outcome(pending, 0, part_of(0), data)
            beat = None if own is None else decode(own)
            if beat is not None:
                told[pending.remote] = beat.words()
        return told

    def _job(self, pending: Pending, seen: Seen) -> RemoteJob:
        return RemoteJob(
            id=pending.remote,
            kind=self._office.service.kind(_children(pending)),
            executor=pending.executor,
            task=pending.task,
            status=seen.over or ("running" if seen.running or seen.done else "queued"),
            calls=len(pending.keys) // KEY_BYTES,
            waiting=seen.waiting,
            running=seen.running,
            done=seen.done,
            failed=seen.failed,
            created=pending.created,
            note=seen.reason,
        )


def _children(pending: Pending) -> int:
    return -(-(len(pending.keys) // KEY_BYTES) // pending.calls_per_child)


def _alone(pending: Pending, seen: Seen | None) -> bool:
    """Whether a job runs as one child that may say how far it is."""
    return _children(pending) == 1 and seen is not None and bool(seen.running and not seen.reason)


@contextmanager
def _spoken(what: str) -> Generator[None]:
    """Faults of services as one error."""
    try:
        yield
    except (AwsFault, S3Fault) as fault:
        raise ExecutorError(f"{what}: {fault}") from None
