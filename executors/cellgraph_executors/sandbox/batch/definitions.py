"""Job definitions: names with revisions, each kept whole as it was registered."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cellgraph_executors.sandbox.batch import containers, limits
from cellgraph_executors.sandbox.batch.arns import arn, short
from cellgraph_executors.sandbox.batch.paging import page
from cellgraph_executors.sandbox.batch.retry import read_retry
from cellgraph_executors.sandbox.wire import Request, client_error

Definition = Mapping[str, Any]
_KIND: Final = "job-definition"
_PAGE: Final = 100


class Definitions:
    """Thread-safe; its methods with a `Request` are actions of the API."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revisions: dict[str, list[dict[str, Any]]] = {}

    def register(self, request: Request) -> Mapping[str, Any]:
        """RegisterJobDefinition."""
        said = request.parameters
        if request.size > limits.DEFINITION_BYTES:
            raise client_error(
                f"a job definition has at most {limits.DEFINITION_BYTES} bytes: {request.size}"
            )
        name: str = said["jobDefinitionName"]
        check_name("jobDefinitionName", name)
        _check(said)
        with self._lock:
            known = self._revisions.setdefault(name, [])
            revision = len(known) + 1
            made: dict[str, Any] = {
                "containerOrchestrationType": "ECS",
                "parameters": {},
                "tags": {},
                **said,
                "jobDefinitionArn": arn(_KIND, f"{name}:{revision}"),
                "revision": revision,
                "status": "ACTIVE",
            }
            known.append(made)
        return {key: made[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}

    def deregister(self, request: Request) -> Mapping[str, Any]:
        """DeregisterJobDefinition: it stays described, and takes no more jobs."""
        said = short(_KIND, request.parameters["jobDefinition"])
        name, _, revision = said.partition(":")
        with self._lock:
            for known in self._revisions.get(name, []):
                if str(known["revision"]) == revision:
                    known["status"] = "INACTIVE"
        return {}

    def describe(self, request: Request) -> Mapping[str, Any]:
        """DescribeJobDefinitions."""
        said = request.parameters
        named: Sequence[str] = said.get("jobDefinitions", [])
        if len(named) > limits.DESCRIBED_AT_ONCE:
            raise client_error("jobDefinitions must hold at most 100 names")
        with self._lock:
            every = [d for known in self._revisions.values() for d in reversed(known)]
        wanted = {short(_KIND, name) for name in named}
        found = [
            d
            for d in every
            if (not wanted or {_full_name(d), d["jobDefinitionName"]} & wanted)
            and said.get("jobDefinitionName", d["jobDefinitionName"]) == d["jobDefinitionName"]
            and said.get("status", d["status"]) == d["status"]
        ]
        return page("jobDefinitions", found, said, _PAGE)

    def find(self, said: str) -> Definition:
        """The active definition that a SubmitJob names. Raises ServiceError."""
        name, _, revision = short(_KIND, said).partition(":")
        with self._lock:
            active: list[Definition] = [
                d for d in self._revisions.get(name, []) if d["status"] == "ACTIVE"
            ]
        for definition in reversed(active):
            if not revision or str(definition["revision"]) == revision:
                return definition
        raise client_error(f"JobDefinition {said} does not exist or is not active")


def _full_name(definition: Definition) -> str:
    return f"{definition['jobDefinitionName']}:{definition['revision']}"


def check_name(what: str, name: str) -> None:
    """Raises ServiceError for what Batch does not take as a name."""
    if not limits.NAME.fullmatch(name):
        raise client_error(
            f"{what} must be 1 to 128 letters, numbers, - and _, the first a letter or number: "
            f"{name!r}"
        )


def check_timeout(said: Mapping[str, Any]) -> int:
    """Return the timeout in seconds, 0 for none. Raises ServiceError."""
    seconds: int = said.get("attemptDurationSeconds", 0)
    if said and seconds < limits.MIN_TIMEOUT_S:
        raise client_error(f"attemptDurationSeconds must be at least 60: {seconds}")
    return seconds


def _check(said: Definition) -> None:
    if said["type"] not in {"container", "multinode"}:
        raise client_error(f"type must be container or multinode: {said['type']}")
    if len(said.get("tags", {})) > limits.TAGS:
        raise client_error(f"at most {limits.TAGS} tags")
    read_retry(said.get("retryStrategy", {}))
    check_timeout(said.get("timeout", {}))
    if said["type"] == "multinode":
        if "nodeProperties" not in said:
            raise client_error("a multinode definition needs nodeProperties")
        return
    containers.check(said)
