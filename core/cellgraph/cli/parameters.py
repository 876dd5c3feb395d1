"""`--param name=value`, and where the values go."""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.suggest import closest

TAG = "parameters"  # the tag by which papermill finds a notebook's parameters


def parse(given: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value``; a value is a Python literal, or else text. Raises ConfigError."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f"--param {text!r}: expected name=value")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def assigned(source: str) -> set[str]:
    """The names that a cell assigns at its top level."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {t.id for t in targets if isinstance(t, ast.Name)}
    return names


def check_known(params: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise ConfigError, with the closest known name, for a parameter that is not *known*."""
    names = set(known)
    for name in params:
        if name not in names:
            raise ConfigError(f"no parameter {name!r}{closest(name, names)}")


def as_cell(params: Mapping[str, Any]) -> str:
    """The source of the cell that sets *params*."""
    return "\n".join(f"{name} = {value!r}" for name, value in params.items())
