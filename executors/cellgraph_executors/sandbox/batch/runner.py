"""What the engine asks of the place where an attempt runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from cellgraph_executors.sandbox.batch.model import Mount
from cellgraph_executors.sandbox.logstreams import LogStream


class CannotStart(Exception):
    """The container could not be started; the text says why, as the container engine would."""


class Order(NamedTuple):
    """One attempt, ready to run."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path  # its working folder: made if it is not there, and removed at its end
    mounts: tuple[Mount, ...]
    log: LogStream
    errors: LogStream | None = None  # for stderr; None: the same as for stdout


class Running(Protocol):
    """An attempt under way. Thread-safe; doing it twice or too late is harmless."""

    def stop(self) -> None:
        """SIGTERM to the whole process group."""
        ...

    def kill(self) -> None:
        """SIGKILL to the whole process group."""
        ...


class Runner(Protocol):
    """Runs attempts."""

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Start one; *ended* is called once, on another thread, with its exit code.

        Raises CannotStart.
        """
        ...

    def close(self) -> None:
        """Kill what runs. *ended* is called no more."""
        ...
