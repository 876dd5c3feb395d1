"""Settings: file, then environment, then arguments. Frozen once a session starts."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast

from cellgraph.errors import ConfigError
from cellgraph.places import Roots
from cellgraph.suggest import closest

_MARKERS: Final = ("cellgraph.toml", "pyproject.toml", ".cellgraph", ".git")
_PREFIX: Final = "CELLGRAPH_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is made of. Names and nesting are those of the configuration file."""

    store: str = ""  # a folder, or s3://bucket/prefix; empty: .cellgraph at the project root
    profile: str = ""  # of AWS's configuration, for an S3 store; empty: AWS's own default
    region: str = ""  # of the store's bucket; empty: as AWS's configuration says
    trust: str = "bucket"  # what is believed of a shared store: "bucket", "signed" or "safe"
    # How an S3 store is asked: requester_pays, kms_key, tier_gib.
    s3: Mapping[str, Any] = field(default_factory=dict[str, Any])
    executor: str = "thread"  # where tasks run that do not say
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    definitions: str = "live"
    audit: float = 0.0  # the share of hits that run again and are compared
    audit_seed: str = ""  # which ones: the same for the same seed; empty: others in each run
    project: str = ""  # the project's folder; empty: found from the working directory
    # Further folders whose files results depend on, when calls read them without saying so.
    data_roots: tuple[str, ...] = ()

    def roots(self) -> Roots:
        """Where calls are watched for what they read."""
        return Roots(os.path.realpath(self.project), self.data_roots)


NAMES: Final = tuple(f.name for f in fields(Settings))
# Read by the notebook side, by tests and by `stores.trusted`, not settings of a session.
_OTHER_VARIABLES: Final = frozenset(
    "BOOT DISPLAY ENVIRONMENTS LOCK MOUNTS REPRODUCIBLE SANDBOX TRUSTED_STORES".split()
)


def project_root(start: Path) -> Path:
    """The nearest folder at or above *start* that looks like a project, else *start*."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
    return start


def load_settings(said: Mapping[str, Any], *, start: Path | None = None) -> Settings:
    """Merge file, environment and arguments. Raises ConfigError that names the closest setting."""
    root = project_root(start or Path.cwd())
    merged: dict[str, Any] = {}
    for source, values in (
        ("file", _from_file(root)),
        ("environment", _from_environment()),
        ("arguments", said),
    ):
        for name, value in values.items():
            if name not in NAMES:
                raise ConfigError(f"unknown setting {name!r} ({source}){closest(name, NAMES)}")
            if value is not None:
                merged[name] = str(value) if isinstance(value, Path) else value
    merged["data_roots"] = _folders(merged.get("data_roots", ()))
    merged.setdefault("project", str(root))
    return Settings(**merged)


def _folders(said: Any) -> tuple[str, ...]:
    """Folders as a list, or as the environment gives them: one text with separators."""
    given: object = said.split(os.pathsep) if isinstance(said, str) else said
    if not isinstance(given, (list, tuple)):
        raise ConfigError(f"data_roots={said!r}: expected a list of folders")
    return tuple(str(folder) for folder in cast("Sequence[object]", given) if str(folder))


def _from_file(root: Path) -> Mapping[str, Any]:
    own = root / "cellgraph.toml"
    if own.is_file():
        return _toml(own)
    shared = root / "pyproject.toml"
    if shared.is_file():
        section: Mapping[str, Any] = _toml(shared).get("tool", {}).get("cellgraph", {})
        return section
    return {}


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error


def _from_environment() -> Mapping[str, Any]:
    named = {k[len(_PREFIX) :]: v for k, v in os.environ.items() if k.startswith(_PREFIX)}
    return {k.lower(): v for k, v in named.items() if k not in _OTHER_VARIABLES}
