"""SubmitJob: a request, checked against the documented limits, becomes a `Spec`."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.batch.arns import arn
from cellgraph_executors.sandbox.batch.containers import resolve
from cellgraph_executors.sandbox.batch.definitions import Definition, check_name, check_timeout
from cellgraph_executors.sandbox.batch.model import Depends, Spec
from cellgraph_executors.sandbox.batch.queues import Queue
from cellgraph_executors.sandbox.batch.retry import read_retry
from cellgraph_executors.sandbox.wire import Request, client_error

_REF: Final = re.compile(r"Ref::([A-Za-z0-9_.-]+)")


def read_submit(
    request: Request, definition: Definition, queue: Queue, id: str, now_ms: int
) -> Spec:
    """Check a request and put it together with its definition. Raises ServiceError."""
    said = request.parameters
    _check_size(request)
    check_name("jobName", said["jobName"])
    _check_share(said, queue)
    parameters = {**definition["parameters"], **said.get("parameters", {})}
    found = resolve(definition, said, lambda word: _filled(word, parameters))
    retry = said.get("retryStrategy") or definition.get("retryStrategy", {})
    timeout = said.get("timeout") or definition.get("timeout", {})
    size = _size(said)
    tags = {**_propagated(said, definition), **said.get("tags", {})}
    if len(tags) > limits.TAGS:
        raise client_error(f"a job has at most {limits.TAGS} tags, with its definition's")
    return Spec(
        id=id,
        name=said["jobName"],
        queue=queue.name,
        definition=f"{definition['jobDefinitionName']}:{definition['revision']}",
        containers=found.containers,
        vcpus=found.vcpus,
        retry=read_retry(retry),
        timeout_s=check_timeout(timeout),
        size=size,
        depends=_depends(said.get("dependsOn", []), size),
        created_ms=now_ms,
        detail={
            "jobName": said["jobName"],
            "jobQueue": arn("job-queue", queue.name),
            "jobDefinition": definition["jobDefinitionArn"],
            "parameters": parameters,
            "retryStrategy": {"attempts": 1, **retry},
            **({"timeout": timeout} if timeout else {}),
            "dependsOn": said.get("dependsOn", []),
            "tags": tags,
            "propagateTags": said.get("propagateTags", definition.get("propagateTags", False)),
            "platformCapabilities": definition.get("platformCapabilities", ["EC2"]),
            **{k: said[k] for k in ("shareIdentifier",) if k in said},
            **found.detail,
        },
    )


def _check_size(request: Request) -> None:
    if request.size > limits.SUBMIT_BYTES:
        raise client_error(
            f"a SubmitJob request has at most {limits.SUBMIT_BYTES} bytes: {request.size}"
        )
    for kind in ("containerOverrides", "ecsPropertiesOverride"):
        overrides = json.dumps(request.parameters.get(kind, {}))
        if len(overrides) > limits.OVERRIDES_CHARACTERS:
            raise client_error(
                f"Container Overrides length must be at most {limits.OVERRIDES_CHARACTERS}"
            )


def _check_share(said: Mapping[str, Any], queue: Queue) -> None:
    if queue.fair_share and "shareIdentifier" not in said:
        raise client_error("the queue has a scheduling policy: shareIdentifier is required")
    if not queue.fair_share and "shareIdentifier" in said:
        raise client_error("shareIdentifier needs a queue with a scheduling policy")


def _size(said: Mapping[str, Any]) -> int:
    if "arrayProperties" not in said:
        return 0
    size: int = said["arrayProperties"].get("size", 0)
    if size not in limits.ARRAY_SIZES:
        raise client_error(f"the array size must be between 2 and 10,000: {size}")
    return size


def _depends(said: Sequence[Mapping[str, str]], size: int) -> tuple[Depends, ...]:
    if len(said) > limits.DEPENDENCIES:
        raise client_error(f"a job depends on at most {limits.DEPENDENCIES} jobs: {len(said)}")
    found: list[Depends] = []
    for item in said:
        job, kind = item.get("jobId", ""), item.get("type", "")
        if kind and not size:
            raise client_error(f"a dependency of type {kind} is for array jobs")
        if kind == "SEQUENTIAL":
            if job:
                raise client_error("a SEQUENTIAL dependency has no jobId")
            found.append(Depends("", "SEQUENTIAL"))
        elif kind == "N_TO_N":
            found.append(Depends(_required(job), "N_TO_N"))
        elif kind:
            raise client_error(f"dependsOn: unknown type {kind}")
        else:
            found.append(Depends(_required(job), ""))
    return tuple(found)


def _required(job: str) -> str:
    if not job:
        raise client_error("dependsOn: jobId is required")
    return job


def _filled(word: str, parameters: Mapping[str, str]) -> str:
    return _REF.sub(lambda found: parameters.get(found[1], found[0]), word)


def _propagated(said: Mapping[str, Any], definition: Definition) -> Mapping[str, str]:
    if not said.get("propagateTags", definition.get("propagateTags", False)):
        return {}
    tags: Mapping[str, str] = definition["tags"]
    return tags
