"""Run calls inside a Spark driver: the same on this machine and on Glue.

Whoever has a session (the `spark` executor, the script of a Glue job) runs a call as ever, within
`driving`::

    with driving(SparkPlace(session=..., results=..., ...), hear):
        event = run_job(job, store)

`cellgraph.worker.run_job` then asks the driver that is current on its thread to

- turn arguments into what the annotations of the task ask for: a `Dataset` becomes pandas, Arrow,
  Spark or a DynamicFrame, and a pandas or Arrow frame becomes Spark's where that is asked for;
- answer `cellgraph.spark()` and `cellgraph.glue_context()`;
- write each Spark frame and DynamicFrame in what the task returned (also in tuples, lists and the
  values of dicts) as a `Dataset`, whose value is what the store keeps.

*hear* is told how far the call has come (`cellgraph.inside.Progress`): what the task says itself
with `cellgraph.progress`, on its own thread, and until it says anything Spark's own count of tasks,
once a second, on another thread. It must be quick and thread-safe. Sending it elsewhere is the
business of whoever passes it.

Threading: a driver belongs to the thread that entered it. Calls on several threads share the
session; each has a job group of its own, so that it can be stopped and counted by itself.
"""

import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cellgraph.errors import ConfigError
from cellgraph.inside import Progress, driven, listen
from cellgraph_executors.spark.counting import Counting

_NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_GLUE: Final = (
    'GlueContext is AWS\'s: it is there on executor="glue". Here use cellgraph.spark(), or return '
    "a Dataset and have it converted where Glue is"
)


def no_glue_context() -> Any:
    """Where AWS does not provide one."""
    raise ConfigError(_NO_GLUE)


@dataclass(frozen=True, slots=True)
class SparkPlace:
    """A session and its surroundings."""

    session: Callable[[], Any]  # the SparkSession; begun when it is first asked for
    results: str  # folder or s3:// URI below which returned frames are written
    reads_buckets: bool = False  # whether this Spark reads and writes s3:// itself
    glue_context: Callable[[], Any] = no_glue_context
    choices: Mapping[str, str] = field(default_factory=lambda: _NO_CHOICES)
    new_name: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)


@contextmanager
def driving(place: SparkPlace, hear: Callable[[Progress], None]) -> Generator["SparkDriver"]:
    """What this thread runs meanwhile runs in Spark (see above)."""
    driver = SparkDriver(place, hear)
    outer = listen(driver.told)
    try:
        with driven(driver):
            yield driver
    finally:
        listen(outer)
        driver.end()


class SparkDriver:
    """One call in Spark: `cellgraph.inside.Driver`."""

    def __init__(self, place: SparkPlace, hear: Callable[[Progress], None]) -> None:
        self._place = place
        self._hear = hear
        self._counting: Counting | None = None  # none before the session is asked for
        self.group = f"cellgraph-{uuid.uuid4().hex[:12]}"

    @property
    def reads_buckets(self) -> bool:
        """See `cellgraph.inside.Driver`."""
        return self._place.reads_buckets

    @property
    def choices(self) -> Mapping[str, str]:
        """See `cellgraph.inside.Driver`."""
        return self._place.choices

    def session(self) -> Any:
        """See `cellgraph.inside.Driver`."""
        session = self._place.session()
        if self._counting is None:
            context = session.sparkContext
            context.setJobGroup(self.group, "Cellgraph", interruptOnCancel=True)
            self._counting = Counting(context.statusTracker(), self.group, self._hear)
        return session

    def glue_context(self) -> Any:
        """See `cellgraph.inside.Driver`."""
        self.session()
        return self._place.glue_context()

    def results(self) -> str:
        """See `cellgraph.inside.Driver`."""
        return f"{self._place.results.rstrip('/')}/{self._place.new_name()}"

    def receive(
        self, func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """See `cellgraph.inside.Driver`."""
        from cellgraph_executors.spark.edges import received

        return received(func, args, kwargs)

    def deliver(self, value: Any) -> Any:
        """See `cellgraph.inside.Driver`."""
        from cellgraph_executors.spark.edges import delivered

        return delivered(value)

    def told(self, progress: Progress) -> None:
        """The task says itself how far it is: that counts from now on."""
        if self._counting is not None:
            self._counting.end()
        self._hear(progress)

    def stop(self) -> None:
        """Have Spark stop what the call runs. Any thread."""
        counting = self._counting
        if counting is not None:
            self._place.session().sparkContext.cancelJobGroup(self.group)

    def end(self) -> None:
        """The call is over."""
        if self._counting is not None:
            self._counting.end()
