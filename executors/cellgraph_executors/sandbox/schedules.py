"""Performs what a schedule of EventBridge Scheduler would do, when a test says that it is time.

moto keeps the record. A universal target (``arn:aws:scheduler:::aws-sdk:batch:submitJob``) names a
service and an action; its input has the API's names in Pascal case, which are matched with AWS's
own model. Whether the schedule's expression is right, and when it is due, is not looked at.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from cellgraph_executors.sandbox.models import service_model
from cellgraph_executors.sandbox.wire import ServiceError

_TARGET: Final = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)$")
_READS: Final = ("get", "describe", "list")  # what a universal target refuses
_INPUT_CHARACTERS: Final = 256 * 1024


def fire(
    client: Callable[[str], Any], name: str, group: str = "default", now: datetime | None = None
) -> Mapping[str, Any]:
    """Do what the schedule *name* does when it is due; return the service's answer.

    *now*: the time it was due, as its input may ask for. Raises ServiceError for a target or an
    input that the service would not accept, and what the action itself raises.
    """
    schedule = client("scheduler").get_schedule(Name=name, GroupName=group)
    if schedule["State"] != "ENABLED":
        raise ServiceError("ValidationException", f"the schedule {name} is not enabled")
    target = schedule["Target"]
    service, action = _read_target(target["Arn"])
    if not target.get("RoleArn"):
        raise ServiceError("ValidationException", f"the schedule {name} names no role")
    moment = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = target.get("Input", "{}").replace("<aws.scheduler.scheduled-time>", moment)
    if len(text) > _INPUT_CHARACTERS:
        raise ServiceError("ValidationException", "the input of a target has at most 256 KB")
    try:
        said: object = json.loads(text)
    except ValueError as error:
        raise ServiceError("ValidationException", f"the input is not JSON: {error}") from error
    shape = service_model(service).operation_model(action).input_shape
    answer: Mapping[str, Any] = getattr(client(service), _method(action))(
        **cast("Mapping[str, Any]", _renamed(said, shape))
    )
    if schedule.get("ActionAfterCompletion") == "DELETE" and _is_once(schedule):
        client("scheduler").delete_schedule(Name=name, GroupName=group)
    return answer


def _read_target(arn: str) -> tuple[str, str]:
    found = _TARGET.match(arn)
    model = service_model(found[1]) if found else None
    if found is None or model is None:
        raise ServiceError("ValidationException", f"{arn} is not a universal target")
    names: Mapping[str, str] = {name.lower(): name for name in model.operation_names}
    action = names.get(found[2].lower())
    if action is None or action.lower().startswith(_READS):
        raise ServiceError("ValidationException", f"{arn}: no such action for a target")
    return found[1], action


def _renamed(value: object, shape: Any) -> object:
    """Members by the names that the API gives them, at every depth."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        names = {name.lower(): (name, member) for name, member in shape.members.items()}
        renamed: dict[str, object] = {}
        for key, item in cast("Mapping[str, object]", value).items():
            if key.lower() not in names:
                raise ServiceError("ValidationException", f"the input has an unknown name: {key}")
            name, member = names[key.lower()]
            renamed[name] = _renamed(item, member)
        return renamed
    if shape.type_name == "list" and isinstance(value, Sequence) and not isinstance(value, str):
        return [_renamed(item, shape.member) for item in cast("Sequence[object]", value)]
    if shape.type_name == "map" and isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return {key: _renamed(item, shape.value) for key, item in pairs}
    return value


def _method(action: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", action).lower()


def _is_once(schedule: Mapping[str, Any]) -> bool:
    return str(schedule["ScheduleExpression"]).startswith("at(")
