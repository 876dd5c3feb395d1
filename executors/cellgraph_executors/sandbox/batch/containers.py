"""What a definition says of its containers: one (`containerProperties`), or several of one task
(`ecsProperties`), each resolved with what a submission lays over it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.batch.model import After, Container, Mount
from cellgraph_executors.sandbox.wire import client_error

Said = Mapping[str, Any]
Fill = Callable[[str], str]  # puts parameters into a word of a command
ONLY: Final = "default"  # what the container of a job with one is called
_CONDITIONS: Final = frozenset({"START", "COMPLETE", "SUCCESS"})
# What a container's description repeats of its definition.
_REPEATED: Final = (
    "image jobRoleArn executionRoleArn volumes mountPoints readonlyRootFilesystem ulimits "
    "privileged user linuxParameters logConfiguration secrets networkConfiguration "
    "fargatePlatformConfiguration ephemeralStorage runtimePlatform repositoryCredentials "
    "name essential dependsOn"
).split()


class Resolved(NamedTuple):
    """The containers of a job, and how a description of it repeats them."""

    containers: tuple[Container, ...]
    vcpus: float
    detail: Said


# --- registering ----------------------------------------------------------------------------------


def check(said: Said) -> None:
    """Check the containers of a definition. Raises ServiceError."""
    if "ecsProperties" in said:
        if "containerProperties" in said:
            raise client_error("a definition has containerProperties or ecsProperties, not both")
        _check_task(said["ecsProperties"])
        return
    container = cast("Said | None", said.get("containerProperties"))
    if container is None:
        if "eksProperties" not in said:
            raise client_error("a container definition needs containerProperties")
        return
    _check_container("containerProperties", container, container.get("volumes", []))


def _check_task(properties: Said) -> None:
    tasks: Sequence[Said] = properties["taskProperties"]
    if len(tasks) != 1:
        raise client_error(f"ecsProperties.taskProperties has one element: {len(tasks)}")
    containers: Sequence[Said] = tasks[0]["containers"]
    if len(containers) not in limits.CONTAINERS:
        raise client_error(f"a task has 1 to 10 containers: {len(containers)}")
    names = [each.get("name", "") for each in containers]
    if len(set(names)) < len(names) or not all(names):
        raise client_error(f"each container of a task needs a name of its own: {names}")
    essential = {each["name"] for each in containers if each.get("essential", True)}
    if not essential:
        raise client_error("a task needs at least one essential container")
    for each in containers:
        _check_container(each["name"], each, tasks[0].get("volumes", []))
        for after in each.get("dependsOn", []):
            other, condition = after.get("containerName"), after.get("condition")
            if other not in names or condition not in _CONDITIONS:
                raise client_error(f"{each['name']} cannot depend on {other!r}, {condition!r}")
            if condition != "START" and other in essential:
                raise client_error(f"{condition} of {other}, which is an essential container")
    _check_order(containers)


def _check_order(containers: Sequence[Said]) -> None:
    left = {
        each["name"]: {after["containerName"] for after in each.get("dependsOn", [])}
        for each in containers
    }
    while left:
        free = [name for name, others in left.items() if not others & left.keys()]
        if not free:
            raise client_error(f"containers depend on each other: {', '.join(sorted(left))}")
        for name in free:
            del left[name]


def _check_container(what: str, container: Said, volumes: Sequence[Said]) -> None:
    if not container.get("image"):
        raise client_error(f"{what}: image is required")
    check_environment(container.get("environment", []))
    needs = requirements(container)
    if "VCPU" not in needs or "MEMORY" not in needs:
        raise client_error(f"{what}: resourceRequirements needs VCPU and MEMORY")
    if int(needs["MEMORY"]) < limits.MIN_MEMORY_MIB:
        raise client_error(f"{what}: MEMORY must be at least 4 MiB: {needs['MEMORY']}")
    names = {volume.get("name") for volume in volumes}
    for mount in container.get("mountPoints", []):
        if mount.get("sourceVolume") not in names:
            raise client_error(f"mountPoints: no volume named {mount.get('sourceVolume')!r}")


def check_environment(pairs: Sequence[Mapping[str, str]]) -> None:
    """Raises ServiceError for a variable that Batch reserves."""
    for pair in pairs:
        if pair.get("name", "").startswith(limits.RESERVED):
            raise client_error(f"names of variables must not begin with AWS_BATCH: {pair['name']}")


def requirements(container: Said) -> dict[str, str]:
    """What a container asks for by type (VCPU, MEMORY in MiB, GPU). Raises ServiceError."""
    old = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    found = {kind: str(value) for kind, value in old.items() if value is not None}
    for item in container.get("resourceRequirements", []):
        kind, value = item["type"], item["value"]
        if kind not in {"VCPU", "MEMORY", "GPU"}:
            raise client_error(f"resourceRequirements: unknown type {kind!r}")
        try:
            sound = float(value) > 0 and (kind == "VCPU" or float(value).is_integer())
        except ValueError:
            sound = False
        if not sound:
            raise client_error(f"resourceRequirements: {kind} cannot be {value!r}")
        found[kind] = value
    return found


# --- submitting -----------------------------------------------------------------------------------


def resolve(definition: Said, said: Said, fill: Fill) -> Resolved:
    """The containers of a job that is submitted. Raises ServiceError."""
    container = cast("Said | None", definition.get("containerProperties"))
    if definition["type"] == "container" and container is not None:
        over = said.get("containerOverrides", {})
        made, needs, shown = _resolved(container, over, container.get("volumes", []), fill)
        return Resolved((made,), float(needs.get("VCPU", 1)), {"container": shown})
    properties = cast("Said | None", definition.get("ecsProperties"))
    if definition["type"] != "container" or properties is None:
        raise client_error(
            "the sandbox runs definitions with containerProperties or ecsProperties, and no "
            "multi-node or EKS job"
        )
    task: Said = properties["taskProperties"][0]
    over = _overrides(said, {each["name"] for each in task["containers"]})
    found = [
        _resolved(each, over.get(each["name"], {}), task.get("volumes", []), fill)
        for each in task["containers"]
    ]
    shown = {**task, "containers": [shown for _, _, shown in found]}
    return Resolved(
        tuple(made for made, _, _ in found),
        sum(float(needs["VCPU"]) for _, needs, _ in found),
        {"ecsProperties": {"taskProperties": [shown]}},
    )


def _overrides(said: Said, names: set[str]) -> Mapping[str, Said]:
    if "containerOverrides" in said:
        raise client_error("containerOverrides are not for a definition with ecsProperties")
    tasks: Sequence[Said] = said.get("ecsPropertiesOverride", {}).get("taskProperties", [])
    if len(tasks) > 1:
        raise client_error("ecsPropertiesOverride.taskProperties has one element")
    found = {each.get("name", ""): each for task in tasks for each in task.get("containers", [])}
    unknown = found.keys() - names
    if unknown:
        raise client_error(f"ecsPropertiesOverride: no container named {sorted(unknown)}")
    return found


def _resolved(
    container: Said, over: Said, volumes: Sequence[Said], fill: Fill
) -> tuple[Container, Mapping[str, str], Said]:
    check_environment(over.get("environment", []))
    needs = requirements(container) | requirements(over)
    words = over.get("command") or container.get("command", [])
    command = [fill(word) for word in words]
    pairs = [*container.get("environment", []), *over.get("environment", [])]
    environment = {pair["name"]: pair.get("value", "") for pair in pairs}
    after = [After(a["containerName"], a["condition"]) for a in container.get("dependsOn", [])]
    made = Container(
        container.get("name", ONLY),
        container["image"],
        tuple(command),
        environment,
        _mounts(container, volumes),
        essential=container.get("essential", True),
        after=tuple(after),
    )
    shown = {
        **{name: container[name] for name in _REPEATED if name in container},
        "command": command,
        "environment": [{"name": k, "value": v} for k, v in environment.items()],
        "resourceRequirements": [{"type": k, "value": v} for k, v in needs.items()],
    }
    return made, needs, shown


def _mounts(container: Said, volumes: Sequence[Said]) -> tuple[Mount, ...]:
    """Folders that the container sees; other kinds of volumes are not the sandbox's."""
    hosts = {v["name"]: v.get("host", {}) for v in volumes if v.keys() <= {"name", "host"}}
    return tuple(
        Mount(
            hosts[name].get("sourcePath", ""),
            mount["containerPath"],
            bool(mount.get("readOnly", False)),
            name,
        )
        for mount in container.get("mountPoints", [])
        if (name := mount["sourceVolume"]) in hosts
    )
