"""A run as GetJobRun shows it."""

from collections.abc import Mapping
from typing import Any

from cellgraph_executors.sandbox.glue.model import ENDED, Seen, Spec

LOG_GROUP = "/aws-glue/jobs"


def shown(spec: Spec, seen: Seen) -> Mapping[str, Any]:
    """`DPUSeconds` is given for FLEX alone, and when the run is over, as Glue does."""
    made: dict[str, Any] = {
        "Id": spec.id,
        "Attempt": spec.attempt,
        "JobName": spec.job,
        "StartedOn": spec.started_ms / 1000,
        "LastModifiedOn": seen.modified_ms / 1000,
        "JobRunState": seen.state,
        "JobMode": "SCRIPT",
        "JobRunQueuingEnabled": spec.queuing,
        "Arguments": dict(spec.arguments),
        "PredecessorRuns": [],
        "AllocatedCapacity": int(spec.capacity),
        "MaxCapacity": spec.capacity,
        "ExecutionTime": seen.execution_s,
        "Timeout": spec.timeout_min,
        "LogGroupName": LOG_GROUP,
        "GlueVersion": spec.version,
        "ExecutionClass": "FLEX" if spec.flex else "STANDARD",
    }
    if spec.worker_type:
        made |= {"WorkerType": spec.worker_type, "NumberOfWorkers": spec.workers}
    if spec.previous:
        made["PreviousRunId"] = spec.previous
    if seen.completed_ms:
        made["CompletedOn"] = seen.completed_ms / 1000
    if seen.error:
        made["ErrorMessage"] = seen.error
    if seen.detail:
        made["StateDetail"] = seen.detail
    if spec.flex and seen.state in ENDED and seen.running_ms:
        made["DPUSeconds"] = (seen.completed_ms - seen.running_ms) / 1000 * spec.capacity
    return made
