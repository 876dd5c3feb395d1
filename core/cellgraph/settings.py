"""Settings: file, then environment, then arguments. Frozen once a session starts."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest

_MARKERS: Final = ("cellgraph.toml", "pyproject.toml", ".cellgraph", ".git")
_PREFIX: Final = "CELLGRAPH_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is made of. Names and nesting are those of the configuration file."""

    store: str = ""  # a folder, or s3://bucket/prefix; empty: .cellgraph at the project root
    executor: str = "thread"  # where tasks run that do not say
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    definitions: str = "live"
    project: str = ""  # the project's folder; empty: found from the working directory


NAMES: Final = tuple(f.name for f in fields(Settings))
# Read by the notebook side and by tests, not settings of a session.
_OTHER_VARIABLES: Final = frozenset({"DISPLAY", "REPRODUCIBLE"})


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
    merged.setdefault("project", str(root))
    return Settings(**merged)


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
