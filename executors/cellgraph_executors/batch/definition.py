"""Job definitions and submissions, as AWS Batch wants them. Pure, but for botocore's model.

A definition says what is common to all jobs of an image; what a call asks for stands in its
submission. Its name holds a digest of its content, so it is registered once and found again.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cellgraph.digest import digest
from cellgraph.executor import Resources
from cellgraph_executors.asked import merged, validate
from cellgraph_executors.batch import beside
from cellgraph_executors.batch.limits import (
    MAX_ATTEMPTS,
    MIN_MEMORY_MIB,
    MIN_TIMEOUT_S,
    check_definition,
    check_submission,
)
from cellgraph_executors.remote.states import SPOT

_MIB_PER_VCPU: Final = 2048  # where memory_gib= is not given
_STARTING_S: Final = 120  # the worker ends a call in time; Batch ends a worker that hangs


def definition(
    image: str,
    roles: Mapping[str, str],
    environment: Mapping[str, str],
    overlay: Mapping[str, Any],
    script_image: str = "",
) -> dict[str, Any]:
    """The definition for an image. *roles*: `jobRoleArn`, `executionRoleArn`. Raises ConfigError.

    *overlay* is laid over it: mappings are merged, everything else replaces what is there.
    *script_image*: of a container beside it that has bash alone; empty: there is none.
    """
    made: dict[str, Any] = {
        "type": "container",
        "containerProperties": {
            "image": image,
            "command": ["cellgraph", "worker", "--help"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": str(_MIB_PER_VCPU)},
            ],
            **roles,
            "environment": [{"name": k, "value": v} for k, v in sorted(environment.items())],
        },
    }
    laid = merged(made, overlay)
    if laid.get("type") == "multinode":
        laid.pop("containerProperties", None)
    if script_image:
        named = {"jobDefinitionName": "pair", **laid}
        validate("batch", "RegisterJobDefinition", named, "job_definition")
        laid = beside.definition(laid, script_image)
    text = json.dumps(laid, sort_keys=True)
    laid.setdefault("jobDefinitionName", f"cellgraph-{digest(text.encode()).hex()[:24]}")
    validate("batch", "RegisterJobDefinition", laid, "job_definition")
    check_definition(laid)
    return laid


def submission(
    name: str,
    queue: str,
    defined: str,
    command: Sequence[str],
    resources: Resources,
    children: int,
    calls_per_child: int,
    retries_on_host_loss: int,
    overlay: Mapping[str, Any],
    *,
    pair: bool = False,
) -> dict[str, Any]:
    """The request that submits a job. Raises ConfigError. *pair*: its definition has a container
    for the script, see `beside`."""
    made: dict[str, Any] = {
        "jobName": name,
        "jobQueue": queue,
        "jobDefinition": defined,
        "containerOverrides": {
            "command": list(command),
            "resourceRequirements": requirements(resources),
        },
        "retryStrategy": retry_strategy(retries_on_host_loss),
    }
    if children > 1:
        made["arrayProperties"] = {"size": children}
    if resources.timeout_s is not None:
        seconds = math.ceil(resources.timeout_s * calls_per_child) + _STARTING_S
        made["timeout"] = {"attemptDurationSeconds": max(MIN_TIMEOUT_S, seconds)}
    if resources.tags:
        made["tags"] = dict(resources.tags)
    laid = merged(made, overlay)
    if pair:
        laid = beside.submission(laid)
    validate("batch", "SubmitJob", laid, "submit_job")
    check_submission(laid)
    return laid


def requirements(resources: Resources) -> list[dict[str, str]]:
    """vCPUs, memory and GPUs as Batch writes them."""
    vcpus = resources.vcpus
    mib = math.ceil(resources.memory_gib * 1024) or math.ceil(_MIB_PER_VCPU * max(1.0, vcpus))
    made = [
        {"type": "VCPU", "value": f"{vcpus:g}"},
        {"type": "MEMORY", "value": str(max(MIN_MEMORY_MIB, mib))},
    ]
    if resources.gpus:
        made.append({"type": "GPU", "value": str(resources.gpus)})
    return made


def retry_strategy(retries_on_host_loss: int) -> dict[str, Any]:
    """Lost hosts are tried again by Batch itself; nothing else is: the list ends with EXIT."""
    attempts = min(MAX_ATTEMPTS, 1 + retries_on_host_loss)
    lost = [{"onStatusReason": f"{text}*", "action": "RETRY"} for text in SPOT]
    return {
        "attempts": attempts,
        "evaluateOnExit": [*lost, {"onReason": "*", "action": "EXIT"}],
    }
