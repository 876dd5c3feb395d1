"""Job definitions and runs, as AWS Glue wants them. Pure, but for botocore's model.

A definition says everything that costs or changes a run but its call, and its name holds a digest
of its content: it is created once, found again, and never changed. GlueVersion is always said.
"""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.executor import Resources
from cellgraph_executors.asked import merged, validate
from cellgraph_executors.glue.settings import GlueSettings

# What the worker is asked to do: one argument, words as in a shell.
ARGUMENT: Final = "--cellgraph"
_STARTING_S: Final = 120  # the worker ends a call in time; Glue ends a worker that hangs
_LONGEST_MIN: Final = 7 * 24 * 60


class Assets(NamedTuple):
    """What a run brings along, each as ``s3://``."""

    script: str
    modules: tuple[str, ...]  # requirements or wheels


def definition(settings: GlueSettings, assets: Assets, tags: Mapping[str, str]) -> dict[str, Any]:
    """The CreateJob request. Raises ConfigError."""
    if not settings.role:
        raise ConfigError(
            "executor 'glue' needs role=, the name or ARN of a role that AWS Glue may take: in "
            "cellgraph.toml, [executors.glue] role = ...; `cellgraph aws template` has one"
        )
    arguments = {
        "--additional-python-modules": (*assets.modules, *settings.additional_python_modules),
        "--extra-py-files": settings.extra_py_files,
        "--extra-files": settings.extra_files,
    }
    made: dict[str, Any] = {
        "Description": "Made by Cellgraph; named after its content",
        "Role": settings.role,
        "Command": {"Name": "glueetl", "ScriptLocation": assets.script, "PythonVersion": "3"},
        "GlueVersion": settings.glue_version,
        "WorkerType": settings.worker_type,
        "NumberOfWorkers": settings.workers,
        "ExecutionClass": "FLEX" if settings.flex else "STANDARD",
        "ExecutionProperty": {"MaxConcurrentRuns": settings.max_concurrent_runs},
        "MaxRetries": 0,  # who retries knows why it failed
        "DefaultArguments": {
            **{name: ",".join(said) for name, said in arguments.items() if said},
            **settings.arguments,
        },
    }
    if tags:
        made["Tags"] = dict(tags)
    laid = merged(made, settings.job_definition)
    text = json.dumps(laid, sort_keys=True)
    laid.setdefault("Name", f"cellgraph-{digest(text.encode()).hex()[:24]}")
    validate("glue", "CreateJob", laid, "job_definition")
    return laid


def run_request(
    name: str, command: Sequence[str], resources: Resources, calls: int
) -> dict[str, Any]:
    """The StartJobRun request for a run of *calls* calls, one after the other."""
    made: dict[str, Any] = {"JobName": name, "Arguments": {ARGUMENT: shlex.join(command)}}
    if resources.timeout_s is not None:
        seconds = resources.timeout_s * calls + _STARTING_S
        made["Timeout"] = min(_LONGEST_MIN, math.ceil(seconds / 60))
    return made
