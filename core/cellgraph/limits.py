"""Named units that calls share: ``limits={"database": 2}`` lets at most so many run at once."""

from collections import deque
from collections.abc import Collection, Mapping

from cellgraph.node import Node


class Limits:
    """Counts units in use and holds back the calls that would exceed a limit. Owner thread only."""

    def __init__(self, capacity: Mapping[str, int]) -> None:
        self._capacity = dict(capacity)
        self._used: dict[str, int] = {}
        self._waiting: deque[Node] = deque()

    def take(self, node: Node) -> bool:
        """Take the units *node* asks for, or hold it back and return False."""
        if self._fits(node):
            self._count(node, 1)
            return True
        self._waiting.append(node)
        return False

    def release(self, node: Node) -> list[Node]:
        """Give back the units of *node*; return the calls that may start now (units taken)."""
        self._count(node, -1)
        started: list[Node] = []
        still: deque[Node] = deque()
        while self._waiting:
            held = self._waiting.popleft()
            if self._fits(held):
                self._count(held, 1)
                started.append(held)
            else:
                still.append(held)
        self._waiting = still
        return started

    def withdraw(self, keys: Collection[bytes]) -> list[Node]:
        """Forget the calls with these keys that are held back and that no other run waits for;
        return them."""
        withdrawn = [n for n in self._waiting if n.key in keys and n.is_alone]
        self._waiting = deque(n for n in self._waiting if n not in withdrawn)
        return withdrawn

    def drop(self, owner: object) -> list[Node]:
        """Forget the calls of the reduction *owner* that are held back; return them."""
        dropped = [n for n in self._waiting if n.owner is owner]
        self._waiting = deque(n for n in self._waiting if n.owner is not owner)
        return dropped

    def _fits(self, node: Node) -> bool:
        # A name nobody configured is one unit: safe before fast. A call that wants more than there
        # is runs alone rather than never.
        for name, units in (node.definition.options.limits or {}).items():
            capacity = self._capacity.get(name, 1)
            used = self._used.get(name, 0)
            if used and used + units > capacity:
                return False
        return True

    def _count(self, node: Node, sign: int) -> None:
        for name, units in (node.definition.options.limits or {}).items():
            self._used[name] = self._used.get(name, 0) + sign * units
