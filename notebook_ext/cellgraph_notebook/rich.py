"""How the core's facts are shown where pictures can be: by type, for IPython's formatters.

The types are named, not imported: loading the extension must be quick.
"""

from typing import Any, Final

_LINEAGE: Final = ("cellgraph.origins", "Lineage")


def install(shell: Any) -> None:
    """Show a lineage as a picture."""
    shell.display_formatter.mimebundle_formatter.for_type_by_name(*_LINEAGE, _lineage)


def remove(shell: Any) -> None:
    """Show it as text again."""
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.pop(".".join(_LINEAGE), None)


def _lineage(lineage: Any, include: Any = None, exclude: Any = None) -> Any:
    from cellgraph_notebook.lineage_view import lineage_bundle

    return tuple(lineage_bundle(lineage))
