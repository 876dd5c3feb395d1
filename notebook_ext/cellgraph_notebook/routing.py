"""The path of one edge: smooth through its points, round the margin where it changes bands."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_EDGE: Final = 6.0  # between a lane and the border of the picture
_BELOW: Final = 8.0  # between the boxes of a band and the first lane under them
_RADIUS: Final = 6.0


class Spot(NamedTuple):
    """Where an edge enters (`x`) and leaves (`x + width`) a column, at height `y`, in a band."""

    x: float
    width: float
    y: float
    band: int


def route(
    way: Sequence[Spot], bottoms: Sequence[float], lane: int, lanes: int, width: float
) -> str:
    """Return the SVG path from the right side of the first spot to the left side of the last.

    *bottoms* is the lower end of each band. A *lane* of *lanes* is the edge's own track in the
    margins and between the bands of a picture *width* wide.
    """
    share = lane / max(1, lanes)
    parts = [f"M{_n(way[0].x + way[0].width)},{_n(way[0].y)}"]
    for a, b in pairwise(way):
        start = a.x + a.width
        if a.band == b.band:
            parts.append(_curve(start, a.y, b.x, b.y))
        else:
            down = bottoms[a.band] + _BELOW + 20 * share
            right, left = width - _EDGE - 10 * share, _EDGE + 10 * share
            corners = [(right, a.y), (right, down), (left, down), (left, b.y), (b.x, b.y)]
            parts.append(_round(start, a.y, corners))
        if b is not way[-1]:
            parts.append(f"L{_n(b.x + b.width)},{_n(b.y)}")
    return "".join(parts)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    if abs(y1 - y2) < 0.05:
        return f"L{_n(x2)},{_n(y2)}"
    middle = _n((x1 + x2) / 2)
    return f"C{middle},{_n(y1)} {middle},{_n(y2)} {_n(x2)},{_n(y2)}"


def _round(x: float, y: float, corners: Sequence[tuple[float, float]]) -> str:
    """Return straight lines from x,y along *corners*, each rounded but for the last."""
    parts: list[str] = []
    stops = [(x, y), *corners]
    for (x0, y0), (x1, y1), (x2, y2) in zip(stops, stops[1:], stops[2:], strict=False):
        ax, ay = _towards(x1, y1, x0, y0)
        bx, by = _towards(x1, y1, x2, y2)
        parts.append(f"L{_n(ax)},{_n(ay)}Q{_n(x1)},{_n(y1)} {_n(bx)},{_n(by)}")
    last_x, last_y = corners[-1]
    return "".join(parts) + f"L{_n(last_x)},{_n(last_y)}"


def _towards(x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """Return the point one radius (at most half the way) from x,y towards another."""
    dx, dy = to_x - x, to_y - y
    length = max(abs(dx), abs(dy))
    if not length:
        return x, y
    part = min(_RADIUS, length / 2) / length
    return x + dx * part, y + dy * part


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
