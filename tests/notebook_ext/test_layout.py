"""The layout: nothing overlaps, no edge crosses a box, everything fits, boxes stay put."""

import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellgraph_notebook.layout import WIDTH, Box, Layout, Placed, layout
from cellgraph_notebook.ordering import acyclic, layers_of

Edges = list[tuple[int, int]]


def boxes(number: int, width: float = 130.0) -> list[Box]:
    return [Box(n, width) for n in range(number)]


def chain(length: int) -> Edges:
    return [(n, n + 1) for n in range(length - 1)]


def at(drawn: Layout) -> dict[int, Placed]:
    return {placed.id: placed for placed in drawn.boxes}


def sampled(path: str) -> list[tuple[float, float]]:
    """Points along an SVG path of M, L, Q and C commands with absolute coordinates."""
    here = (0.0, 0.0)
    points: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLQC])([^MLQC]*)", path):
        flat = [float(n) for n in re.findall(r"-?[\d.]+", numbers)]
        controls: list[tuple[float, float]] = [here, *zip(flat[::2], flat[1::2], strict=True)]
        if command == "M":
            controls = controls[1:]
        for step in range(21):
            level: list[tuple[float, float]] = controls
            while len(level) > 1:  # de Casteljau
                t = step / 20
                level = [
                    (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(level)
                ]
            points.append(level[0])
        here = controls[-1]
    return points


def inside(point: tuple[float, float], box: Placed) -> bool:
    x, y = point
    return box.x + 1 < x < box.x + box.width - 1 and box.y + 1 < y < box.y + box.height - 1


def check(drawn: Layout) -> None:
    """What must hold for every picture."""
    for a, b in combinations(drawn.boxes, 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x
        above = a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart or above, (a, b)
    for box in drawn.boxes:
        assert box.x >= 0 and box.x + box.width <= drawn.width
        assert box.y >= 0 and box.y + box.height <= drawn.height
    for line in drawn.lines:
        points = sampled(line.path)
        source, target = at(drawn)[line.source], at(drawn)[line.target]
        middle = source.y + source.height / 2
        assert points[0] == pytest.approx((source.x + source.width, middle), abs=0.11)
        assert points[-1] == pytest.approx((target.x, target.y + target.height / 2), abs=0.11)
        for point in points:
            assert not any(inside(point, box) for box in drawn.boxes), (line, point)
            assert -1 <= point[0] <= drawn.width + 1 and -1 <= point[1] <= drawn.height + 1


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], Edges]:
    number = draw(st.integers(1, 24))
    widths = draw(st.lists(st.integers(90, 186), min_size=number, max_size=number))
    pairs = st.tuples(st.integers(0, number - 1), st.integers(0, number - 1))
    edges = draw(st.lists(pairs, max_size=2 * number))
    return [Box(n, float(width)) for n, width in enumerate(widths)], edges


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_no_overlap_and_no_edge_through_a_box(graph: tuple[list[Box], Edges]) -> None:
    drawn = layout(*graph)
    check(drawn)
    assert {box.id for box in drawn.boxes} == {box.id for box in graph[0]}
    assert drawn == layout(*graph)


def test_edges_run_from_left_to_right_within_a_band() -> None:
    drawn = layout(boxes(5), [(0, 2), (1, 2), (2, 3), (2, 4)])
    place = at(drawn)
    for line in drawn.lines:
        assert place[line.source].x < place[line.target].x


def test_a_long_edge_goes_round_the_boxes_between() -> None:
    drawn = layout(boxes(3), [(0, 1), (1, 2), (0, 2)])
    check(drawn)
    assert {(line.source, line.target) for line in drawn.lines} == {(0, 1), (1, 2), (0, 2)}


def test_a_long_chain_goes_on_below_like_words_of_a_line() -> None:
    drawn = layout(boxes(14), chain(14))
    check(drawn)
    place = at(drawn)
    rows = sorted({box.y for box in drawn.boxes})
    assert len(rows) == 3
    assert place[0].y < place[5].y <= place[6].y < place[13].y
    assert place[0].x == min(box.x for box in drawn.boxes if box.y == place[6].y)


def test_what_fits_side_by_side_is_one_band() -> None:
    place = at(layout(boxes(5, 140.0), chain(5)))
    assert len({box.y for box in place.values()}) == 1


def test_a_source_stands_next_to_what_it_feeds() -> None:
    edges = [(0, 1), (1, 2), (3, 2)]
    assert layers_of([0, 1, 2, 3], edges) == {0: 0, 1: 1, 2: 2, 3: 1}


def test_crossings_that_can_be_avoided_are_avoided() -> None:
    place = at(layout(boxes(6), [(0, 5), (1, 4), (2, 3)]))
    left = sorted((0, 1, 2), key=lambda n: place[n].y)
    right = sorted((5, 4, 3), key=lambda n: place[n].y)
    assert [{0: 5, 1: 4, 2: 3}[n] for n in left] == right


def test_cycles_are_drawn_once_and_do_not_hang() -> None:
    assert acyclic([0, 1, 2], [(0, 1), (1, 2), (2, 0), (1, 1)]) == [(0, 1), (1, 2), (0, 2)]
    check(layout(boxes(3), [(0, 1), (1, 2), (2, 0), (1, 1)]))


@given(graphs(), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_boxes_keep_their_order_when_others_are_added(
    graph: tuple[list[Box], Edges], more: int
) -> None:
    known, edges = graph
    before = layout(known, edges)
    size = len(known)
    new = [Box(size + n, 120.0) for n in range(more)]
    # Each new box is fed by an old one: no old box changes its layer.
    after = layout(
        [*known, *new], [*edges, *((n % size, size + n) for n in range(more))], earlier=before
    )
    check(after)
    was, now = at(before), at(after)
    kept = layers_of([b.id for b in known], acyclic([b.id for b in known], edges))
    again = layers_of(
        [b.id for b in (*known, *new)],
        acyclic(
            [b.id for b in (*known, *new)], [*edges, *((n % size, size + n) for n in range(more))]
        ),
    )
    for a, b in combinations(was, 2):
        if kept[a] == kept[b] == again[a] == again[b] and was[a].y < was[b].y:
            assert now[a].y < now[b].y


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert layout([], []) == Layout(WIDTH, 0.0, (), ())
