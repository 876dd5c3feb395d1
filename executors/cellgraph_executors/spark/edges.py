"""Frames at the edge of a call in Spark: what annotations ask for, what becomes of a result."""

from collections.abc import Callable
from typing import Any

from cellgraph.datasets import Dataset, edge
from cellgraph.datasets.sparkframes import as_spark, dynamic_frame, frame_from
from cellgraph.errors import ConfigError
from cellgraph.structure import rebuild


def received(
    func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call of *func* as its annotations ask."""
    return edge.received(func, args, kwargs, _as_asked)


def _as_asked(value: Any, kind: str) -> Any:
    if isinstance(value, Dataset) or kind not in ("spark", "dynamic"):
        return edge.as_asked(value, kind)
    frame = frame_from(value)
    if frame is None:  # no table
        return value
    return frame if kind == "spark" else dynamic_frame(frame, "argument")


def delivered(value: Any) -> Any:
    """What a call returned, with a Dataset in the place of each Spark frame in it, however deep.

    Raises ConfigError, OSError, and what Spark raises when it computes the frame.
    """
    return rebuild(value, _written, _is_of_spark)


def _written(leaf: Any) -> Any:
    value: object = leaf
    kind = type(value)
    frame = as_spark(leaf)
    if frame is None:
        raise ConfigError(
            f"a task cannot return a {kind.__module__}.{kind.__name__}: it lives in its Spark "
            "session. Return a frame, which becomes a Dataset, or a plain value"
        )
    return Dataset().write(frame)


def _is_of_spark(kind: type) -> bool:
    return kind.__module__.startswith(("pyspark.", "awsglue.")) and not issubclass(kind, tuple)
