"""The actions of Batch that are about jobs."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.batch.arns import arn, short
from cellgraph_executors.sandbox.batch.board import Board, Entry
from cellgraph_executors.sandbox.batch.definitions import Definitions
from cellgraph_executors.sandbox.batch.filters import read_filter
from cellgraph_executors.sandbox.batch.model import STATUSES, Spec
from cellgraph_executors.sandbox.batch.paging import page
from cellgraph_executors.sandbox.batch.queues import Queues
from cellgraph_executors.sandbox.batch.requests import read_submit
from cellgraph_executors.sandbox.batch.views import detail, summary
from cellgraph_executors.sandbox.wire import Handler, Request, ServiceError, client_error

_SOURCES: Final = ("jobQueue", "arrayJobId", "multiNodeJobId")


class Engine(Protocol):
    """What the API asks of the engine. Thread-safe."""

    def submit(self, spec: Spec) -> None:
        """Take a job. Raises ServiceError when it depends on one that is unknown."""
        ...

    def cancel(self, job: str, index: int | None, reason: str) -> None: ...

    def terminate(self, job: str, index: int | None, reason: str) -> None: ...


class Rate:
    """At most so many requests in any second. Thread-safe."""

    def __init__(self, per_s: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: deque[float] = deque(maxlen=per_s)

    def take(self) -> None:
        """Raises ServiceError when there were too many."""
        now = self._clock()
        with self._lock:
            if len(self._taken) == self._taken.maxlen and now - self._taken[0] < 1:
                raise ServiceError("TooManyRequestsException", "Too Many Requests", 429)
            self._taken.append(now)


class Jobs:
    """Handlers by action."""

    def __init__(
        self,
        engine: Engine,
        board: Board,
        definitions: Definitions,
        queues: Queues,
        before: Callable[[Spec], None],
    ) -> None:
        self._before = before  # called for each new job, before it is taken
        self._engine = engine
        self._board = board
        self._definitions = definitions
        self._queues = queues
        self._rate = Rate(limits.SUBMITS_PER_S, time.monotonic)

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return {
            "SubmitJob": self._submit,
            "DescribeJobs": self._describe,
            "ListJobs": self._list,
            "CancelJob": lambda request: self._stop(request, self._engine.cancel),
            "TerminateJob": lambda request: self._stop(request, self._engine.terminate),
            "RegisterJobDefinition": self._definitions.register,
            "DeregisterJobDefinition": self._definitions.deregister,
            "DescribeJobDefinitions": self._definitions.describe,
            **self._queues.handlers(),
        }

    def _submit(self, request: Request) -> Mapping[str, Any]:
        self._rate.take()
        said = request.parameters
        queue = self._queues.find(said["jobQueue"])
        definition = self._definitions.find(said["jobDefinition"])
        now_ms = int(time.time() * 1000)
        spec = read_submit(request, definition, queue, str(uuid.uuid4()), now_ms)
        self._before(spec)
        self._engine.submit(spec)
        return {"jobArn": arn("job", spec.id), "jobName": spec.name, "jobId": spec.id}

    def _describe(self, request: Request) -> Mapping[str, Any]:
        ids: Sequence[str] = request.parameters["jobs"]
        if not 1 <= len(ids) <= limits.DESCRIBED_AT_ONCE:
            raise client_error(f"jobs must hold 1 to 100 ids: {len(ids)}")
        found = [self._board.find(short("job", each)) for each in ids]
        return {"jobs": [detail(*each) for each in found if each is not None]}

    def _list(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        if sum(1 for source in _SOURCES if said.get(source)) != 1:
            raise client_error(f"exactly one of {', '.join(_SOURCES)} is required")
        status = said.get("jobStatus", "RUNNING")
        if status not in STATUSES:
            raise client_error(f"jobStatus must be one of {', '.join(STATUSES)}: {status}")
        if said.get("multiNodeJobId"):
            raise client_error("the sandbox has no multi-node jobs")
        if said.get("arrayJobId"):
            return self._children(said, status)
        queue = short("job-queue", said["jobQueue"])
        if self._queues.named(queue) is None:
            raise client_error(f"JobQueue {said['jobQueue']} does not exist")
        accepts = read_filter(said.get("filters", []))
        largest = limits.LISTED_BY_FILTER if accepts else limits.LISTED_BY_STATUS
        entries = [
            entry
            for entry in self._board.entries()
            if entry.spec.queue == queue
            and (accepts(entry) if accepts else entry.state.status == status)
        ]
        listed = page("jobSummaryList", entries, said, largest)
        listed["jobSummaryList"] = [summary(entry, None) for entry in listed["jobSummaryList"]]
        return listed

    def _children(self, said: Mapping[str, Any], status: str) -> Mapping[str, Any]:
        """Filters do not apply to children."""
        entry, _ = self._entry(short("job", said["arrayJobId"]))
        found = [i for i, state in enumerate(entry.children) if state.status == status]
        listed = page("jobSummaryList", found, said, limits.LISTED_BY_STATUS)
        listed["jobSummaryList"] = [summary(entry, i) for i in listed["jobSummaryList"]]
        return listed

    def _stop(
        self, request: Request, how: Callable[[str, int | None, str], None]
    ) -> Mapping[str, Any]:
        reason: str = request.parameters["reason"]
        if len(reason) > limits.REASON_CHARACTERS:
            raise client_error("reason has at most 1024 characters")
        entry, index = self._entry(short("job", request.parameters["jobId"]))
        how(entry.spec.id, index, reason)
        return {}

    def _entry(self, id: str) -> tuple[Entry, int | None]:
        found = self._board.find(id)
        if found is None:
            raise client_error(f"Job {id} does not exist")
        return found
