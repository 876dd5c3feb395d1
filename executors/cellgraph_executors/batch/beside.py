"""Jobs of two containers: the worker's, and beside it one of an image that has bash alone. Pure.

What is said of one container (`containerProperties`, `containerOverrides`) is dealt out to both: so
settings, overlays and mounts mean the same for either kind of job.

ECS starts the script's container first and the worker's after it (START): if there is no bash to
start, the job fails at once and says so. The worker alone is essential: its end ends both.
"""

from collections.abc import Mapping
from typing import Any, Final

from cellgraph.errors import ConfigError
from cellgraph_executors.remote.beside import SHELL
from cellgraph_executors.remote.worker import BESIDE

WORKER: Final = "cellgraph"
SCRIPT: Final = "script"
WORKER_VCPUS: Final = 1
WORKER_MIB: Final = 2048
_FOLDER: Final = "/cellgraph"
_VOLUME: Final = "cellgraph"
# Of containerProperties: what each container of a task has, and what the task as a whole.
_OF_CONTAINERS: Final = frozenset(
    "environment linuxParameters logConfiguration mountPoints privileged readonlyRootFilesystem "
    "repositoryCredentials secrets ulimits user".split()
)
_OF_TASKS: Final = {
    "enableExecuteCommand": "enableExecuteCommand",
    "ephemeralStorage": "ephemeralStorage",
    "executionRoleArn": "executionRoleArn",
    "jobRoleArn": "taskRoleArn",
    "networkConfiguration": "networkConfiguration",
    "runtimePlatform": "runtimePlatform",
}
_OURS: Final = frozenset(
    "command fargatePlatformConfiguration image resourceRequirements volumes".split()
)
_NEEDS: Final = [
    {"type": "VCPU", "value": str(WORKER_VCPUS)},
    {"type": "MEMORY", "value": str(WORKER_MIB)},
]


def definition(single: Mapping[str, Any], image: str) -> dict[str, Any]:
    """*single*, whose image has cellgraph, with a container of *image* beside it.

    Raises ConfigError for what has no place in a job of two containers.
    """
    said: Mapping[str, Any] = single.get("containerProperties", {})
    known = _OF_CONTAINERS | _OURS | _OF_TASKS.keys()
    strange = [
        *sorted({"ecsProperties", "eksProperties", "nodeProperties"} & single.keys()),
        *[f"containerProperties.{name}" for name in sorted(said.keys() - known)],
    ]
    if strange or not said:
        raise ConfigError(
            f"job_definition= with {', '.join(strange) or 'no containerProperties'} is not for a "
            "script whose image stands beside another one (helper_image=): leave it out, or use an "
            "image that has cellgraph, named by image= and helper_image= alike"
        )
    common = {name: said[name] for name in said if name in _OF_CONTAINERS}
    common["environment"] = [*common.get("environment", []), {"name": BESIDE, "value": _FOLDER}]
    mount = {"sourceVolume": _VOLUME, "containerPath": _FOLDER}
    common["mountPoints"] = [*common.get("mountPoints", []), mount]
    common.setdefault("user", "0")  # they write files for each other, in a folder that is root's
    fargate = "FARGATE" in single.get("platformCapabilities", ())
    script = {
        **common,
        "name": SCRIPT,
        "image": image,
        "command": ["bash", "-c", SHELL],
        "resourceRequirements": said["resourceRequirements"],
        "essential": False,
    }
    worker = {
        **common,
        "name": WORKER,
        "image": said["image"],
        "command": said["command"],
        "resourceRequirements": _NEEDS,
        "essential": True,
        "dependsOn": [{"containerName": SCRIPT, "condition": "START"}],
    }
    task: dict[str, Any] = {
        **{over: said[name] for name, over in _OF_TASKS.items() if name in said},
        "containers": [script, worker],
        "volumes": [
            *said.get("volumes", []),
            {"name": _VOLUME} if fargate else {"name": _VOLUME, "host": {}},
        ],
    }
    platform = said.get("fargatePlatformConfiguration", {}).get("platformVersion")
    if platform:
        task["platformVersion"] = platform
    rest = {name: value for name, value in single.items() if name != "containerProperties"}
    return {**rest, "ecsProperties": {"taskProperties": [task]}}


def submission(single: Mapping[str, Any]) -> dict[str, Any]:
    """*single*, the submission of a worker, as that of a job with two containers.

    What a call asks for is the script's. Raises ConfigError.
    """
    said: Mapping[str, Any] = single["containerOverrides"]
    strange = sorted(said.keys() - {"command", "environment", "resourceRequirements"})
    if strange:
        raise ConfigError(
            f"submit_job= with containerOverrides.{strange[0]} is not for a script whose image "
            "stands beside another one (helper_image=): leave it out"
        )
    common = {name: said[name] for name in said if name == "environment"}
    containers = [
        {**common, "name": SCRIPT, "resourceRequirements": said["resourceRequirements"]},
        {**common, "name": WORKER, "command": said["command"]},
    ]
    rest = {name: value for name, value in single.items() if name != "containerOverrides"}
    return {**rest, "ecsPropertiesOverride": {"taskProperties": [{"containers": containers}]}}
