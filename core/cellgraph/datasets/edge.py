"""What a call receives in the place of a Dataset: what the annotation of its parameter names.

Decided by the code alone, never by size: ``def f(table: pd.DataFrame)`` gets pandas, a parameter
without an annotation gets the Dataset.
"""

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from cellgraph.datasets.dataset import Dataset

# Library and name of a class -> what it is called here.
_WANTED: Final[Mapping[tuple[str, str], str]] = {
    ("awsglue", "DynamicFrame"): "dynamic",
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("pyspark", "DataFrame"): "spark",
}


def received(
    func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call of *func*, each Dataset as its annotation asks."""
    asked = wanted(func, args, kwargs)
    return (
        [as_wanted(value, asked.get(at, "")) for at, value in enumerate(args)],
        {name: as_wanted(value, asked.get(name, "")) for name, value in kwargs.items()},
    )


def as_wanted(value: Any, kind: str) -> Any:
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


def wanted(
    func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
) -> dict[int | str, str]:
    """The kinds of frames that arguments are asked for as, by position or name."""
    hints = _annotations(func)
    try:
        bound = inspect.signature(func).bind_partial(*range(len(args)), **{k: k for k in kwargs})
    except (TypeError, ValueError):  # the call itself will say so
        return {}
    found: dict[int | str, str] = {}
    for name, given in bound.arguments.items():
        kind = _kind(hints.get(name))
        if kind:  # *args are a tuple of positions, **kwargs a dict of names
            each: Any = given
            several = isinstance(each, (tuple, dict))
            found.update(dict.fromkeys(each if several else (each,), kind))
    return found


def _kind(annotation: Any) -> str:
    """What an annotation asks for; empty if for nothing, or for a Dataset as well."""
    arms = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    if Dataset in arms:
        return ""
    kinds = {_WANTED.get((_library(arm), getattr(arm, "__name__", "")), "") for arm in arms}
    kinds.discard("")
    return kinds.pop() if len(kinds) == 1 else ""


def _is_union(annotation: Any) -> bool:
    import types

    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _library(kind: Any) -> str:
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def _annotations(func: Callable[..., Any]) -> dict[str, Any]:
    """By parameter; texts are evaluated where they can be."""
    try:
        return typing.get_type_hints(func)
    except Exception:  # a name in one of them is not there: the others still count
        scope = getattr(func, "__globals__", {})
        said: Mapping[str, Any] = getattr(func, "__annotations__", {})
        return {name: _evaluated(text, scope) for name, text in said.items()}


def _evaluated(text: Any, scope: dict[str, Any]) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return eval(text, scope)
    except Exception:
        return text
