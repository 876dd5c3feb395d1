"""Groups -> what is shown: at most about forty boxes, whatever the graph.

Three folds, each used only when the one before leaves too many: runs of reused groups become one
box ("5 reused steps"), groups of one task become one, what was discovered last becomes "12 more".
Only the order of discovery decides, so a box stays what it is while the graph grows.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cellgraph_notebook.calls import Group
from cellgraph_notebook.statuses import group_status

SHOWN_LIMIT: Final = 40


class Shown(NamedTuple):
    """One box: the groups it stands for, the first of which gives it its number."""

    id: int
    name: str
    members: tuple[int, ...]


class Folded(NamedTuple):
    """What is shown: boxes in order of discovery, and the edges between them, by number."""

    shown: tuple[Shown, ...]
    edges: tuple[tuple[int, int], ...]
    box_of: tuple[int, ...]  # number of the box that shows a group


def fold(groups: Sequence[Group], limit: int = SHOWN_LIMIT) -> Folded:
    """Return the boxes for *groups*: at most *limit*, one per group where that is few enough."""
    edges = _flow(groups)
    roots = list(range(len(groups)))
    for step in (_reused_runs, _same_task, _rest(limit)):
        if len(set(roots)) <= limit:
            break
        roots = step(groups, roots, edges)
    return _folded(groups, roots, edges)


def _flow(groups: Sequence[Group]) -> list[tuple[int, int]]:
    """Return the edges in which values flow, as pairs of groups.

    A call that returned an expression is followed by the calls of that expression, and what needs
    its value needs the last of them.
    """
    children: dict[int, set[int]] = {}
    for group in groups:
        if group.parent >= 0:
            children.setdefault(group.parent, set()).add(group.id)
    ends = {parent: _ends(groups, inside) for parent, inside in children.items()}
    edges: dict[tuple[int, int], None] = {}
    for group in groups:
        siblings = children.get(group.parent, set())
        if group.parent >= 0 and not (group.upstream & siblings):
            edges[group.parent, group.id] = None
        for source in sorted(group.upstream):
            for end in _results(source, ends, group):
                edges[end, group.id] = None
    return [edge for edge in edges if edge[0] != edge[1]]


def _ends(groups: Sequence[Group], inside: set[int]) -> list[int]:
    used = {source for number in inside for source in groups[number].upstream}
    return sorted(inside - used)


def _results(source: int, ends: dict[int, list[int]], consumer: Group) -> list[int]:
    """Return the groups whose values *consumer* gets when it waits for *source*."""
    found: list[int] = []
    seen: set[int] = set()
    stack = [source]
    while stack:
        at = stack.pop()
        if at in seen:
            continue
        seen.add(at)
        inside = [n for n in ends.get(at, ()) if n not in seen]
        if not inside or consumer.id in inside or consumer.parent == at:
            found.append(at)
        else:
            stack.extend(inside)
    return sorted(found)


def _reused_runs(
    groups: Sequence[Group], roots: list[int], edges: Sequence[tuple[int, int]]
) -> list[int]:
    """Fold each run of groups that are all reused and follow one another with no branch."""
    after: dict[int, list[int]] = {}
    before: dict[int, int] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
        before[target] = before.get(target, 0) + 1
    reused = [group_status(g.counts) == "reused" for g in groups]
    folded = list(roots)
    for group in groups:
        targets = after.get(group.id, [])
        if len(targets) != 1 or before[targets[0]] != 1 or targets[0] < group.id:
            continue
        if reused[group.id] and reused[targets[0]]:
            folded[targets[0]] = folded[group.id]
    return folded


def _same_task(
    groups: Sequence[Group], roots: list[int], edges: Sequence[tuple[int, int]]
) -> list[int]:
    first: dict[str, int] = {}
    runs = {root for number, root in enumerate(roots) if root != number}
    return [root if root in runs else first.setdefault(groups[root].task, root) for root in roots]


def _rest(
    limit: int,
) -> Callable[[Sequence[Group], list[int], Sequence[tuple[int, int]]], list[int]]:
    """Return the fold that keeps the first boxes and puts the rest into one."""

    def fold_rest(
        groups: Sequence[Group], roots: list[int], edges: Sequence[tuple[int, int]]
    ) -> list[int]:
        boxes = sorted(set(roots))
        kept, more = set(boxes[: limit - 1]), boxes[limit - 1]
        return [root if root in kept else more for root in roots]

    return fold_rest


def _folded(
    groups: Sequence[Group], roots: Sequence[int], edges: Sequence[tuple[int, int]]
) -> Folded:
    members: dict[int, list[int]] = {}
    for number, root in enumerate(roots):
        members.setdefault(root, []).append(number)
    shown = tuple(Shown(root, _name(groups, m), tuple(m)) for root, m in members.items())
    between = dict.fromkeys((roots[a], roots[b]) for a, b in edges)
    return Folded(shown, tuple(e for e in between if e[0] != e[1]), tuple(roots))


def _name(groups: Sequence[Group], members: Sequence[int]) -> str:
    tasks = dict.fromkeys(groups[number].task for number in members)
    if len(tasks) == 1:
        return next(iter(tasks))
    if all(group_status(groups[number].counts) == "reused" for number in members):
        return f"{len(members)} reused steps"
    return f"{len(members)} more"
