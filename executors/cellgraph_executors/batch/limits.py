"""What AWS documents as limits of Batch, checked before anything is sent. Pure.

Numbers of the user guide's page on service quotas and of the API reference, but for the length of
overrides, which is Batch's own answer. Where AWS's model has a limit, `definition.validate` knows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from cellgraph.errors import ConfigError

SUBMIT_BYTES: Final = 30 * 1024
DEFINITION_BYTES: Final = 24 * 1024
OVERRIDES_CHARACTERS: Final = 8192
MAX_CHILDREN: Final = 10_000
MAX_ATTEMPTS: Final = 10
MIN_TIMEOUT_S: Final = 60
MIN_MEMORY_MIB: Final = 4
_MAX_RULES: Final = 5
_MAX_PATTERN: Final = 512
_MAX_DEPENDENCIES: Final = 20
_MAX_TAGS: Final = 50
_RESERVED: Final = "AWS_BATCH"
_DEFINED: Final = ("containerProperties", "ecsProperties")
_OVERRIDDEN: Final = ("containerOverrides", "ecsPropertiesOverride")


def check_definition(request: Mapping[str, Any]) -> None:
    """Raises ConfigError for a definition that Batch refuses."""
    size = len(json.dumps(request))
    if size > DEFINITION_BYTES:
        _refuse("job_definition= and environment=", f"{size} bytes, 24 KiB at most")
    for problem in (*_common(request), *_variables(request, _DEFINED)):
        _refuse("job_definition= or environment=", problem)


def check_submission(request: Mapping[str, Any]) -> None:
    """Raises ConfigError for a submission that Batch refuses."""
    size = len(json.dumps(request))
    if size > SUBMIT_BYTES:
        _refuse("submit_job= and tags=", f"{size} bytes, 30 KiB at most")
    problems = [*_common(request), *_variables(request, _OVERRIDDEN)]
    problems += [
        f"{name} of more than {OVERRIDES_CHARACTERS} characters"
        for name in _OVERRIDDEN
        if len(json.dumps(request.get(name, {}))) > OVERRIDES_CHARACTERS
    ]
    children = request.get("arrayProperties", {}).get("size", 2)
    if not 2 <= children <= MAX_CHILDREN:
        problems.append(f"an array of {children} children: 2 to {MAX_CHILDREN}")
    if len(request.get("dependsOn", ())) > _MAX_DEPENDENCIES:
        problems.append(f"more than {_MAX_DEPENDENCIES} jobs in dependsOn")
    for problem in problems:
        _refuse("submit_job=", problem)


def _common(request: Mapping[str, Any]) -> Iterator[str]:
    if len(request.get("tags", {})) > _MAX_TAGS:
        yield f"more than {_MAX_TAGS} tags"
    seconds = request.get("timeout", {}).get("attemptDurationSeconds", MIN_TIMEOUT_S)
    if seconds < MIN_TIMEOUT_S:
        yield f"a timeout of {seconds} s: {MIN_TIMEOUT_S} at least"
    strategy = request.get("retryStrategy", {})
    if not 1 <= strategy.get("attempts", 1) <= MAX_ATTEMPTS:
        yield f"{strategy['attempts']} attempts: 1 to {MAX_ATTEMPTS}"
    rules = cast("Sequence[Mapping[str, str]]", strategy.get("evaluateOnExit", ()))
    if len(rules) > _MAX_RULES:
        yield f"more than {_MAX_RULES} rules in evaluateOnExit"
    for rule in rules:
        for name, pattern in rule.items():
            if len(pattern) > _MAX_PATTERN or "*" in pattern[:-1]:
                yield f"{name}: {_MAX_PATTERN} characters, and * at the end alone"


def _variables(request: Mapping[str, Any], where: tuple[str, str]) -> Iterator[str]:
    """*where*: the field of one container, and that of several."""
    one, several = where
    tasks: Sequence[Mapping[str, Any]] = request.get(several, {}).get("taskProperties", ())
    containers = [each for task in tasks for each in task.get("containers", ())]
    for container in (request.get(one, {}), *containers):
        for variable in container.get("environment", ()):
            name = str(variable.get("name", ""))
            if name.startswith(_RESERVED):
                yield f"the variable {name}: names that begin with {_RESERVED} are Batch's own"


def _refuse(setting: str, problem: str) -> None:
    raise ConfigError(f"AWS Batch does not take this of {setting}: {problem}")
