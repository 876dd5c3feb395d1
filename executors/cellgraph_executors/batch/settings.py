"""Settings of a Batch executor, checked when they are said; tasks may say some of them too."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

from cellgraph.errors import ConfigError
from cellgraph.executor import Resources
from cellgraph_executors.fsx import file_system
from cellgraph_executors.remote.grouping import MAX_ARRAY, MAX_WINDOW_S
from cellgraph_executors.settings import check_settings, check_task_options, number_problem

_MAX_HOST_RETRIES: Final = 9  # Batch takes ten attempts

TEXTS: Final = (
    "queue", "image", "helper_image", "job_role", "execution_role", "head_role", "scheduler_role",
    "region", "profile", "lock",
)  # fmt: skip
MAPPINGS: Final = ("job_definition", "submit_job", "environment", "variables", "fsx")
LOCK: Final = "lock"  # as `environment`: the packages of here are installed in the image
NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "array_max": (1, MAX_ARRAY),
    "window_s": (0, MAX_WINDOW_S),
    "poll_s": (0.05, 60),
    "retries_on_host_loss": (0, _MAX_HOST_RETRIES),
    "usd_per_vcpu_hour": (0, 1e6),
}
_WHOLE: Final = frozenset({"array_max", "retries_on_host_loss"})
# What a task may say for its own calls.
TASK_OPTIONS: Final = frozenset(
    "queue image job_role execution_role job_definition submit_job retries_on_host_loss "
    "memory_max_gib helper_image".split()
)


def _nothing() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How calls become jobs. Names and nesting are those of the configuration file."""

    queue: str = ""
    image: str = ""
    helper_image: str = ""  # has cellgraph, stands beside an `image` that has bash alone
    job_role: str = ""  # an ARN: what the calls may do; empty: what the host may
    execution_role: str = ""  # an ARN: what Batch needs on Fargate
    head_role: str = ""  # an ARN: of a job that carries out an exported run; empty: `job_role`
    scheduler_role: str = ""  # an ARN: what schedules of exported runs submit with
    region: str = ""  # empty: as AWS's configuration says
    profile: str = ""
    array_max: int = MAX_ARRAY  # children of one array job
    window_s: float = MAX_WINDOW_S  # how long a call waits for company at most
    poll_s: float = 1.0  # between two looks while things change
    retries_on_host_loss: int = 3  # by Batch itself; they cost no retries= of a task
    usd_per_vcpu_hour: float = 0.0
    # "lock" (see `batch.locked`), or variables of the jobs
    environment: Mapping[str, str] | Literal["lock"] = field(default_factory=_nothing)
    variables: Mapping[str, str] = field(default_factory=_nothing)  # of the jobs, too
    lock: str = ""  # a requirements file; empty: what is installed here
    job_definition: Mapping[str, Any] = field(default_factory=_nothing)  # laid over the definition
    submit_job: Mapping[str, Any] = field(default_factory=_nothing)  # laid over each submission
    fsx: Mapping[str, Any] = field(default_factory=_nothing)  # see `cellgraph_executors.fsx`

    def of(self, resources: Resources) -> "BatchSettings":
        """These settings with what a task says over them. Raises ConfigError."""
        said = {k: v for k, v in (resources.extra or {}).items() if k != "memory_max_gib"}
        return checked("batch", {**self.as_dict(), **said}) if said else self

    @property
    def is_locked(self) -> bool:
        """Whether jobs install their packages."""
        return self.environment == LOCK

    @property
    def said_variables(self) -> Mapping[str, str]:
        """The variables of the jobs."""
        own: Mapping[str, str] = {} if self.environment == LOCK else self.environment
        return {**own, **self.variables}

    def with_cellgraph(self) -> "BatchSettings":
        """The settings for what cellgraph itself runs: in the image that has it."""
        return replace(self, image=self.helper_image or self.image, helper_image="")

    def as_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return {name: getattr(self, name) for name in NAMES}


def of_script(settings: BatchSettings, resources: Resources) -> BatchSettings:
    """The settings for a script: one that names an image needs nothing but bash in it.

    The executor's own image stands beside it, unless `helper_image` says which, or names the same.
    """
    own = settings.of(resources)
    if own.image == settings.image and not own.helper_image:
        return own
    helper = own.helper_image or settings.image
    return replace(own, helper_image="" if helper == own.image else helper)


def of_function(settings: BatchSettings, resources: Resources) -> BatchSettings:
    """The settings for a task in Python. Raises ConfigError for an image said to have none."""
    own, said = settings.of(resources), resources.extra or {}
    its_own = "image" in said and "helper_image" not in said
    if own.helper_image and own.helper_image != own.image and not its_own:
        raise ConfigError(
            f"a task in Python cannot run in {own.image!r}, which has none, as helper_image= says: "
            f"only scripts can. Give it an image that has cellgraph, as "
            f"image={own.helper_image!r}, without helper_image="
        )
    return replace(own, helper_image="")


NAMES: Final = (*TEXTS, *NUMBERS, *MAPPINGS)


def checked(executor: str, said: Mapping[str, Any]) -> BatchSettings:
    """Check settings. Raises ConfigError that names the closest one."""
    check_settings(executor, said, NAMES, _problem)
    if said.get("fsx"):
        file_system(said["fsx"])
    made = BatchSettings(**said)
    if made.lock and not made.is_locked:
        raise ConfigError(f'executor {executor!r}: lock= names what environment="lock" installs')
    return made


def check_options(executor: str, extra: Mapping[str, object]) -> None:
    """Check what a task says. Raises ConfigError."""
    check_task_options(executor, extra, TASK_OPTIONS, _problem)


def _problem(name: str, value: object) -> str:
    """What was expected instead of *value*; empty if it is right."""
    if name == "memory_max_gib":
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
        return "" if good else "a number above 0"
    if name in TEXTS:
        return "" if isinstance(value, str) else "a text"
    if name == "environment" and value == LOCK:
        return ""
    if name in MAPPINGS:
        if not isinstance(value, Mapping):
            return 'a section, or "lock"' if name == "environment" else "a section"
        pairs = list(cast("Mapping[object, object]", value).items())
        if name in ("environment", "variables"):
            return "" if all(isinstance(v, str) for _, v in pairs) else "texts by name"
        return "" if all(isinstance(k, str) for k, _ in pairs) else "fields by name"
    least, most = NUMBERS[name]
    return number_problem(value, least, most, whole=name in _WHOLE)
