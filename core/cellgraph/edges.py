"""Task edges: from the code that refers to a task to the identity it has there.

The verified dependencies of a graph record on code. Edges name tasks by `Definition.edge`; they are
noted for a whole run, so a record may hold more of them than its value used, never fewer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cellgraph.definitions import Definition, Definitions
from cellgraph.environment import Environment
from cellgraph.errors import ConfigError, IdentityError
from cellgraph.records import Edge
from cellgraph.scripting import referred
from cellgraph.task import Task

# A reference to a task that came as an argument: its code is in the caller's key, what it reaches
# in its turn is not.
_GIVEN: Final = "given:"


class Edges:
    """The task edges seen in one run."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._root = Environment.root()
        # caller -> reference -> callee
        self._edges: dict[bytes, dict[str, bytes]] = {}
        self._closures: dict[bytes, tuple[Edge, ...]] = {}

    def define(self, task: Task[..., Any]) -> Definition:
        """The task as it is declared. Raises IdentityError."""
        return self._definitions.of(task, self._root)

    def note(self, caller: Definition, name: str, task: Task[..., Any]) -> None:
        """A result of *caller* rests on the task at this reference: of its code, or ``arg:0``."""
        callee = self.define(task)
        if name.startswith("arg:"):
            name = _GIVEN + callee.edge.hex()
        edges = self._edges.setdefault(caller.edge, {})
        if edges.get(name) != callee.edge:
            edges[name] = callee.edge
            self._closures.clear()

    def note_all(self, edges: Iterable[Edge]) -> None:
        """A record whose edges hold has answered."""
        for edge in edges:
            self._edges.setdefault(edge.caller, {})[edge.reference] = edge.callee
            self._closures.clear()

    def below(self, start: bytes) -> tuple[Edge, ...]:
        """Every edge below the task *start* seen so far: at least those its value depends on."""
        known = self._closures.get(start)
        if known is None:
            edges: list[Edge] = []
            seen = {start}
            queue = [start]
            for caller in queue:
                for name, callee in self._edges.get(caller, {}).items():
                    edges.append(Edge(caller, name, callee))
                    if callee not in seen:
                        seen.add(callee)
                        queue.append(callee)
            known = self._closures[start] = tuple(edges)
        return known

    def hold(self, edges: Sequence[Edge], roots: Iterable[Definition]) -> bool:
        """Whether every edge, followed from *roots*, still leads to the same identity."""
        known = {d.edge: d for d in roots}
        waiting = edges
        while waiting:
            later: list[Edge] = []
            for edge in waiting:
                caller = known.get(edge.caller)
                given = edge.reference.startswith(_GIVEN)
                if caller is None or (given and edge.callee not in known):
                    later.append(edge)  # another edge may lead there
                elif not given:
                    callee = self._callee(caller, edge.reference)
                    if callee is None or callee.edge != edge.callee or not callee.reproducible:
                        return False
                    known[callee.edge] = callee
            if len(later) == len(waiting):
                return False
            waiting = later
        return True

    def _callee(self, caller: Definition, reference: str) -> Definition | None:
        task = reached(caller).get(reference) or referred(reference)
        if task is None:
            return None
        try:
            return self.define(task)
        except (ConfigError, IdentityError):  # said when it is called
            return None


def reached(definition: Definition) -> Mapping[str, Task[..., Any]]:
    """Every task that the code of *definition* reaches, itself included, by reference."""
    identity = definition.identity
    names: dict[str, Any] = {} if identity is None else {t.ref: t.task for t in identity.tasks}
    return names
