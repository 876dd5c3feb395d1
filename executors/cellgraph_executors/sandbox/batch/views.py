"""States as DescribeJobs and ListJobs show them."""

from collections.abc import Mapping
from typing import Any

from cellgraph_executors.sandbox.batch.arns import ACCOUNT, REGION, arn
from cellgraph_executors.sandbox.batch.board import Entry
from cellgraph_executors.sandbox.batch.model import Attempt, State

_TASK = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/sandbox/"


def detail(entry: Entry, index: int | None) -> dict[str, Any]:
    """One of DescribeJobs."""
    spec, state = entry.spec, entry.of(index)
    job = spec.child_id(index)
    shown: dict[str, Any] = {
        **spec.detail,
        "jobId": job,
        "jobArn": arn("job", job),
        "status": state.status,
        "attempts": [_attempt(attempt) for attempt in state.attempts],
        "createdAt": spec.created_ms,
        "container": {**spec.detail["container"], **_container(state)},
        "isCancelled": state.asked == "cancelled",
        "isTerminated": state.asked == "terminated",
        **_optional(state),
    }
    if spec.size:
        shown["arrayProperties"] = _array(entry, index)
    return shown


def summary(entry: Entry, index: int | None) -> dict[str, Any]:
    """One of ListJobs."""
    spec, state = entry.spec, entry.of(index)
    job = spec.child_id(index)
    shown: dict[str, Any] = {
        "jobId": job,
        "jobArn": arn("job", job),
        "jobName": spec.name,
        "jobDefinition": spec.detail["jobDefinition"],
        "createdAt": spec.created_ms,
        "status": state.status,
        **_optional(state),
    }
    if state.attempts:
        last = _attempt(state.attempts[-1])["container"]
        shown["container"] = {k: last[k] for k in ("exitCode", "reason") if k in last}
    if spec.size:
        shown["arrayProperties"] = _array(entry, index)
    return shown


def _optional(state: State) -> Mapping[str, Any]:
    shown: dict[str, Any] = {}
    if state.reason:
        shown["statusReason"] = state.reason
    if state.started_ms:
        shown["startedAt"] = state.started_ms
    if state.stopped_ms:
        shown["stoppedAt"] = state.stopped_ms
    return shown


def _array(entry: Entry, index: int | None) -> Mapping[str, Any]:
    if index is not None:
        return {"index": index}
    return {
        "size": entry.spec.size,
        "statusSummary": dict(entry.counts),
        "statusSummaryLastUpdatedAt": entry.updated_ms,
    }


def _container(state: State) -> Mapping[str, Any]:
    """Of the attempt under way, or of the last one."""
    if state.task:
        return _named(state.task, state.log_stream)
    if state.attempts:
        ended: Mapping[str, Any] = _attempt(state.attempts[-1])["container"]
        return ended
    return {}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    container: dict[str, Any] = dict(_named(attempt.task, attempt.log_stream))
    if attempt.exit_code is not None:
        container["exitCode"] = attempt.exit_code
    if attempt.reason:
        container["reason"] = attempt.reason
    return {
        "container": container,
        "startedAt": attempt.started_ms,
        "stoppedAt": attempt.stopped_ms,
        "statusReason": attempt.status_reason,
    }


def _named(task: str, log_stream: str) -> Mapping[str, str]:
    return {"taskArn": _TASK + task, **({"logStreamName": log_stream} if log_stream else {})}
