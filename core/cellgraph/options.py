"""What may be said about a task, checked when it is said.

Only `version`, `nout`, `ignore` and `packages` touch what a result means; where and how often a
call runs never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest

_NOTHING: Final[Mapping[str, Any]] = {}


def _no_extra() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of a task; `None` means "not said here" (the session's default applies)."""

    name: str | None = None
    version: str | None = None
    executor: str | None = None
    cache: bool | None = None
    check: Literal["full", "shallow"] | None = None
    expires_after_s: float | None = None
    fresh: Any = None  # callable without arguments; its value joins the key
    retries: int | None = None
    retry_on: tuple[type[BaseException], ...] | None = None
    timeout_s: float | None = None
    limits: Mapping[str, int] | None = None
    nout: int | None = None
    ignore: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()  # arguments that look like a credential and are none
    uses: tuple[Any, ...] = ()
    packages: Literal["exact", "minor", "none"] | None = None
    accepts_failures: bool | None = None
    calls_per_job: int | Literal["auto"] | None = None
    tags: Mapping[str, str] | None = None
    vcpus: float | None = None
    memory_gib: float | None = None
    gpus: int | None = None
    context: Mapping[str, Any] | None = None
    inherit: Mapping[str, Any] | None = None  # options for every call below this one
    extra: Mapping[str, Any] = field(default_factory=_no_extra)  # the executor's own

    def with_(self, said: Mapping[str, Any]) -> "TaskOptions":
        """Return these options with *said* on top. Raises ConfigError for a wrong one."""
        return replace(self, **checked(said, executor=said.get("executor", self.executor)))

    def under(self, inherited: Mapping[str, Any]) -> "TaskOptions":
        """Return these options with inherited ones over them (declared < inherited < call)."""
        return self.with_(inherited) if inherited else self


OPTION_NAMES: Final = tuple(f.name for f in fields(TaskOptions) if f.name != "extra")


def checked(said: Mapping[str, Any], *, executor: str | None = None) -> dict[str, Any]:
    """Check and normalise options as written; unknown ones are the executor's `extra`."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in said.items():
        if name in OPTION_NAMES:
            known[name] = _normalised(name, value)
        elif name == "extra":
            extra.update(value)
        else:
            extra[name] = value
    if extra:
        _check_extra(extra, executor)
        known["extra"] = extra
    return known


def _check_extra(extra: Mapping[str, Any], executor: str | None) -> None:
    # Late: executors are found through entry points, and only when an option asks for them.
    from cellgraph.plugins import executor_options

    own = executor_options(executor or "thread")
    for name in extra:
        if name not in own:
            raise ConfigError(f"unknown task option {name!r}{closest(name, (*OPTION_NAMES, *own))}")


def _normalised(name: str, value: Any) -> Any:
    if value is None:
        return None if name not in ("ignore", "harmless", "uses") else ()
    check = _CHECKS.get(name)
    return value if check is None else check(name, value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{name}={value!r}: expected a whole number, 0 or more")
    return value


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise ConfigError(f"{name}={value!r}: expected a number above 0")
    return float(value)


def _not_negative(name: str, value: Any) -> float:
    return 0.0 if not isinstance(value, bool) and value == 0 else _positive(name, value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={value!r}: expected True or False")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name}={value!r}: expected a text")
    return value


def _callable(name: str, value: Any) -> Any:
    if not callable(value):
        raise ConfigError(f"{name}={value!r}: expected a callable without arguments")
    return value


def _names(name: str, value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _objects(name: str, value: Any) -> tuple[Any, ...]:
    given: object = value
    return tuple(value) if isinstance(given, (list, tuple)) else (value,)


def _errors(name: str, value: Any) -> tuple[type[BaseException], ...]:
    given = _objects(name, value)
    if not all(isinstance(e, type) and issubclass(e, BaseException) for e in given):
        raise ConfigError(f"{name}={value!r}: expected exception classes")
    return given


def _limits(name: str, value: Any) -> dict[str, int]:
    said: object = value
    units: dict[str, Any] = (
        dict(value) if isinstance(said, Mapping) else dict.fromkeys(_names(name, value), 1)
    )
    if not all(isinstance(n, int) and n >= 1 for n in units.values()):
        raise ConfigError(f"{name}={value!r}: units are whole numbers, 1 or more")
    return units


def _as_text(name: str, value: Any) -> str:
    return str(value)


def _inherited(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    checked(value)
    return dict(value)


def _one_of(*choices: str) -> Any:
    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise ConfigError(f"{name}={value!r}: expected one of {', '.join(choices)}")
        return str(value)

    return check


_CHECKS: Final[Mapping[str, Any]] = {
    "name": _text,
    "version": _as_text,
    "executor": _text,
    "cache": _flag,
    "accepts_failures": _flag,
    "check": _one_of("full", "shallow"),
    "packages": _one_of("exact", "minor", "none"),
    "expires_after_s": _not_negative,
    "timeout_s": _positive,
    "vcpus": _positive,
    "memory_gib": _positive,
    "gpus": _whole,
    "retries": _whole,
    "nout": _whole,
    "retry_on": _errors,
    "limits": _limits,
    "fresh": _callable,
    "ignore": _names,
    "harmless": _names,
    "uses": _objects,
    "inherit": _inherited,
}
