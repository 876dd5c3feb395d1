"""States as DescribeJobs and ListJobs show them."""

from collections.abc import Mapping
from typing import Any

from cellgraph_executors.sandbox.batch.arns import ACCOUNT, REGION, arn
from cellgraph_executors.sandbox.batch.board import Entry
from cellgraph_executors.sandbox.batch.model import Attempt, Spec, State

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
        "attempts": [_attempt(spec, attempt) for attempt in state.attempts],
        "createdAt": spec.created_ms,
        **_containers(spec, state),
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
    if state.attempts and not _several(spec):
        last = _attempt(spec, state.attempts[-1])["container"]
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


def _several(spec: Spec) -> bool:
    """Whether its definition has `ecsProperties`."""
    return "ecsProperties" in spec.detail


def _containers(spec: Spec, state: State) -> Mapping[str, Any]:
    """What the definition says of them, and what became of them in the attempt under way, or in the
    last one."""
    if not _several(spec):
        now: Mapping[str, Any] = {}
        if state.task:
            now = _named(state.task, state.log_stream)
        elif state.attempts:
            now = _attempt(spec, state.attempts[-1])["container"]
        return {"container": {**spec.detail["container"], **now}}
    task: Mapping[str, Any] = spec.detail["ecsProperties"]["taskProperties"][0]
    if not state.task and not state.attempts:
        return {}
    of = state.task or state.attempts[-1].task
    last = None if state.task else state.attempts[-1]
    found = _ends(spec, of, bool(state.log_stream)) if last is None else _ended(spec, last)
    ends = {each["name"]: each for each in found}
    shown = [{**each, **ends[each["name"]]} for each in task["containers"]]
    return {
        "ecsProperties": {"taskProperties": [{**task, "taskArn": _TASK + of, "containers": shown}]}
    }


def _ends(spec: Spec, task: str, ran: bool) -> list[dict[str, Any]]:
    """The containers of a task by name, with their log streams once it runs."""
    return [
        {
            "name": each.name,
            **({"logStreamName": stream_name(spec.definition, each.name, task)} if ran else {}),
        }
        for each in spec.containers
    ]


def _ended(spec: Spec, attempt: Attempt) -> list[dict[str, Any]]:
    """The same of an attempt that has ended: with exit codes, and why."""
    found = _ends(spec, attempt.task, bool(attempt.log_stream))
    for each in found:
        if each["name"] in attempt.codes:
            each["exitCode"] = attempt.codes[each["name"]]
        if attempt.reason:
            each["reason"] = attempt.reason
    return found


def _attempt(spec: Spec, attempt: Attempt) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "startedAt": attempt.started_ms,
        "stoppedAt": attempt.stopped_ms,
        "statusReason": attempt.status_reason,
    }
    if _several(spec):
        task = {"taskArn": _TASK + attempt.task, "containers": _ended(spec, attempt)}
        return {**shown, "container": {}, "taskProperties": [task]}
    container: dict[str, Any] = dict(_named(attempt.task, attempt.log_stream))
    if attempt.exit_code is not None:
        container["exitCode"] = attempt.exit_code
    if attempt.reason:
        container["reason"] = attempt.reason
    return {**shown, "container": container}


def stream_name(definition: str, container: str, task: str) -> str:
    """Of the log of one container. *definition*: ``name:revision``."""
    return f"{definition.partition(':')[0]}/{container}/{task}"


def _named(task: str, log_stream: str) -> Mapping[str, str]:
    return {"taskArn": _TASK + task, **({"logStreamName": log_stream} if log_stream else {})}
