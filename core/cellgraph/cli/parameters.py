"""`--param name=value`, and where the values go."""

import ast
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cellgraph.exported.declared import parameters_in
from cellgraph.exported.params import literal, parse, read_said

__all__ = ["as_cell", "cell_of", "checked", "literal", "parse"]

MAGIC = "%%params"
TAG = "parameters"  # the tag by which papermill finds a notebook's parameters


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
    return read_said(parameters_in(ast.parse("\n" + body), "the parameters cell"), given)


def as_cell(params: Mapping[str, Any]) -> str:
    """The source of the cell that sets *params*."""
    dated = any(isinstance(value, date) for value in params.values())
    lines = ["import datetime"] if dated else []
    return "\n".join([*lines, *(f"{name} = {value!r}" for name, value in params.items())])
