"""The executor `glue`: each call, or a few of one kind, as a run of an AWS Glue job."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from cellgraph.errors import ConfigError
from cellgraph.events import RemoteKind
from cellgraph.executor import Function, Job, Resources, Surroundings
from cellgraph.settings import Settings
from cellgraph.stores.s3.bucket import Bucket
from cellgraph.stores.s3.place import parse_uri
from cellgraph_executors.aws import Clients, Refused
from cellgraph_executors.glue.checkup import examine
from cellgraph_executors.glue.definition import Assets, definition, run_request
from cellgraph_executors.glue.package import script
from cellgraph_executors.glue.pins import pins_of
from cellgraph_executors.glue.places import asked_for, surroundings
from cellgraph_executors.glue.service import GONE, GlueJobs
from cellgraph_executors.glue.settings import (
    TASK_OPTIONS,
    VCPUS_PER_DPU,
    GlueSettings,
    check_options,
    checked,
)
from cellgraph_executors.remote.executor import Remote
from cellgraph_executors.remote.flights import KEY_BYTES, Pending
from cellgraph_executors.remote.office import SharedStore, Terms
from cellgraph_executors.remote.service import Service
from cellgraph_executors.roles import Found
from cellgraph_executors.wheel import wheel

ASSETS: Final = "glue"  # below the store
_SIGNING: Final = "cryptography>=42"  # as of our extra `team`


class GlueExecutor(Remote):
    """Runs calls as AWS Glue job runs, with Spark around them.

    Settings: `role` (needed; an ARN or a name), `worker_type`, `workers`, `glue_version`, `flex`,
    `additional_python_modules`, `extra_py_files`, `extra_files`, `arguments` (Glue's own, by name),
    `job_definition` (fields laid over what is created), `max_concurrent_runs`,
    `retries_on_host_loss`, `usd_per_dpu_hour`, `region`, `profile`, `assets`, `cellgraph`,
    `window_s`, `poll_s`, `name`.

    Job definitions are created once per content and reused. Closing it, or the death of this
    process, leaves runs going: whoever evaluates the same calls waits for them.
    """

    job_options: ClassVar = TASK_OPTIONS

    def __init__(self, *, name: str = "glue", **settings: Any) -> None:
        self._settings = made = checked(name, settings)
        terms = Terms(name, made.poll_s, made.usd_per_dpu_hour / VCPUS_PER_DPU)
        super().__init__(terms, made.window_s, array_max=1)

    @staticmethod
    def head(expr: Any, on: str, settings: Settings, how: Mapping[str, Any]) -> Any:
        """Not here: a Spark cluster would wait for what it sends. Raises ConfigError."""
        raise ConfigError(
            f"on={on!r}: Glue runs Spark steps, and no reducer; give an executor of type batch, "
            "whose reducer sends Spark steps to Glue as well"
        )

    def check_options(self, extra: Mapping[str, object]) -> None:
        """See `cellgraph.executor.Executor`."""
        check_options(self.name, extra)

    def surroundings(self, extra: Mapping[str, object], *, script: bool = False) -> Surroundings:
        """The version of Glue decides, and what is installed there; see `remote.executor`."""
        return surroundings(self._settings.of(Resources(extra=extra)), extra)

    def examine(self) -> Iterator[Found]:
        """What `cellgraph doctor` says: level, detail, advice. Asks AWS. Raises ConfigError."""
        made = self._settings
        return examine(made, Clients(made.profile, made.region))

    def _service(self, store: SharedStore) -> Service:
        access = store.arrays.access
        made = self._settings
        clients = Clients(made.profile or access.profile, made.region or access.region)
        uri = made.assets or f"{store.arrays.uri}/{ASSETS}"
        needs = (_SIGNING,) if store.arrays.policy.mode == "signed" else ()
        return GlueService(clients, made, Bucket(parse_uri(uri), access), needs)


class GlueService(GlueJobs):
    """See `remote.service.Service`. *bucket*: where assets are put. *needs*: more requirements."""

    at_once = 100

    def __init__(
        self,
        clients: Clients,
        settings: GlueSettings,
        bucket: Bucket,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(clients)
        self._needs = tuple(needs)
        self._settings = settings
        self._bucket = bucket
        self._lock = threading.Lock()
        self._there: dict[str, dict[str, Any]] = {}  # definitions that exist, by name
        self._pins: dict[bytes, tuple[str, ...]] = {}  # by the code of tasks
        self._put: set[str] = set()  # assets that are in the bucket
        self.resends = settings.retries_on_host_loss

    def check(self, job: Job) -> None:
        """See `Service`: each call can be."""

    def line(self, job: Job) -> str:
        """The job definition of a call."""
        return str(self._definition(job)["Name"])

    def vcpus(self, job: Job) -> float:
        """Of all workers of a run."""
        return self._settings.of(job.resources).dpus * VCPUS_PER_DPU

    def kind(self, children: int) -> RemoteKind:
        """A run."""
        return "glue"

    def request(self, pending: Pending, job: Job, command: Sequence[str], children: int) -> Any:
        """The run; assets and definition are there when it is returned."""
        wanted = self._definition(job)
        name = str(wanted["Name"])
        self._upload()
        with self._lock:
            there = name in self._there
        if not there:
            if not self.has_definition(name):
                self.create(wanted)
            with self._lock:
                self._there[name] = wanted
        words = [*command[2:], "--region", self.region()]
        choices = (job.resources.extra or {}).get("choices")
        if choices:
            words += ["--choices", json.dumps(choices)]
        return run_request(name, words, job.resources, len(pending.keys) // KEY_BYTES)

    def submit(self, request: Any) -> str:
        """See `GlueJobs`. A definition that somebody has deleted meanwhile is created again."""
        try:
            return super().submit(request)
        except Refused as fault:
            with self._lock:
                known = self._there.get(str(request["JobName"]))
            if known is None or not str(fault).startswith(GONE):
                raise
        self.create(known)
        return super().submit(request)

    def find(self, line: str, name: str) -> str:
        """A run has no name; the array, which ends the name of a job, is in its arguments."""
        return self.find_run(line, f"--array {_array_of(name)} ")

    def renew(self) -> None:
        """Read credentials anew."""
        super().renew()
        self._bucket.renew()

    def _definition(self, job: Job) -> dict[str, Any]:
        settings = self._settings.of(job.resources)
        brings = settings.cellgraph or self._uri(wheel().name)
        pins = self._pins_of(job.function) if settings.pin_packages else ()
        named = asked_for(settings)  # in a version of their own
        pins = tuple([pin for pin in pins if pin.partition("==")[0] not in named])
        assets = Assets(self._uri(script().name), (brings, *self._needs, *pins))
        return definition(settings, assets, job.resources.tags or {})

    def _pins_of(self, function: Function) -> tuple[str, ...]:
        with self._lock:
            known = self._pins.get(function.code)
        if known is None:
            known = pins_of(function)
            with self._lock:
                self._pins[function.code] = known
        return known

    def _uri(self, name: str) -> str:
        return f"{self._bucket.location.uri.rstrip('/')}/{name}"

    def _upload(self) -> None:
        """Raises S3Fault."""
        needed = [script()]
        if not self._settings.cellgraph:
            needed.append(wheel())
        for asset in needed:
            if asset.name not in self._put:
                if not self._bucket.list(asset.name):
                    self._bucket.put(asset.name, asset.data)
                self._put.add(asset.name)


def _array_of(name: str) -> str:
    """The array of a job's name: see `remote.flights.job_name`."""
    parts = name.rsplit("-", 2)
    if len(parts) < 2:
        raise ConfigError(f"{name!r} is not the name of a job")
    return "-".join(parts[-2:])
