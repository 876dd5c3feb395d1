"""StartJobRun: a request and its job's definition become a `Spec`."""

from collections.abc import Mapping
from typing import Any

from cellgraph_executors.sandbox.glue import limits
from cellgraph_executors.sandbox.glue.jobs import (
    check_arguments,
    check_workers,
    invalid,
    timeout_of,
    version_of,
)
from cellgraph_executors.sandbox.glue.model import Spec
from cellgraph_executors.sandbox.wire import Request


def read_start(request: Request, job: Mapping[str, Any], id: str, now_ms: int) -> Spec:
    """Check a request and put it together with the definition. Raises ServiceError."""
    said = request.parameters
    if "JobRunId" in said:
        raise invalid("the sandbox starts new runs only: it takes no JobRunId")
    command = job["Command"]
    if command.get("Name", "glueetl") != "glueetl":
        raise invalid(f"the sandbox runs glueetl and no {command['Name']}")
    check_arguments(said.get("Arguments", {}))
    version = version_of(job)
    own = {k: v for k, v in said.items() if k in _OF_WORKERS}
    laid = {**{k: v for k, v in job.items() if k in _OF_WORKERS}, **own}
    if "MaxCapacity" in own:
        laid.pop("WorkerType", None)
        laid.pop("NumberOfWorkers", None)
    elif own:
        laid.pop("MaxCapacity", None)
    check_workers(laid, version)
    kind, workers = str(laid.get("WorkerType", "")), int(laid.get("NumberOfWorkers", 0))
    each = limits.DPUS[kind] if kind else 1.0
    return Spec(
        id=id,
        job=str(job["Name"]),
        number=0,  # the engine counts
        attempt=0,
        previous="",
        role=str(job["Role"]),
        script=str(command["ScriptLocation"]),
        arguments={
            **job.get("DefaultArguments", {}),
            **said.get("Arguments", {}),
            **job.get("NonOverridableArguments", {}),
        },
        version=version,
        worker_type=kind,
        workers=workers,
        capacity=workers * each if kind else float(laid.get("MaxCapacity", 10.0)),
        flex=laid.get("ExecutionClass") == "FLEX",
        timeout_min=int(said.get("Timeout") or timeout_of(job)),
        retries=int(job.get("MaxRetries", 0)),
        queuing=bool(said.get("JobRunQueuingEnabled", job.get("JobRunQueuingEnabled", False))),
        started_ms=now_ms,
    )


_OF_WORKERS = frozenset({"WorkerType", "NumberOfWorkers", "MaxCapacity", "ExecutionClass"})
