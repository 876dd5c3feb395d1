"""Find executors, commands and the sandbox through entry points, never by importing them."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.executor import Executor
from cellgraph.suggest import closest

ALIASES = {"local": "thread"}


@cache
def _points(group: str) -> Mapping[str, EntryPoint]:
    """What is registered under *group* by name, not yet imported. Read once per process."""
    return {point.name: point for point in entry_points(group=group)}


def _executors() -> Mapping[str, EntryPoint]:
    return _points("cellgraph.executors")


def executor_names() -> tuple[str, ...]:
    """The names that tasks and settings may use."""
    return (*_executors(), *ALIASES)


@cache
def executor_type(kind: str) -> type[Any]:
    """Return the class registered as *kind*. Raises ConfigError naming the known ones."""
    point = _executors().get(ALIASES.get(kind, kind))
    if point is None:
        raise ConfigError(f"no executor named {kind!r}{closest(kind, executor_names())}")
    found: type[Any] = point.load()
    return found


def executor_options(kind: str) -> frozenset[str]:
    """Names of the task options that executor *kind* adds to the common ones."""
    if ALIASES.get(kind, kind) not in _executors():
        return frozenset()
    options: frozenset[str] = getattr(executor_type(kind), "job_options", frozenset())
    return options


def make_executor(kind: str, settings: Mapping[str, Any]) -> Executor:
    """Construct the executor registered as *kind*."""
    made: Executor = executor_type(kind)(**settings)
    return made


def head_call(expr: Any, on: str, settings: Any, how: Mapping[str, Any]) -> Any:
    """A call that reduces *expr* on the executor named *on*. Raises ConfigError.

    *how*: arguments of `Session.evaluate`, for the reducer there.
    """
    kind = settings.executors.get(on, {}).get("type", on)
    head = getattr(executor_type(kind), "head", None)
    if head is None:
        raise ConfigError(f"on={on!r}: this executor runs calls on this machine; name a remote one")
    return head(expr, on, settings, how)


def commands() -> Mapping[str, EntryPoint]:
    """Further commands of the command line by name: each a function or a `typer.Typer`."""
    return _points("cellgraph.commands")


def local_spark() -> Any:
    """The `SparkSession` of this process that everybody here shares. Raises ConfigError."""
    point = _points("cellgraph.spark").get("default")
    if point is None:
        raise ConfigError("no local Spark is registered: pip install 'cellgraph[spark]'")
    return point.load()()


def sandbox(**settings: Any) -> AbstractContextManager[Any]:
    """AWS on loopback for the block: no account, no container engine, and jobs really run.

    ``with sandbox() as box: Session(box.store, executors={"batch": box.batch})``. The settings
    and what *box* offers are those of `cellgraph_executors.sandbox.sandbox`. Raises ConfigError
    when the extra ``cellgraph[sandbox]`` is not installed.
    """
    point = _points("cellgraph.sandboxes").get("default")
    if point is None:
        raise ConfigError("no sandbox is registered: pip install 'cellgraph[sandbox]'")
    made: AbstractContextManager[Any] = point.load()(**settings)
    return made


def reporter_type() -> type[Any] | None:
    """What writes the documents of a run (`scheduled.reporter.Reporter`); None: nothing is."""
    point = _points("cellgraph.reporters").get("default")
    return None if point is None else point.load()
