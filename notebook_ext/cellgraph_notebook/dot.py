"""The graph as DOT source, for whoever has Graphviz. Nothing here needs the `dot` program."""

from typing import Any, Final

import graphviz  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # untyped

from cellgraph_notebook import wording
from cellgraph_notebook.palette import STATUS
from cellgraph_notebook.snapshot import Snapshot

_STYLE: Final = {"waiting": "rounded,dashed", "skipped": "rounded,dotted"}


def dot_source(snapshot: Snapshot) -> str:
    """Return the DOT source of a whole snapshot, one node per group, left to right."""
    planned = snapshot["status"] == "planned"
    graph: Any = graphviz.Digraph(
        comment=snapshot["label"],
        graph_attr={"rankdir": "LR"},
        node_attr={"shape": "box", "style": "rounded", "fontname": "sans-serif"},
    )
    for group in snapshot["groups"]:
        line = wording.group_lines(group, planned=planned)[0]
        graph.node(
            f"g{group['id']}",
            graphviz.escape(f"{group['name']}\n{line}".strip()),
            color=STATUS[group["status"]],
            style=_STYLE.get(group["status"], "rounded"),
        )
    for source, target in snapshot["edges"]:
        graph.edge(f"g{source}", f"g{target}")
    return str(graph.source)
