"""What a box of the graph says and how wide it is: the same live and settled."""

from math import ceil
from typing import Final, NamedTuple

from cellgraph_notebook.layout import EMPTY, Box, Layout, layout
from cellgraph_notebook.palette import fit, text_width
from cellgraph_notebook.snapshot import GroupState, Snapshot
from cellgraph_notebook.wording import count, group_lines

NAME_PX: Final = 12.0
SUB_PX: Final = 11.0
PAD: Final = 11.0
_GLYPH: Final = 16.0
_BETWEEN: Final = 10.0
_NARROWEST: Final = 116.0
_WIDEST: Final = 186.0
_CHIP: Final = 64.0
# Calls run on threads of this machine unless a task says otherwise: no need to say it in each box.
_UNSAID: Final = ("", "thread", "local")


class Caption(NamedTuple):
    """The texts of a box that do not change while it runs, cut to its width."""

    name: str
    chip: str


def chip(group: GroupState) -> str:
    """Return the executor as shown in a corner of the box; empty for the default one."""
    return "" if group["executor"] in _UNSAID else fit(group["executor"], _CHIP, SUB_PX)


def box(group: GroupState) -> Box:
    """Return how wide *group* is drawn. It depends on nothing that changes when calls finish."""
    corner = chip(group)
    first = _GLYPH + text_width(group["name"], NAME_PX, bold=True)
    first += _BETWEEN + text_width(corner, SUB_PX) if corner else 0.0
    number = count(group["size"])
    several = (f"{number} of {number} · 99 ✕", f"×{number} · 99 h 59 min")
    lines = several if group["size"] > 1 else ("waits for 9",)
    wide = max(first, *(text_width(line, SUB_PX) for line in lines)) + 2 * PAD
    return Box(group["id"], ceil(min(max(wide, _NARROWEST), _WIDEST)))


def caption(group: GroupState, width: float) -> Caption:
    """Return the texts of a box *width* wide."""
    corner = chip(group)
    room = width - 2 * PAD - _GLYPH - (_BETWEEN + text_width(corner, SUB_PX) if corner else 0.0)
    return Caption(fit(group["name"], room, NAME_PX, bold=True), corner)


def second_line(group: GroupState, width: float, *, planned: bool = False) -> str:
    """Return the line under the name in a box *width* wide: the longest wording that fits."""
    room = width - 2 * PAD + 4
    lines = group_lines(group, planned=planned)
    fitting = [line for line in lines if text_width(line, SUB_PX) <= room]
    return fitting[0] if fitting else fit(lines[-1], room, SUB_PX)


class Picture:
    """The layout of one run's graph, kept from snapshot to snapshot."""

    def __init__(self) -> None:
        self.drawn = EMPTY
        self._boxes: list[Box] = []
        self._edges: list[tuple[int, int]] = []

    def draw(self, snapshot: Snapshot) -> Layout:
        """Return the layout of a whole *snapshot*: anew only if boxes or edges are other ones."""
        boxes = [box(group) for group in snapshot["groups"]]
        if (boxes, snapshot["edges"]) != (self._boxes, self._edges):
            self.drawn = layout(boxes, snapshot["edges"], earlier=self.drawn)
            self._boxes, self._edges = boxes, snapshot["edges"]
        return self.drawn
