"""Job definitions: kept as they were said."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from cellgraph_executors.sandbox.batch.paging import page
from cellgraph_executors.sandbox.glue import limits
from cellgraph_executors.sandbox.wire import Request, ServiceError

_CHANGEABLE: Final = "JobUpdate"


class Definitions:
    """Thread-safe; its methods with a `Request` are actions of the API."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, dict[str, Any]] = {}

    def create(self, request: Request) -> Mapping[str, Any]:
        """CreateJob."""
        said = {k: v for k, v in request.parameters.items() if k != "Tags"}
        name: str = said["Name"]
        check(said)
        now = time.time()
        with self._lock:
            if name in self._jobs:
                raise _taken(name, self._jobs[name], said)
            self._jobs[name] = {**said, "CreatedOn": now, "LastModifiedOn": now}
        return {"Name": name}

    def update(self, request: Request) -> Mapping[str, Any]:
        """UpdateJob: the definition is overwritten whole."""
        name: str = request.parameters["JobName"]
        said: dict[str, Any] = dict(request.parameters[_CHANGEABLE])
        check(said)
        with self._lock:
            known = self._found(name)
            made = {"CreatedOn": known["CreatedOn"], "LastModifiedOn": time.time()}
            self._jobs[name] = {"Name": name, **said, **made}
        return {"JobName": name}

    def get(self, request: Request) -> Mapping[str, Any]:
        """GetJob."""
        return {"Job": shown(self.find(request.parameters["JobName"]))}

    def get_all(self, request: Request) -> Mapping[str, Any]:
        """GetJobs."""
        with self._lock:
            found = [shown(self._jobs[name]) for name in sorted(self._jobs)]
        return paged("Jobs", found, request, limits.JOBS_LISTED)

    def names(self, request: Request) -> Mapping[str, Any]:
        """ListJobs."""
        with self._lock:
            found = sorted(self._jobs)
        return paged("JobNames", found, request, limits.JOBS_LISTED)

    def delete(self, request: Request) -> Mapping[str, Any]:
        """DeleteJob: no exception when it is not there. What runs goes on."""
        name: str = request.parameters["JobName"]
        with self._lock:
            self._jobs.pop(name, None)
        return {"JobName": name}

    def find(self, name: str) -> Mapping[str, Any]:
        """A definition as it is now. Raises ServiceError."""
        with self._lock:
            return dict(self._found(name))

    def _found(self, name: str) -> dict[str, Any]:
        found = self._jobs.get(name)
        if found is None:
            raise ServiceError("EntityNotFoundException", f"Job {name} does not exist")
        return found


def _taken(name: str, known: Mapping[str, Any], said: Mapping[str, Any]) -> ServiceError:
    """Glue tells a name that is taken from one that is taken by the very same definition."""
    if any(known.get(key) != value for key, value in said.items()):
        return ServiceError(
            "IdempotentParameterMismatchException",
            f"Job with name: '{name}' already submitted with different configuration",
        )
    return ServiceError("AlreadyExistsException", f"Job with name {name} already exists")


def check(said: Mapping[str, Any]) -> None:
    """Check a definition beyond AWS's model of it. Raises ServiceError."""
    version = version_of(said)
    if version not in limits.VERSIONS:
        raise invalid(f"GlueVersion {version} is not one of {', '.join(limits.VERSIONS)}")
    for needed in ("Role", "Command"):
        if needed not in said:
            raise invalid(f"{needed} is required")
    script = said["Command"].get("ScriptLocation", "")
    if not script.startswith("s3://"):
        raise invalid(f"Command.ScriptLocation must be an S3 path: {script!r}")
    most = int(said.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1))
    if not 1 <= most <= limits.RUNS_PER_JOB:
        raise invalid(f"MaxConcurrentRuns must be between 1 and {limits.RUNS_PER_JOB}: {most}")
    retries = int(said.get("MaxRetries", 0))
    if not 0 <= retries <= limits.MAX_RETRIES:
        raise invalid(f"MaxRetries must be between 0 and {limits.MAX_RETRIES}: {retries}")
    check_arguments(said.get("DefaultArguments", {}))
    check_workers(said, version)


def check_arguments(arguments: Mapping[str, str]) -> None:
    """Raises ServiceError for a name that is no argument."""
    for name in arguments:
        if not name.startswith("--"):
            raise invalid(f"Arguments must begin with --: {name}")


def check_workers(said: Mapping[str, Any], version: str) -> None:
    """What is said of workers, in a definition or for a run. Raises ServiceError."""
    kind, workers = said.get("WorkerType"), said.get("NumberOfWorkers")
    if "MaxCapacity" in said and (kind or workers):
        raise invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
    if kind and kind not in limits.DPUS:
        raise invalid(f"WorkerType {kind} is not one of {', '.join(limits.DPUS)}")
    if bool(kind) != bool(workers):
        raise invalid("Worker Type and Number of Workers must be set together")
    if workers and int(workers) < limits.WORKERS_MIN:
        raise invalid(f"Number of Workers must be at least {limits.WORKERS_MIN}: {workers}")
    if said.get("ExecutionClass") == "FLEX" and (
        (kind and kind not in limits.FLEX_WORKERS) or version < "3.0"
    ):
        raise invalid(f"the execution class FLEX has no workers of type {kind}")
    if int(said.get("Timeout", 1)) > limits.TIMEOUT_MIN:
        raise invalid(f"Timeout must be at most {limits.TIMEOUT_MIN} minutes: {said['Timeout']}")


def version_of(said: Mapping[str, Any]) -> str:
    """The version of Glue that a definition gets."""
    return str(said.get("GlueVersion") or limits.VERSION_UNSAID)


def shown(job: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as GetJob shows it: with what was left to AWS."""
    return {
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "MaxRetries": 0,
        "Timeout": timeout_of(job),
        **job,
        "GlueVersion": version_of(job),
    }


def timeout_of(job: Mapping[str, Any]) -> int:
    """Minutes after which a run is ended."""
    unsaid = limits.TIMEOUT_UNSAID_MIN.get(version_of(job), limits.TIMEOUT_UNSAID_SINCE_5_MIN)
    return int(job.get("Timeout") or unsaid)


def paged(key: str, found: list[Any], request: Request, largest: int) -> Mapping[str, Any]:
    """A page in Glue's spelling."""
    said = request.parameters
    asked = {"nextToken": said.get("NextToken"), "maxResults": said.get("MaxResults")}
    part = page(key, found, asked, largest)
    token = part.pop("nextToken", None)
    return {**part, **({"NextToken": token} if token else {})}


def invalid(message: str) -> ServiceError:
    """Glue's word for a request that is wrong."""
    return ServiceError("InvalidInputException", message)
