"""Checks of what an executor is constructed with."""

from collections.abc import Iterable, Mapping
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest


def reject_unknown(executor: str, settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise ConfigError for settings an executor does not have."""
    for name in settings:
        raise ConfigError(f"executor {executor!r} has no setting {name!r}{closest(name, known)}")


def workers_setting(executor: str, workers: object, name: str = "workers") -> int | None:
    """Check the setting *name*, a number of things; None stands for the default."""
    if workers is None:
        return None
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError(
            f"executor {executor!r}: {name}={workers!r}: expected a whole number, 1 or more"
        )
    return workers
