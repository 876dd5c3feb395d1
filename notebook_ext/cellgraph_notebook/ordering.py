"""The combinatorial half of the layout: layers, dummy points and their order in each layer.

The method is Sugiyama's: longest-path layers, a dummy point in every layer that a long edge passes,
barycentre sweeps against crossings. Everything is decided by the order of the arguments.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

Edge = tuple[int, int]
_SWEEPS: Final = 6
_END: Final = -1


class Point(NamedTuple):
    """A place in a layer: box `id`, or the dummy through which edges of box `id` pass."""

    layer: int
    id: int
    dummy: bool


class Ordered(NamedTuple):
    """The points of each layer, top to bottom, the links between layers, the way of each edge."""

    layers: list[list[Point]]
    links: list[tuple[Point, Point]]
    ways: dict[Edge, list[Point]]


def acyclic(nodes: Sequence[int], edges: Iterable[Edge]) -> list[Edge]:
    """Return *edges* with those that close a cycle turned round, without doubles and loops."""
    after: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        after[source].append(target)
    done: set[int] = set()
    kept: dict[Edge, None] = {}
    for root in nodes:
        if root in done:
            continue
        path = {root}
        stack = [(root, iter(after[root]))]
        while stack:
            node, targets = stack[-1]
            target = next(targets, _END)
            if target == _END:
                stack.pop()
                path.discard(node)
                done.add(node)
            elif target in path:
                kept.setdefault((target, node), None)
            else:
                kept[node, target] = None
                if target not in done:
                    path.add(target)
                    stack.append((target, iter(after[target])))
    return [edge for edge in kept if edge[0] != edge[1]]


def layers_of(nodes: Sequence[int], edges: Sequence[Edge]) -> dict[int, int]:
    """Return the layer of each node: the longest path to it, or just before what it alone feeds."""
    before: dict[int, list[int]] = {node: [] for node in nodes}
    after: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    missing = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not missing[node]]
    layer = dict.fromkeys(nodes, 0)
    for node in ready:  # grows while it is read
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for node in nodes:
        if not before[node] and after[node]:
            layer[node] = min(layer[target] for target in after[node]) - 1
    return layer


def order(nodes: Sequence[int], edges: Sequence[Edge], earlier: Mapping[int, float]) -> Ordered:
    """Return the points of each layer in order.

    *earlier* are the heights of boxes in a layout already shown: where there is one, what it has
    keeps its order and only what is new finds a place. *edges* must be acyclic.
    """
    layer = layers_of(nodes, edges)
    ways, links = _ways(edges, layer)
    layers: list[list[Point]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        layers[layer[node]].append(Point(layer[node], node, dummy=False))
    for point in dict.fromkeys(point for way in ways.values() for point in way if point.dummy):
        layers[point.layer].append(point)
    start = [_placed(points, earlier) for points in layers] if earlier else layers
    return Ordered(_swept(start, links, earlier), links, ways)


def _ways(
    edges: Sequence[Edge], layer: Mapping[int, int]
) -> tuple[dict[Edge, list[Point]], list[tuple[Point, Point]]]:
    """Return the way of each edge, one point a layer. Edges from one box share their dummies."""
    ways: dict[Edge, list[Point]] = {}
    links: dict[tuple[Point, Point], None] = {}
    for source, target in edges:
        way = [Point(layer[source], source, dummy=False)]
        way += [Point(at, source, dummy=True) for at in range(layer[source] + 1, layer[target])]
        way.append(Point(layer[target], target, dummy=False))
        ways[source, target] = way
        links.update(dict.fromkeys(pairwise(way)))
    return ways, list(links)


def _placed(points: list[Point], earlier: Mapping[int, float]) -> list[Point]:
    """Return *points* with those shown before first, in the order in which they were shown."""
    return sorted(points, key=lambda p: (p.dummy, p.id not in earlier, earlier.get(p.id, 0.0)))


def _swept(
    layers: list[list[Point]], links: Sequence[tuple[Point, Point]], earlier: Mapping[int, float]
) -> list[list[Point]]:
    before: dict[Point, list[Point]] = {}
    after: dict[Point, list[Point]] = {}
    for source, target in links:
        after.setdefault(source, []).append(target)
        before.setdefault(target, []).append(source)
    best, fewest = layers, crossings(layers, after)
    current = layers
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        current = _sweep(current, before if down else after, earlier, forwards=down)
        number = crossings(current, after)
        if number < fewest:
            best, fewest = current, number
    return best


def _sweep(
    layers: list[list[Point]],
    neighbours: Mapping[Point, Sequence[Point]],
    earlier: Mapping[int, float],
    *,
    forwards: bool,
) -> list[list[Point]]:
    """Return *layers* with each ordered by where its points' neighbours are."""
    result = list(layers)
    at: dict[Point, float] = {}
    for number in range(len(layers)) if forwards else range(len(layers) - 1, -1, -1):
        points = result[number]
        own = {point: _fraction(index, len(points)) for index, point in enumerate(points)}
        wish = {p: _mean([at[n] for n in neighbours.get(p, ())], own[p]) for p in points}
        ordered = sorted(points, key=wish.__getitem__)
        result[number] = _keep(ordered, earlier)
        at.update({p: _fraction(i, len(points)) for i, p in enumerate(result[number])})
    return result


def _keep(points: list[Point], earlier: Mapping[int, float]) -> list[Point]:
    """Return *points* with the boxes that were shown before in the order they were shown in."""
    old = [p for p in points if not p.dummy and p.id in earlier]
    again = iter(sorted(old, key=lambda p: earlier[p.id]))
    shown = set(old)
    return [next(again) if p in shown else p for p in points]


def _fraction(index: int, size: int) -> float:
    return (index + 0.5) / size


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def crossings(layers: Sequence[Sequence[Point]], after: Mapping[Point, Sequence[Point]]) -> int:
    """Return how many pairs of links cross."""
    total = 0
    for points, below in pairwise(layers):
        index = {point: n for n, point in enumerate(below)}
        seen: list[int] = []
        for point in points:
            targets = sorted(index[target] for target in after.get(point, ()))
            total += sum(len(seen) - bisect_left(seen, target + 1) for target in targets)
            for target in targets:
                insort(seen, target)
    return total
