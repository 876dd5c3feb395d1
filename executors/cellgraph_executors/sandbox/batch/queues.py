"""Job queues and the compute environments behind them: records, and how many vCPUs they make."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.batch.arns import arn, short
from cellgraph_executors.sandbox.batch.definitions import check_name
from cellgraph_executors.sandbox.batch.paging import page
from cellgraph_executors.sandbox.wire import Handler, Request, client_error

Kind = Literal["job-queue", "compute-environment"]
_STATES: Final = frozenset({"ENABLED", "DISABLED"})
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """What the engine needs of a queue."""

    name: str
    environment: str  # of its first compute environment
    vcpus: float
    fair_share: bool


class Queues:
    """Thread-safe. An environment that does not say how many vCPUs it has has *vcpus*."""

    def __init__(self, vcpus: float) -> None:
        self._vcpus = vcpus
        self._lock = threading.Lock()
        self._queues: dict[str, dict[str, Any]] = {}
        self._environments: dict[str, dict[str, Any]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return {
            "CreateComputeEnvironment": self._create_environment,
            "UpdateComputeEnvironment": lambda r: self._update("compute-environment", r),
            "DeleteComputeEnvironment": self._delete_environment,
            "DescribeComputeEnvironments": lambda r: self._describe("compute-environment", r),
            "CreateJobQueue": self._create_queue,
            "UpdateJobQueue": lambda r: self._update("job-queue", r),
            "DeleteJobQueue": self._delete_queue,
            "DescribeJobQueues": lambda r: self._describe("job-queue", r),
        }

    def find(self, said: str) -> Queue:
        """The queue that takes a job. Raises ServiceError."""
        name = short("job-queue", said)
        with self._lock:
            queue = self._queues.get(name)
            if queue is None:
                raise client_error(f"JobQueue {said} does not exist")
            if queue["state"] != "ENABLED":
                raise client_error(f"JobQueue {said} is not in state ENABLED")
            return self._summary(queue)

    def named(self, name: str) -> Queue | None:
        """The queue called *name*, whatever its state."""
        with self._lock:
            queue = self._queues.get(name)
            return None if queue is None else self._summary(queue)

    def _summary(self, queue: Mapping[str, Any]) -> Queue:
        names = [short("compute-environment", e) for e in _environments(queue)]
        known = [self._environments[name] for name in names]
        vcpus = sum(self._size(e) for e in known if e["state"] == "ENABLED")
        fair = bool(queue.get("schedulingPolicyArn"))
        return Queue(queue["jobQueueName"], names[0], vcpus, fair)

    def _size(self, environment: Mapping[str, Any]) -> float:
        resources: Mapping[str, Any] = environment.get("computeResources", {})
        said = resources.get("maxvCpus", environment.get("unmanagedvCpus"))
        return self._vcpus if said is None else float(said)

    def _create_environment(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        name: str = said["computeEnvironmentName"]
        check_name("computeEnvironmentName", name)
        if said["type"] not in {"MANAGED", "UNMANAGED"}:
            raise client_error(f"type must be MANAGED or UNMANAGED: {said['type']}")
        if said["type"] == "MANAGED" and "computeResources" not in said:
            raise client_error("a MANAGED compute environment needs computeResources")
        _check_state(said)
        made: dict[str, Any] = {
            "state": "ENABLED",
            "containerOrchestrationType": "ECS",
            "tags": {},
            **said,
        }
        return self._add("compute-environment", self._environments, made, name)

    def _create_queue(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        name: str = said["jobQueueName"]
        check_name("jobQueueName", name)
        _check_state(said)
        self._check_order(said)
        made: dict[str, Any] = {"state": "ENABLED", "tags": {}, "jobQueueType": "ECS", **said}
        return self._add("job-queue", self._queues, made, name)

    def _add(
        self, kind: Kind, known: dict[str, dict[str, Any]], made: dict[str, Any], name: str
    ) -> Mapping[str, Any]:
        most = limits.QUEUES if kind == "job-queue" else limits.COMPUTE_ENVIRONMENTS
        prefix = _prefix(kind)
        made |= {f"{prefix}Arn": arn(kind, name), "status": "VALID", "statusReason": "Healthy"}
        with self._lock:
            if name in known:
                raise client_error(f"Object already exists: {name}")
            if len(known) >= most:
                raise client_error(f"an account has at most {most} of these")
            known[name] = made
        return {f"{prefix}Name": name, f"{prefix}Arn": made[f"{prefix}Arn"]}

    def _update(self, kind: Kind, request: Request) -> Mapping[str, Any]:
        said = dict(request.parameters)
        prefix = _prefix(kind)
        name = short(kind, said.pop(prefix))
        _check_state(said)
        self._check_order(said)
        with self._lock:
            known = self._of(kind).get(name)
            if known is None:
                raise client_error(f"{name} does not exist")
            known.update(said)
        return {f"{prefix}Name": name, f"{prefix}Arn": arn(kind, name)}

    def _delete_queue(self, request: Request) -> Mapping[str, Any]:
        name = short("job-queue", request.parameters["jobQueue"])
        with self._lock:
            known = self._queues.get(name)
            if known is not None and known["state"] != "DISABLED":
                raise client_error("a queue must be disabled before it is deleted")
            self._queues.pop(name, None)
        return {}

    def _delete_environment(self, request: Request) -> Mapping[str, Any]:
        name = short("compute-environment", request.parameters["computeEnvironment"])
        with self._lock:
            known = self._environments.get(name)
            if known is not None and known["state"] != "DISABLED":
                raise client_error("a compute environment must be disabled before it is deleted")
            for queue in self._queues.values():
                if name in {short("compute-environment", e) for e in _environments(queue)}:
                    raise client_error(f"{queue['jobQueueName']} still uses {name}")
            self._environments.pop(name, None)
        return {}

    def _describe(self, kind: Kind, request: Request) -> Mapping[str, Any]:
        key = f"{_prefix(kind)}s"
        named = {short(kind, name) for name in request.parameters.get(key, [])}
        with self._lock:
            found = [dict(v) for k, v in self._of(kind).items() if not named or k in named]
        return page(key, found, request.parameters, _PAGE)

    def _of(self, kind: Kind) -> dict[str, dict[str, Any]]:
        return self._queues if kind == "job-queue" else self._environments

    def _check_order(self, said: Mapping[str, Any]) -> None:
        if "computeEnvironmentOrder" not in said:
            return
        order = _environments(said)
        if not 1 <= len(order) <= limits.ENVIRONMENTS_PER_QUEUE:
            raise client_error("computeEnvironmentOrder must hold 1 to 3 compute environments")
        with self._lock:
            for each in order:
                if short("compute-environment", each) not in self._environments:
                    raise client_error(f"{each} does not exist")


def _prefix(kind: Kind) -> str:
    return "jobQueue" if kind == "job-queue" else "computeEnvironment"


def _environments(queue: Mapping[str, Any]) -> Sequence[str]:
    order = sorted(queue.get("computeEnvironmentOrder", []), key=lambda item: int(item["order"]))
    return [item["computeEnvironment"] for item in order]


def _check_state(said: Mapping[str, Any]) -> None:
    if said.get("state", "ENABLED") not in _STATES:
        raise client_error(f"state must be ENABLED or DISABLED: {said['state']}")
