"""The quickstart notebook, cut to the analysis before minute five: as it is, and as edited.

The notebook is the source. Its cells tell their part by tags: `helper` defines the helper,
`edited-helper` is the same cell as edited, `evaluate` evaluates the analysis, `figure` plots it.
"""

import copy
import difflib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cellgraph
from cellgraph.cli import notebooks
from cellgraph.errors import ConfigError

NAME: Final = "01_quickstart.ipynb"
_NEEDS: Final = {
    "matplotlib": "matplotlib",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
}


@dataclass(frozen=True, slots=True)
class Quickstart:
    """Two notebooks that differ in one cell, and that difference."""

    plain: notebooks.Notebook
    edited: notebooks.Notebook
    before: str  # source of the helper
    after: str

    def diff(self) -> list[str]:
        """The edit, line by line: "  same", "- gone", "+ new"."""
        lines = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        return [line for line in lines if not line.startswith("?")]


def load() -> Quickstart:
    """Read the notebook. Raises ConfigError if it, or a package it imports, is not there."""
    missing = [name for module, name in _NEEDS.items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"the demo needs {', '.join(missing)}: pip install 'cellgraph[demo]', then run it again"
        )
    whole = notebooks.read(_path())
    cells = whole["cells"]
    edit = notebooks.tagged(cells, "edited-helper")
    helper = notebooks.tagged(cells, "helper")
    plain = copy.deepcopy(whole)
    plain["cells"] = plain["cells"][:edit]
    edited = copy.deepcopy(plain)
    before, after = cells[helper]["source"], cells[edit]["source"]
    edited["cells"][helper]["source"] = after
    return Quickstart(plain, edited, before, after)


def _path() -> Path:
    """The checkout's notebook, or the one that was installed with the package."""
    checkout = Path(cellgraph.__file__).parents[2] / "examples" / "notebooks" / NAME
    if checkout.is_file():
        return checkout
    try:
        installed = [f for f in files("cellgraph") or () if f.name == NAME]
    except PackageNotFoundError:
        installed = []
    for file in installed:
        path = Path(str(file.locate()))
        if path.is_file():
            return path
    raise ConfigError(f"{NAME} did not come with this installation: reinstall cellgraph")
