"""Calls -> groups: what a reader would call one step, whether it is one call or ten thousand.

Fan-out siblings (the same task over the same upstream groups, from the same body) are one group,
and so is a chain, a tree or a recursion of one task.
"""

from collections.abc import Sequence
from typing import Final

from cellgraph.events import CallAdded, CallLinked
from cellgraph_notebook.calls import Calls, Group

# Beyond so many groups a new one is opened per task only; beyond twice as many, none.
GROUP_LIMIT: Final = 300
OTHER: Final = "other tasks"
_Signature = tuple[str, int, frozenset[int]]


class Grouping:
    """Puts the calls of one run into groups, in `calls`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._memo: dict[_Signature, Group] = {}
        self._newest: dict[str, Group] = {}
        self._named: dict[str, int] = {}
        self._awaited: dict[int, set[int]] = {}
        # group -> its calls that were linked, and the groups that they wait for
        self._linked: dict[int, tuple[set[int], set[int]]] = {}
        self._shape = 0  # counts new groups and edges

    def add(self, added: Sequence[CallAdded], revision: int) -> bool:
        """Put calls into groups; return whether a group or an edge is new.

        A call may come before the calls it waits for: within one batch they are put in order here,
        across batches the edge is added when the awaited call appears.
        """
        shape = self._shape
        self._calls.reserve(max(added[0].call, added[-1].call) + 1 if added else 0)
        at = self._place(added, 0, revision)
        if at < len(added):
            rest, at = upstream_first(added[at:]), 0
            while (at := self._place(rest, at, revision)) < len(rest):
                self._place_now(rest[at], revision)
                at += 1
        return self._shape != shape

    def link(self, linked: Sequence[CallLinked]) -> bool:
        """Calls wait for others than was said; return whether an edge is another one.

        What was said first goes once this is known of every call of a group.
        """
        shape, group_of = self._shape, self._calls.group_of
        for call, upstream in linked:
            number = group_of[call] if call < len(group_of) else -1
            if number < 0:
                continue
            group = self._calls.groups[number]
            ups = {group_of[u] for u in upstream if u < len(group_of) and group_of[u] >= 0}
            calls, sources = self._linked.setdefault(number, (set(), set()))
            calls.add(call)
            sources |= ups - {number}
            if len(calls) < group.size:
                self._join(group, frozenset(ups))
            elif group.upstream != sources:
                group.upstream = set(sources)
                self._shape += 1
        return self._shape != shape

    def _place(self, added: Sequence[CallAdded], start: int, revision: int) -> int:
        """Place calls from *start* to the first whose upstream calls are not all known.

        Returns the number of that call, or how many calls there are.
        """
        calls, memo, awaited = self._calls, self._memo, self._awaited
        group_of, index_of, status = calls.group_of, calls.index_of, calls.status
        look_up = group_of.__getitem__
        group = Group(-1, "", "", "", -1)
        before: tuple[str, str, tuple[int, ...], int] = ("", "", (), -1)
        for number in range(start, len(added)):
            call, task, executor, upstream, parent = added[number]
            if call >= len(group_of):
                calls.reserve(call + 1)
            elif group_of[call] >= 0:
                continue
            said = (task, executor, upstream, parent)
            if said != before:  # siblings come one after the other
                try:
                    ups = frozenset(map(look_up, upstream))
                except IndexError:
                    return number
                if -1 in ups:
                    return number
                over = look_up(parent) if 0 <= parent < len(group_of) else -1
                known, before = memo.get((task, over, ups)), said
                if known is None or known.executor != executor:
                    known = self._group((task, over, ups), executor)
                group = known
            group_of[call] = group.id
            index_of[call] = group.size
            group.size += 1
            group.counts[status[call]] += 1
            group.revision = revision
            if awaited and call in awaited:
                self._arrived(call, group.id)
        return len(added)

    def _place_now(self, added: CallAdded, revision: int) -> None:
        """Place a call with what is known, and note what it still waits for."""
        group_of = self._calls.group_of
        seen = len(group_of)
        known = [u for u in added.upstream if u < seen and group_of[u] >= 0]
        self._place([added._replace(upstream=tuple(known))], 0, revision)
        for call in set(added.upstream) - set(known):
            self._awaited.setdefault(call, set()).add(group_of[added.call])

    def _arrived(self, call: int, group: int) -> None:
        for waiting in self._awaited.pop(call):
            self._join(self._calls.groups[waiting], frozenset((group,)))

    def _group(self, signature: _Signature, executor: str) -> Group:
        task, parent, ups = signature
        group = self._memo.get(signature) or self._same_task(task, parent, ups) or self._full(task)
        if group is None:
            group = self._open(task, executor, parent)
        elif executor not in group.executor.split(", "):
            group.executor = f"{group.executor}, {executor}"
        self._join(group, ups)
        if len(self._memo) < 20 * GROUP_LIMIT:
            self._memo[signature] = group
        return group

    def _join(self, group: Group, upstream: frozenset[int]) -> None:
        new = upstream - group.upstream - {group.id}
        if new:
            group.upstream |= new
            self._shape += 1

    def _same_task(self, task: str, parent: int, upstream: frozenset[int]) -> Group | None:
        """Return the group that a recursion (same task above) or a chain (upstream) joins."""
        groups = self._calls.groups
        while parent >= 0:
            above = groups[parent]
            if above.task == task:
                return above
            parent = above.parent
        same = [number for number in sorted(upstream) if groups[number].task == task]
        return groups[same[0]] if same else None

    def _full(self, task: str) -> Group | None:
        """Return the group to join when there are too many to open another."""
        groups = self._calls.groups
        if len(groups) < GROUP_LIMIT:
            return None
        if task in self._newest or len(groups) < 2 * GROUP_LIMIT:
            return self._newest.get(task)
        return self._newest.get(OTHER) or self._open(OTHER, "", -1)

    def _open(self, task: str, executor: str, parent: int) -> Group:
        times = self._named[task] = self._named.get(task, 0) + 1
        key = task if times == 1 else f"{task}~{times}"
        group = Group(len(self._calls.groups), key, task, executor, parent)
        self._calls.groups.append(group)
        self._shape += 1
        self._newest[task] = group
        return group


def upstream_first(added: Sequence[CallAdded]) -> list[CallAdded]:
    """Return the calls with each after those it waits for, otherwise in their order."""
    waiting = {one.call: one for one in added}
    opened: set[int] = set()
    ordered: list[CallAdded] = []
    for root in added:
        stack = [root]
        while stack:
            one = stack.pop()
            if one.call not in opened:
                opened.add(one.call)
                stack.append(one)
                upstream = (waiting.get(u) for u in reversed(one.upstream) if u not in opened)
                stack.extend(u for u in upstream if u is not None)
            elif waiting.pop(one.call, None) is not None:
                ordered.append(one)
    return ordered
