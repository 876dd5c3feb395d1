"""What the current thread is running: a task's body, who hears of its progress, its Spark driver.

Set by whoever runs a call; asked by what a task's body calls (`progress`, `spark`). Each thread has
its own.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from cellgraph.errors import ConfigError


class Progress(NamedTuple):
    """How far a call has come."""

    done: float
    total: float  # 0: not known
    text: str  # what it is at, one line; may be empty


class Handed:
    """A value that a call receives as the annotation of its parameter asks for it."""

    __slots__ = ()


class Driver(Protocol):
    """The Spark driver that this thread's call runs in."""

    @property
    def reads_buckets(self) -> bool:
        """Whether its Spark reads and writes ``s3://`` by itself."""
        ...

    @property
    def choices(self) -> Mapping[str, str]:
        """How columns of several types in a DynamicFrame are resolved, by column (Glue's words)."""
        ...

    def results(self) -> str:
        """A new place, folder or ``s3://`` URI, for a frame that the call returns."""
        ...

    def session(self) -> Any:
        """The `SparkSession`, begun when first asked for."""
        ...

    def glue_context(self) -> Any:
        """AWS's GlueContext. Raises ConfigError where there is none."""
        ...

    def receive(
        self, func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as *func*'s annotations ask for them."""
        ...

    def deliver(self, value: Any) -> Any:
        """What the body returned, with a Dataset in the place of each Spark frame."""
        ...


class _Inside(threading.local):
    task: str | None = None
    hear: Callable[[Progress], None] | None = None
    driver: Driver | None = None


_inside = _Inside()


def current_task() -> str | None:
    """Name of the task whose body runs on this thread, or None."""
    return _inside.task


def enter(task: str | None) -> str | None:
    """Mark this thread as inside the body of *task* (None: no task's); return what it was in."""
    outer = _inside.task
    _inside.task = task
    return outer


def current_driver() -> Driver | None:
    """The Spark driver of the call on this thread, or None."""
    return _inside.driver


@contextmanager
def driven(driver: Driver) -> Generator[None]:
    """What this thread runs meanwhile runs in *driver*."""
    outer, _inside.driver = _inside.driver, driver
    try:
        yield
    finally:
        _inside.driver = outer


def listen(hear: Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
    """*hear* is told, on this thread, what calls on it say with `progress`; it must be quick.

    Return who was told before.
    """
    outer, _inside.hear = _inside.hear, hear
    return outer


def tell(progress: Progress) -> None:
    """Say how far the call on this thread has come, to whoever listens."""
    hear = _inside.hear
    if hear is not None:
        hear(progress)


def progress(done: float, total: float = 0, text: str = "") -> None:
    """Say, in a task's body, how far it has come: ``progress(3, 12, "chromosome 3")``.

    Shown in the graph while the call runs, on every executor. *total* 0: not known. Cheap: views
    are told at most a few times a second. Nothing happens outside a task. Raises ConfigError for
    what are no numbers, or negative.
    """
    try:
        at, of = float(done), float(total)
    except (TypeError, ValueError):
        at = of = -1.0
    if not (at >= 0 and of >= 0):  # nan is neither
        raise ConfigError(
            f"progress({done!r}, {total!r}): expected how much is done, and of how much in all"
        )
    tell(Progress(at, of, " ".join(str(text).split())[:200]))
