"""`--param name=value`, and where the values go."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from cellgraph.errors import ConfigError
from cellgraph.exported.declared import parameters_in
from cellgraph.exported.params import read_all

MAGIC = "%%params"
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


def cell_of(cells: Sequence[Mapping[str, Any]]) -> int:
    """Index of the notebook's parameters cell: ``%%params``, or papermill's tag; -1: none."""
    for index, cell in enumerate(cells):
        tags = cell.get("metadata", {}).get("tags", ())
        if cell["cell_type"] == "code" and (TAG in tags or cell["source"].startswith(MAGIC)):
            return index
    return -1


def checked(source: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """*given* as the parameters cell *source* declares it.

    Raises ExportError with the closest name, the type or the choices.
    """
    body = source.partition("\n")[2] if source.startswith(MAGIC) else source
    return read_all(parameters_in(ast.parse("\n" + body), "the parameters cell"), given)


def as_cell(params: Mapping[str, Any]) -> str:
    """The source of the cell that sets *params*."""
    dated = any(isinstance(value, date) for value in params.values())
    lines = ["import datetime"] if dated else []
    return "\n".join([*lines, *(f"{name} = {value!r}" for name, value in params.items())])
