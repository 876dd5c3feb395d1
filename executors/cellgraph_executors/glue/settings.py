"""Settings of a Glue executor, checked when they are said; tasks may say some of them too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from cellgraph.errors import ConfigError
from cellgraph.executor import Resources
from cellgraph_executors.settings import check_settings, check_task_options, number_problem
from cellgraph_executors.spark.choices import checked_choices

# Data processing units of one worker, by AWS Glue's guide. A unit has 4 vCPUs.
DPUS: Final[Mapping[str, float]] = {
    "G.025X": 0.25,
    "G.1X": 1,
    "G.2X": 2,
    "G.4X": 4,
    "G.8X": 8,
    "G.12X": 12,
    "G.16X": 16,
    "R.1X": 1,
    "R.2X": 2,
    "R.4X": 4,
    "R.8X": 8,
}
VCPUS_PER_DPU: Final = 4
VERSIONS: Final = ("5.0", "5.1")  # with the Python that code is written for here
_FLEX_TYPES: Final = ("G.1X", "G.2X")

TEXTS: Final = ("role", "worker_type", "glue_version", "region", "profile", "assets", "cellgraph")
LISTS: Final = ("additional_python_modules", "extra_py_files", "extra_files")
MAPPINGS: Final = ("arguments", "job_definition")
SWITCHES: Final = ("flex", "pin_packages")
NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "workers": (2, 1000),
    "max_concurrent_runs": (1, 1000),
    "window_s": (0, 3),
    "poll_s": (0.05, 60),
    "retries_on_host_loss": (0, 9),
    "usd_per_dpu_hour": (0, 1e6),
}
_WHOLE: Final = frozenset({"workers", "max_concurrent_runs", "retries_on_host_loss"})
# What a task may say for its own calls; `choices` is Spark's (`spark.choices`).
TASK_OPTIONS: Final = frozenset(
    "role worker_type workers glue_version flex pin_packages additional_python_modules "
    "extra_py_files extra_files arguments job_definition choices".split()
)


def _nothing() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class GlueSettings:
    """How calls become runs. Names and nesting are those of the configuration file."""

    role: str = ""  # name or ARN: what the runs may do
    worker_type: str = "G.1X"
    workers: int = 2  # the driver is one of them
    glue_version: str = "5.0"
    pin_packages: bool = True  # packages that code names, in the versions that they have here
    flex: bool = False  # cheaper, on spare capacity, without a promise of when
    region: str = ""  # empty: as AWS's configuration says
    profile: str = ""
    assets: str = ""  # s3:// below which script and package are put; empty: in the store
    cellgraph: str = ""  # what brings Cellgraph: a requirement or s3://….whl; empty: this one
    additional_python_modules: Sequence[str] = ()
    extra_py_files: Sequence[str] = ()
    extra_files: Sequence[str] = ()
    max_concurrent_runs: int = 1000  # of one definition
    window_s: float = 0.0  # how long a call waits for others to share its run
    poll_s: float = 2.0  # between two looks while things change
    retries_on_host_loss: int = 3  # they cost no retries= of a task
    usd_per_dpu_hour: float = 0.0
    arguments: Mapping[str, str] = field(default_factory=_nothing)  # Glue's own, as --conf
    job_definition: Mapping[str, Any] = field(default_factory=_nothing)  # laid over the definition

    def of(self, resources: Resources) -> "GlueSettings":
        """These settings with what a task says over them. Raises ConfigError."""
        said = {k: v for k, v in (resources.extra or {}).items() if k != "choices"}
        return checked("glue", {**self.as_dict(), **said}) if said else self

    def as_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return {name: getattr(self, name) for name in NAMES}

    @property
    def dpus(self) -> float:
        """Data processing units of one run."""
        return DPUS[self.worker_type] * self.workers


NAMES: Final = (*TEXTS, *LISTS, *MAPPINGS, *NUMBERS, *SWITCHES)


def checked(executor: str, said: Mapping[str, Any]) -> GlueSettings:
    """Check settings. Raises ConfigError that names the closest one."""
    check_settings(executor, said, NAMES, _problem)
    made = GlueSettings(**said)
    if made.flex and made.worker_type not in _FLEX_TYPES:
        raise ConfigError(
            f"executor {executor!r}: flex has workers of type {' or '.join(_FLEX_TYPES)}, not "
            f"{made.worker_type}"
        )
    return made


def check_options(executor: str, extra: Mapping[str, object]) -> None:
    """Check what a task says. Raises ConfigError."""
    check_task_options(executor, extra, TASK_OPTIONS, _problem)


def _problem(name: str, value: object) -> str:
    """What was expected instead of *value*; empty if it is right."""
    if name == "choices":
        checked_choices(value)  # it says by itself what is wrong
        return ""
    if name == "worker_type":
        return "" if isinstance(value, str) and value in DPUS else f"one of {', '.join(DPUS)}"
    if name == "glue_version":
        return "" if value in VERSIONS else f"one of {', '.join(VERSIONS)} (Python 3.11)"
    if name in SWITCHES:
        return "" if isinstance(value, bool) else "true or false"
    if name == "assets" and value and not str(value).startswith("s3://"):
        return "s3://bucket/prefix"
    if name in TEXTS:
        return "" if isinstance(value, str) else "a text"
    if name in LISTS:
        return _list_problem(name, value)
    if name in MAPPINGS:
        return _mapping_problem(name, value)
    least, most = NUMBERS[name]
    return number_problem(value, least, most, whole=name in _WHOLE)


def _list_problem(name: str, value: object) -> str:
    items = list(cast("Sequence[object]", value)) if isinstance(value, (list, tuple)) else [None]
    if not all(isinstance(item, str) and item and "," not in item for item in items):
        return "a list of texts without commas"
    if name != "additional_python_modules" and not all(str(i).startswith("s3://") for i in items):
        return "a list of s3:// paths"
    return ""


def _mapping_problem(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return "a section"
    pairs = list(cast("Mapping[object, object]", value).items())
    if name == "job_definition":
        return "" if all(isinstance(key, str) for key, _ in pairs) else "fields by name"
    good = all(str(key).startswith("--") and isinstance(said, str) for key, said in pairs)
    return "" if good else 'texts by names that begin with --, as {"--conf": "spark.x=y"}'
