"""What a call receives in the place of a Dataset: what the annotation of its parameter names."""

import importlib
from collections.abc import Callable
from typing import Any

from cellgraph.datasets.dataset import Dataset
from cellgraph.frames import asked


def received(
    func: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    convert: "Callable[[Any, str], Any] | None" = None,
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call of *func*, each frame as its annotation asks.

    *convert* makes of a value what is asked for (a kind of `frames`, or empty); `as_asked` if none.
    """
    kinds, convert = asked(func, args, kwargs), convert or as_asked
    return (
        [convert(value, kinds.get(at, "")) for at, value in enumerate(args)],
        {name: convert(value, kinds.get(name, "")) for name, value in kwargs.items()},
    )


def as_asked(value: Any, kind: str) -> Any:
    """A Dataset as *kind*; anything else as it is."""
    if not kind or not isinstance(value, Dataset):
        return value
    if kind == "pandas":
        return value.to_pandas()
    if kind == "arrow":
        return value.to_arrow()
    if kind == "spark":
        return value.to_spark()
    if kind == "dynamic":
        return value.to_dynamic_frame()
    polars: Any = importlib.import_module("polars")
    return polars.from_arrow(value.to_arrow())
