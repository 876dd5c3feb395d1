"""The one filter that ListJobs takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cellgraph_executors.sandbox.batch.arns import short
from cellgraph_executors.sandbox.batch.board import Entry
from cellgraph_executors.sandbox.wire import client_error

Accepts = Callable[[Entry], bool]


def read_filter(said: Sequence[Mapping[str, Any]]) -> Accepts | None:
    """Return what decides about a job; None without a filter. Raises ServiceError."""
    if not said:
        return None
    if len(said) > 1:
        raise client_error("only one filter can be used at a time")
    name: str = said[0].get("name", "")
    values: Sequence[str] = said[0].get("values", [])
    kind = _KINDS.get(name)
    if kind is None:
        raise client_error(f"filters: {name!r} is not one of {', '.join(_KINDS)}")
    if not values:
        raise client_error(f"filters: {name} needs values")
    tests = [kind(value) for value in values]
    return lambda entry: any(test(entry) for test in tests)


def _by_name(value: str) -> Accepts:
    wanted = value.lower()
    if wanted.endswith("*"):
        return lambda entry: entry.spec.name.lower().startswith(wanted[:-1])
    return lambda entry: entry.spec.name.lower() == wanted


def _by_definition(value: str) -> Accepts:
    wanted = short("job-definition", value)
    if wanted.endswith("*"):
        return lambda entry: entry.spec.definition.startswith(wanted[:-1])
    if ":" in wanted:
        return lambda entry: entry.spec.definition == wanted
    return lambda entry: entry.spec.definition.partition(":")[0] == wanted


def _before(value: str) -> Accepts:
    moment = _moment(value)
    return lambda entry: entry.spec.created_ms < moment


def _after(value: str) -> Accepts:
    moment = _moment(value)
    return lambda entry: entry.spec.created_ms > moment


def _moment(value: str) -> int:
    if not value.isdecimal():
        raise client_error(f"filters: expected milliseconds since the epoch: {value!r}")
    return int(value)


_KINDS: Mapping[str, Callable[[str], Accepts]] = {
    "JOB_NAME": _by_name,
    "JOB_DEFINITION": _by_definition,
    "BEFORE_CREATED_AT": _before,
    "AFTER_CREATED_AT": _after,
}
