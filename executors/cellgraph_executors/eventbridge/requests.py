"""What EventBridge Scheduler and the job it submits are asked for. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from cellgraph.errors import ExportError
from cellgraph.executor import Resources
from cellgraph.exported.bundle import RunSpec
from cellgraph.exported.schedule import Schedule
from cellgraph_executors.batch.definition import submission
from cellgraph_executors.batch.settings import BatchSettings
from cellgraph_executors.eventbridge.cron import expression

SUBMIT: Final = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
_DUE: Final = "<aws.scheduler.scheduled-time>"  # filled in when it fires
_INPUT_CHARACTERS: Final = 256 * 1024
_MAPS: Final = ("Tags", "Parameters")  # whose keys are the user's own
_EVENT_S: Final = 3600  # how long a submission that is refused is tried again


def due_of(spec: RunSpec) -> Schedule:
    """The schedule. Raises ExportError when there is none."""
    if spec.schedule is None:
        raise ExportError("eventbridge needs --schedule, for example --schedule '0 6 * * 1-5'")
    return spec.schedule


def when(spec: RunSpec) -> dict[str, Any]:
    """The half of the request that says when. Raises ExportError."""
    due = due_of(spec)
    return {
        "Name": spec.name,
        "ScheduleExpression": expression(due),
        "ScheduleExpressionTimezone": due.zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
    }


def schedule_request(
    spec: RunSpec, bundle: str, role: str, job: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole request, for `create_schedule` and `update_schedule` alike. Raises ExportError."""
    given = json.dumps(in_pascal_case(job))
    if len(given) > _INPUT_CHARACTERS:
        raise ExportError("the settings of the executors are too long for a schedule: say less")
    return {
        **when(spec),
        "Description": f"cellgraph bundle {bundle}",
        "Target": {
            "Arn": SUBMIT,
            "RoleArn": role,
            "Input": given,
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": _EVENT_S},
        },
    }


def head_command(store: str, bundle: str, settings: Mapping[str, Any]) -> list[str]:
    """The command of the job that carries a bundle out."""
    said = json.dumps(settings, sort_keys=True)
    base = ["cellgraph", "head", "--store", store, "--bundle", bundle]
    return [*base, "--at", _DUE, "--settings", said]


def head_job(
    spec: RunSpec, settings: BatchSettings, defined: str, command: Sequence[str]
) -> dict[str, Any]:
    """The submission, as Batch takes it. Raises ConfigError."""
    attempts_s = spec.timeout_s * (1 + spec.retries)
    resources = Resources(timeout_s=attempts_s or None)
    return submission(
        job_name(spec.name), settings.queue, defined, command, resources, 1, 1,
        settings.retries_on_host_loss, settings.submit_job,
    )  # fmt: skip


def job_name(name: str) -> str:
    """The name of the jobs of an exported run."""
    return f"cellgraph-{name}"


def in_pascal_case(value: Any) -> Any:
    """A request as a universal target takes it: names of members begin with a capital."""
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        named = {name[:1].upper() + name[1:]: item for name, item in found.items()}
        return {n: i if n in _MAPS else in_pascal_case(i) for n, i in named.items()}
    if isinstance(value, (list, tuple)):
        return [in_pascal_case(item) for item in cast("Sequence[Any]", value)]
    return value
