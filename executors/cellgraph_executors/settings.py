"""Checks of what an executor is constructed with."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.options import OPTION_NAMES
from cellgraph.suggest import closest

# Name and value -> what was expected instead; empty: it is right.
Problem = Callable[[str, object], str]


def reject_unknown(executor: str, settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise ConfigError for settings an executor does not have."""
    for name in settings:
        raise ConfigError(f"executor {executor!r} has no setting {name!r}{closest(name, known)}")


def check_settings(
    executor: str, said: Mapping[str, Any], known: Iterable[str], problem: Problem
) -> None:
    """Raise ConfigError for the first setting that there is not, or that is wrong."""
    names = tuple(known)
    for name, value in said.items():
        if name not in names:
            reject_unknown(executor, {name: value}, names)
        expected = problem(name, value)
        if expected:
            raise ConfigError(f"executor {executor!r}: {name}={value!r}: expected {expected}")


def check_task_options(
    executor: str, extra: Mapping[str, object], known: Iterable[str], problem: Problem
) -> None:
    """Raise ConfigError for the first option of a task that is not known, or wrong."""
    names = sorted(known)
    for name, value in extra.items():
        if name not in names:
            hint = closest(name, (*OPTION_NAMES, *names))  # of every task, and of the executor
            raise ConfigError(f"executor {executor!r} has no option {name!r}{hint}")
        expected = problem(name, value)
        if expected:
            raise ConfigError(f"{name}={value!r}: expected {expected}")


def number_problem(value: object, least: float, most: float, *, whole: bool) -> str:
    """As `Problem`, of a number from *least* to *most*."""
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        return f"a {'whole ' if whole else ''}number from {least:g} to {most:g}"
    return ""


def workers_setting(executor: str, workers: object, name: str = "workers") -> int | None:
    """Check the setting *name*, a number of things; None stands for the default."""
    if workers is None:
        return None
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError(
            f"executor {executor!r}: {name}={workers!r}: expected a whole number, 1 or more"
        )
    return workers
