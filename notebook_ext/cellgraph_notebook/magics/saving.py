"""A graph as a file, for ``--save``."""

from pathlib import Path
from typing import Final

from cellgraph_notebook.magics.arguments import refuse
from cellgraph_notebook.snapshot import Snapshot

SAVED_AS: Final = (".svg", ".dot")


def check_target(target: str) -> None:
    """Refuse a name that says no format."""
    if Path(target).suffix not in SAVED_AS:
        refuse(f"--save {target}: the name must end in {' or '.join(SAVED_AS)}")


def save_graph(snapshot: Snapshot, target: str) -> None:
    """Write the graph of *snapshot* and say so."""
    check_target(target)
    path = Path(target).expanduser()
    if path.suffix == ".dot":
        from cellgraph_notebook.dot import dot_source

        text = dot_source(snapshot)
    else:
        from cellgraph_notebook.svg import graph_svg

        text = graph_svg(snapshot)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        refuse(f"--save {path}: {error.strerror}")
    print(f"saved {path}")
