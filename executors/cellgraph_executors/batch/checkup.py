"""What `cellgraph doctor` says of the executor `batch`: queue, role, image, file system."""

from collections.abc import Iterator
from typing import Any, Final

from cellgraph_executors.aws import AwsFault, Clients, asking
from cellgraph_executors.batch.settings import BatchSettings
from cellgraph_executors.fsx import file_system, look_up
from cellgraph_executors.roles import Found, role_found

_SET_UP: Final = "`cellgraph aws template` prints what an account needs"
_TASKS: Final = "ecs-tasks.amazonaws.com"


def examine(settings: BatchSettings, clients: Clients) -> Iterator[Found]:
    """Look at one thing after the other. Raises nothing but ConfigError."""
    if not settings.queue:
        yield "missing", "no queue: [executors.batch] queue = ...", _SET_UP
        return
    try:
        yield _queue(settings.queue, clients)
        for name in ("job_role", "execution_role"):
            arn = getattr(settings, name)
            if arn:
                yield role_found(clients, name, arn, _TASKS, "jobs")
        if settings.fsx:
            yield _fsx(settings, clients)
    except AwsFault as fault:
        yield "broken", f"AWS does not answer: {fault}", "check credentials, region= and network"
    if settings.image and settings.helper_image not in ("", settings.image):
        yield _bare(settings.image)
    yield _image(settings.helper_image or settings.image, locked=settings.is_locked)


def _queue(name: str, clients: Clients) -> Found:
    with asking():
        found: list[Any] = clients.client("batch", once=True).describe_job_queues(jobQueues=[name])[
            "jobQueues"
        ]
    if not found:
        return "broken", f"there is no queue {name}", f"correct queue=; {_SET_UP}"
    queue = found[0]
    if queue["state"] != "ENABLED" or queue.get("status", "VALID") != "VALID":
        why = queue.get("statusReason") or f"{queue['state']}, {queue.get('status')}"
        return "broken", f"the queue {name} takes no jobs ({why})", "enable it in AWS Batch"
    return "ok", f"the queue {name} takes jobs", ""


def _fsx(settings: BatchSettings, clients: Clients) -> Found:
    system = file_system(settings.fsx)
    if not system.links and system.id:
        try:
            with asking():
                system = look_up(clients.client("fsx", once=True), system)
        except AwsFault as fault:
            return "missing", f"fsx could not be looked at ({fault})", "give links= in the settings"
    if not system.links:
        return "broken", "fsx maps no prefix", "`cellgraph aws fsx` prints the links to create"
    shown = ", ".join(f"{uri} at {folder}" for uri, folder in system.folders().items())
    return "ok", f"fsx: {shown}", ""


def _image(image: str, *, locked: bool) -> Found:
    if not image:
        return "missing", "no image: [executors.batch] image = ...", "`cellgraph image` prints one"
    said = f"the image {image} is looked at by Batch alone, and described by the first job in it"
    seen = "python3 -m pip --version" if locked else "cellgraph describe"
    return "ok", said, f"to see what it has: docker run --rm {image} {seen}"


def _bare(image: str) -> Found:
    said = f"scripts run in the image {image}, which is looked at by Batch alone"
    seen = f"docker run --rm {image} bash -c 'echo $BASH_VERSION'"
    return "ok", said, f"to see whether it has bash 4 or newer: {seen}"
