"""The executor `batch`: calls as AWS Batch jobs, compatible ones as one array job."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from cellgraph.errors import ConfigError
from cellgraph.events import RemoteKind
from cellgraph.executor import Job, Resources, Surroundings
from cellgraph.mounts import VARIABLE
from cellgraph.scripting import ScriptFunction
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.place import parse_uri
from cellgraph_executors.asked import merged
from cellgraph_executors.aws import Clients, asking
from cellgraph_executors.batch.beside import WORKER_VCPUS
from cellgraph_executors.batch.checkup import examine
from cellgraph_executors.batch.definition import definition, submission
from cellgraph_executors.batch.locked import Locked, started
from cellgraph_executors.batch.service import BatchJobs
from cellgraph_executors.batch.settings import (
    TASK_OPTIONS,
    BatchSettings,
    check_options,
    checked,
    of_function,
    of_script,
)
from cellgraph_executors.fsx import FileSystem, file_system, look_up
from cellgraph_executors.remote.executor import Remote
from cellgraph_executors.remote.flights import Pending
from cellgraph_executors.remote.office import SharedStore, Terms
from cellgraph_executors.remote.service import Service
from cellgraph_executors.roles import Found


class BatchExecutor(Remote):
    """Runs calls as AWS Batch jobs.

    Settings: `queue` and `image` (needed; an image that has cellgraph), `helper_image` (has it in
    the place of `image`, which then needs nothing but bash and runs scripts alone), `job_role`,
    `execution_role`, `head_role` and `scheduler_role` (of exported runs), `region`, `profile`,
    `array_max`, `window_s`, `poll_s`, `retries_on_host_loss`, `usd_per_vcpu_hour`, `environment`
    ("lock": see `batch.locked`, with `lock`; or as `variables`), `variables` (of the jobs),
    `job_definition` and `submit_job` (fields laid over what is registered and submitted), `fsx` (an
    FSx for Lustre that hosts mount: see `cellgraph_executors.fsx`), `name`.

    Calls that become ready within `window_s` leave as one array. Closing it, or the death of this
    process, leaves jobs running: whoever evaluates the same calls waits for them.
    """

    job_options: ClassVar = TASK_OPTIONS

    def __init__(self, *, name: str = "batch", **settings: Any) -> None:
        self._settings = made = checked(name, settings)
        self._locked = Locked(made.lock, os.environ)
        terms = Terms(name, made.poll_s, made.usd_per_vcpu_hour)
        super().__init__(terms, made.window_s, made.array_max)

    def check_options(self, extra: Mapping[str, object]) -> None:
        """See `cellgraph.executor.Executor`."""
        check_options(self.name, extra)

    def surroundings(
        self, extra: Mapping[str, object], *, script: bool = False
    ) -> Surroundings | None:
        """The image decides; see `remote.executor.Remote`."""
        if script:
            made = of_script(self._settings, Resources(extra=extra)).with_cellgraph()
            rest = {k: v for k, v in extra.items() if k not in ("image", "helper_image")}
            extra = {**rest, "image": made.image} if made.image else rest
        else:
            made = of_function(self._settings, Resources(extra=extra))
        laid: Mapping[str, Any] = made.job_definition.get("containerProperties", {})
        image = str(laid.get("image") or made.image)
        if not image:
            return None  # said when a call is sent
        if not made.is_locked:
            return Surroundings(f"image {image}", options=extra)
        name = f"image {image} with lock {self._locked.digest[:12]}"
        return Surroundings(name, options=extra, prepared=True)

    def examine(self) -> Iterator[Found]:
        """What `cellgraph doctor` says: level, detail, advice. Asks AWS. Raises ConfigError."""
        made = self._settings
        return examine(made, Clients(made.profile, made.region))

    def _service(self, store: SharedStore) -> Service:
        access = store.arrays.access
        made = self._settings
        clients = Clients(made.profile or access.profile, made.region or access.region)
        if made.is_locked and store.arrays.policy.mode == "signed":
            raise ConfigError(
                f"executor {self.name!r}: environment='lock' installs what lies in the bucket, "
                "which nobody signs: with trust='signed' use an image (`cellgraph image`)"
            )
        return BatchService(
            clients, made, self._locked, Bucket(parse_uri(store.arrays.uri), access)
        )


class BatchService(BatchJobs):
    """See `remote.service.Service`."""

    at_once = 100
    resends = 0

    def __init__(
        self,
        clients: Clients,
        settings: BatchSettings,
        locked: Locked | None = None,
        bucket: Bucket | None = None,
    ) -> None:
        """*locked* and *bucket*: what jobs install where `environment` says so, and from where."""
        super().__init__(clients)
        self._settings = settings
        self._locked = locked
        self._bucket = bucket
        self._lock = threading.Lock()
        self._systems: dict[str, FileSystem] = {}  # those that were asked for
        self._put = False  # what jobs install is in the store
        self._registered: dict[str, str] = {}  # name of a definition -> name and revision

    def check(self, job: Job) -> None:
        """See `Service`."""
        self._of(job)

    def line(self, job: Job) -> str:
        """The queue of a call."""
        queue = self._of(job).queue
        if not queue:
            raise ConfigError(
                "executor 'batch' needs queue=, the name of a job queue: in cellgraph.toml, "
                "[executors.batch] queue = ..."
            )
        return queue

    def vcpus(self, job: Job) -> float:
        """As the call says, and what the container beside a script has."""
        return job.resources.vcpus + (WORKER_VCPUS if self._of(job).helper_image else 0)

    def kind(self, children: int) -> RemoteKind:
        """An array, or one job."""
        return "array" if children > 1 else "job"

    def request(self, pending: Pending, job: Job, command: Sequence[str], children: int) -> Any:
        """The submission; the definition it names is registered if it is not yet."""
        settings = self._of(job)
        return submission(
            pending.name,
            pending.line,
            self.defined_for(settings),
            started(command) if settings.is_locked else command,
            job.resources,
            children,
            pending.calls_per_child,
            settings.retries_on_host_loss,
            settings.submit_job,
            pair=bool(settings.helper_image),
        )

    def _of(self, job: Job) -> BatchSettings:
        """The settings for a call; with `helper_image` if its image has bash alone."""
        if isinstance(job.function.func, ScriptFunction):
            return of_script(self._settings, job.resources)
        return of_function(self._settings, job.resources)

    def defined_for(self, settings: BatchSettings) -> str:
        """Name and revision of the definition for *settings*, registered if it is not yet.

        Raises ConfigError, AwsFault.
        """
        if not settings.image:
            raise ConfigError(
                "executor 'batch' needs image=, a container image that has cellgraph: "
                "`cellgraph image` prints a Dockerfile for one"
            )
        roles = {"jobRoleArn": settings.job_role, "executionRoleArn": settings.execution_role}
        mounts, overlay = self._mounts(settings)
        wanted = definition(
            settings.helper_image or settings.image,
            {name: arn for name, arn in roles.items() if arn},
            {
                "AWS_DEFAULT_REGION": self.region(),
                **self._installing(settings),
                **mounts,
                **settings.said_variables,
            },
            merged(overlay, settings.job_definition),
            settings.image if settings.helper_image else "",
        )
        return self._defined(wanted)

    def _installing(self, settings: BatchSettings) -> Mapping[str, str]:
        """Variables for jobs that install their packages; what they need is in the store then.

        Raises S3Fault, ConfigError.
        """
        if not settings.is_locked:
            return {}
        if self._locked is None or self._bucket is None:
            raise ConfigError(
                "environment='lock' is for calls that a session sends: exported runs have an image "
                "with everything in it (`cellgraph image`)"
            )
        if not self._put:
            self._locked.put(self._bucket)
            self._put = True
        return self._locked.variables(self._bucket, self.region())

    def _mounts(self, settings: BatchSettings) -> tuple[dict[str, str], dict[str, Any]]:
        """Variables and fields of the definition for jobs that see a file system."""
        if not settings.fsx:
            return {}, {}
        system = file_system(settings.fsx)
        if not system.links and system.id:
            with self._lock:
                known = self._systems.get(system.id)
            if known is None:
                with asking():
                    known = look_up(self._clients.client("fsx"), system)
                with self._lock:
                    self._systems[system.id] = known
            system = system._replace(links=known.links)
        return {VARIABLE: system.told()}, system.overlay()

    def _defined(self, wanted: Mapping[str, Any]) -> str:
        """Name and revision of a definition with this content: registered once, then reused."""
        name = str(wanted["jobDefinitionName"])
        with self._lock:
            known = self._registered.get(name)
        if known is None:
            known = self.find_definition(name) or self.register(wanted)
            with self._lock:
                self._registered[name] = known
        return known
