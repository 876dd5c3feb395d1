"""Find executors by name through entry points, without importing them from core."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.executor import Executor
from cellgraph.suggest import closest

ALIASES = {"local": "thread"}


@cache
def _points() -> Mapping[str, EntryPoint]:
    """Every registered executor by name, not yet imported. Read once per process."""
    return {point.name: point for point in entry_points(group="cellgraph.executors")}


def executor_names() -> tuple[str, ...]:
    """The names that tasks and settings may use."""
    return (*_points(), *ALIASES)


@cache
def executor_type(kind: str) -> type[Any]:
    """Return the class registered as *kind*. Raises ConfigError naming the known ones."""
    point = _points().get(ALIASES.get(kind, kind))
    if point is None:
        raise ConfigError(f"no executor named {kind!r}{closest(kind, executor_names())}")
    found: type[Any] = point.load()
    return found


def executor_options(kind: str) -> frozenset[str]:
    """Names of the task options that executor *kind* adds to the common ones."""
    if ALIASES.get(kind, kind) not in _points():
        return frozenset()
    options: frozenset[str] = getattr(executor_type(kind), "job_options", frozenset())
    return options


def make_executor(kind: str, settings: Mapping[str, Any]) -> Executor:
    """Construct the executor registered as *kind*."""
    made: Executor = executor_type(kind)(**settings)
    return made
