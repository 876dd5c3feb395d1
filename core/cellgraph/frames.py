"""Which kind of frame the annotation of a parameter asks for, in the place of a Dataset.

Decided by the code alone, never by size: ``def f(table: pd.DataFrame)`` gets pandas, a parameter
without an annotation gets the Dataset. Classes are known by library and name: none is loaded.
"""

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

# Library and name of a class -> what it is called here.
_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("awsglue", "DynamicFrame"): "dynamic",
    ("cellgraph", "Dataset"): "",
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("pyspark", "DataFrame"): "spark",
}
_DYNAMIC: Final = re.compile(r"([a-z_]+\.)*DynamicFrame")
_ON_GLUE: Final = type("DynamicFrame", (), {"__module__": "awsglue.dynamicframe"})
# Travels with the function to where the names in its annotations may be unknown. Identity leaves
# such names out: it has the annotations themselves.
_NOTE: Final = "__cellgraph_frames__"


def note(func: Callable[..., Any]) -> None:
    """Evaluate annotations that are texts while the names in them are known."""
    if type(func) is types.FunctionType and any(
        type(said) is str for said in func.__annotations__.values()
    ):
        kinds = kinds_of(func)
        if kinds:
            func.__dict__[_NOTE] = kinds


def asked(
    func: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
) -> dict[int | str, str]:
    """The kinds of frames that a call asks for, by position or name."""
    kinds = kinds_of(func)
    if not kinds:
        return {}
    try:
        bound = inspect.signature(func).bind_partial(*range(len(args)), **{k: k for k in kwargs})
    except (TypeError, ValueError):  # the call itself will say so
        return {}
    found: dict[int | str, str] = {}
    for name, given in bound.arguments.items():
        if name in kinds:  # *args are a tuple of positions, **kwargs a dict of names
            several = isinstance(given, (tuple, dict))
            each = cast("Iterable[int | str]", given if several else (given,))
            found.update(dict.fromkeys(each, kinds[name]))
    return found


def kinds_of(func: Callable[..., Any]) -> dict[str, str]:
    """The kinds of frames that *func* asks for, by parameter."""
    scope: dict[str, Any] = getattr(func, "__globals__", {})
    said: Mapping[str, Any] = getattr(func, "__annotations__", {})
    kinds = {name: _kind(_evaluated(a, scope)) for name, a in said.items() if name != "return"}
    found = {name: kind for name, kind in kinds.items() if kind}
    noted: dict[str, str] = getattr(func, _NOTE, {})
    return found | noted


def _kind(annotation: Any) -> str:
    """What an annotation asks for; empty if for nothing, or for a Dataset as well."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    arms = typing.get_args(annotation) if union else (annotation,)
    found = {_KINDS[named] for arm in arms if (named := _named(arm)) in _KINDS}
    return found.pop() if len(found) == 1 else ""


def _named(kind: Any) -> tuple[str, str]:
    library = str(getattr(kind, "__module__", "")).partition(".")[0]
    return library, str(getattr(kind, "__name__", ""))


def _evaluated(said: Any, scope: dict[str, Any]) -> Any:
    """What an annotation that is a text stands for: identity asks this of every function again and
    again, so the text is compiled once."""
    if not isinstance(said, str):
        return said
    code = _compiled(said)
    if code is None:
        return said
    try:
        return eval(code, scope)
    except Exception:  # AWS's package is on Glue alone, so its one frame is known by name
        return _ON_GLUE if _DYNAMIC.fullmatch(said) else said


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> types.CodeType | None:
    try:
        return compile(text, "<annotation>", "eval", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
