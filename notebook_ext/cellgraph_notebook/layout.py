"""Boxes and edges -> coordinates, left to right, as wide as the page. Pure and deterministic.

Layers that do not fit side by side go on below, like the words of a line. Edges that pass a layer
get a dummy point there, so that no edge runs through a box.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cellgraph_notebook.ordering import Edge, Ordered, Point, acyclic, order
from cellgraph_notebook.routing import Spot, route

WIDTH: Final = 884.0
BOX_HEIGHT: Final = 46.0
_MARGIN: Final = 8.0
_GUTTER: Final = 14.0  # added at both sides when edges go round
_ROW_GAP: Final = 24.0
_DUMMY_GAP: Final = 12.0
_DUMMY_HEIGHT: Final = 2.0
_COLUMN_GAP: Final = (26.0, 56.0)
_BAND_GAP: Final = 34.0
_SWEEPS: Final = 4


class Box(NamedTuple):
    """What is to be placed: a number and a width."""

    id: int
    width: float


class Placed(NamedTuple):
    """A box and its top left corner."""

    id: int
    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """An edge and its path, as the `d` of an SVG path."""

    source: int
    target: int
    path: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in a view of `width` x `height`."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    lines: tuple[Line, ...]


EMPTY: Final = Layout(WIDTH, 0.0, (), ())


def layout(
    boxes: Sequence[Box], edges: Iterable[Edge], *, width: float = WIDTH, earlier: Layout = EMPTY
) -> Layout:
    """Place *boxes*. What *earlier* shows keeps its order in its layer; the rest is put between."""
    if not boxes:
        return Layout(width, 0.0, (), ())
    ids = [box.id for box in boxes]
    ordered = order(ids, acyclic(ids, edges), {p.id: p.y for p in earlier.boxes})
    widths = {box.id: box.width for box in boxes}
    columns = [
        max((widths[p.id] for p in points if not p.dummy), default=0.0) for points in ordered.layers
    ]
    bands = _bands(columns, width)
    side = _MARGIN + (_GUTTER if len(bands) > 1 else 0.0)
    spots: dict[Point, Spot] = {}
    top = _MARGIN
    for number, band in enumerate(bands):
        left = _lefts([columns[n] for n in band], width - 2 * side, side)
        middle = _middles([ordered.layers[n] for n in band], ordered)
        low = min(middle[p] - _height(p) / 2 for p in middle)
        for n, x in zip(band, left, strict=True):
            for p in ordered.layers[n]:
                spots[p] = Spot(x, columns[n], middle[p] - low + top, number)
        top += max(middle[p] + _height(p) / 2 for p in middle) - low + _BAND_GAP
    placed = tuple(
        Placed(p.id, s.x, s.y - BOX_HEIGHT / 2, s.width, BOX_HEIGHT)
        for p, s in spots.items()
        if not p.dummy
    )
    height = top - _BAND_GAP + _MARGIN
    return Layout(width, round(height, 1), placed, _lines(ordered, spots, bands, width))


def _bands(columns: Sequence[float], width: float) -> list[list[int]]:
    """Return the columns of each band: one band if they fit, else as few as possible."""
    if sum(columns) + _COLUMN_GAP[0] * (len(columns) - 1) + 2 * _MARGIN <= width:
        return [list(range(len(columns)))]
    room = width - 2 * (_MARGIN + _GUTTER)
    bands: list[list[int]] = [[]]
    used = -_COLUMN_GAP[0]
    for number, column in enumerate(columns):
        if bands[-1] and used + _COLUMN_GAP[0] + column > room:
            bands.append([])
            used = -_COLUMN_GAP[0]
        bands[-1].append(number)
        used += _COLUMN_GAP[0] + column
    return bands


def _lefts(columns: Sequence[float], room: float, left: float) -> list[float]:
    spare = (room - sum(columns)) / max(1, len(columns) - 1)
    gap = min(max(spare, _COLUMN_GAP[0]), _COLUMN_GAP[1])
    result: list[float] = []
    for column in columns:
        result.append(round(left, 1))
        left += column + gap
    return result


def _height(point: Point) -> float:
    return _DUMMY_HEIGHT if point.dummy else BOX_HEIGHT


def _middles(layers: Sequence[Sequence[Point]], ordered: Ordered) -> dict[Point, float]:
    """Return the height of each point of a band: as near its neighbours as order allows."""
    inside = {point for points in layers for point in points}
    before: dict[Point, list[Point]] = {}
    after: dict[Point, list[Point]] = {}
    for source, target in ordered.links:
        if source in inside and target in inside:
            after.setdefault(source, []).append(target)
            before.setdefault(target, []).append(source)
    middle: dict[Point, float] = {}
    for points in layers:
        middle.update(_spaced(points, {}))
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for points in layers if sweep % 2 == 0 else reversed(layers):
            wish = {
                p: sum(middle[n] for n in near) / len(near)
                for p in points
                if (near := neighbours.get(p))
            }
            middle.update(_spaced(points, {p: wish.get(p, middle[p]) for p in points}))
    return middle


def _spaced(points: Sequence[Point], wish: Mapping[Point, float]) -> dict[Point, float]:
    """Return heights in order, far enough apart, with the least squares of distance to *wish*.

    Subtracting the least distances turns this into isotonic regression (pool adjacent violators).
    """
    offsets: list[float] = []
    at = 0.0
    for n, point in enumerate(points):
        if n:
            near = point.dummy or points[n - 1].dummy
            gap = _DUMMY_GAP if near else _ROW_GAP
            at += gap + (_height(point) + _height(points[n - 1])) / 2
        offsets.append(at)
    centre = at / 2
    pools: list[tuple[float, int]] = []  # sum and number of wishes that share a value
    for point, offset in zip(points, offsets, strict=True):
        total, size = wish.get(point, offset - centre) - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            total, size = total + pools[-1][0], size + pools[-1][1]
            pools.pop()
        pools.append((total, size))
    values = [total / size for total, size in pools for _ in range(size)]
    return {p: v + o for p, v, o in zip(points, values, offsets, strict=True)}


def _lines(
    ordered: Ordered, spots: Mapping[Point, Spot], bands: Sequence[Sequence[int]], width: float
) -> tuple[Line, ...]:
    """Return the paths; edges of one box that go round to the next band share a lane."""
    round_: dict[int, None] = {}
    for way in ordered.ways.values():
        if spots[way[0]].band != spots[way[-1]].band:
            round_[way[0].id] = None
    lanes = {source: n for n, source in enumerate(round_)}
    bottoms = [
        max(spots[p].y + _height(p) / 2 for n in band for p in ordered.layers[n]) for band in bands
    ]
    return tuple(
        Line(a, b, route([spots[p] for p in way], bottoms, lanes.get(a, 0), len(lanes), width))
        for (a, b), way in ordered.ways.items()
    )
