"""A run while it is being reduced: its reduction, its cache, what it has met."""

from collections.abc import Callable, Mapping
from typing import Any

from cellgraph.audit import Audit
from cellgraph.budget import Budget
from cellgraph.cache import Cache, Found
from cellgraph.definitions import Definition
from cellgraph.node import Node
from cellgraph.recent import Samples
from cellgraph.reduce import Reduction
from cellgraph.run import Run
from cellgraph.surroundings import Wanted


class Tally:
    """What one task did in a run."""

    __slots__ = ("executed", "name", "reused", "seconds")

    def __init__(self, name: str) -> None:
        self.name = name
        self.executed = 0
        self.reused = 0
        self.seconds = 0.0


class Active:
    """What the owner thread holds for a run that has not ended."""

    __slots__ = (
        "altered",
        "asked",
        "asks_for",
        "audit",
        "audited",
        "budget",
        "cache",
        "cancelled",
        "ended",
        "graph_key",
        "graph_roots",
        "jobs",
        "kept_failures",
        "lets_go",
        "misses",
        "ran",
        "reasons",
        "reduction",
        "root",
        "run",
        "samples",
        "state_changed",
        "stopping",
        "tasks",
        "then",
        "waiting",
    )

    def __init__(
        self, run: Run, reduction: Reduction, cache: Cache, asked: Mapping[str, Any]
    ) -> None:
        self.run = run
        self.reduction = reduction
        reduction.active = self
        self.cache = cache
        self.asked = asked  # how evaluate was called
        self.audit: Audit = asked["audit"]
        self.audited: dict[int, Found] = {}  # call -> what is stored of a hit that runs again
        self.altered: set[int] = set()  # calls that began when their code was not as their key says
        self.budget: Budget = asked["budget"]
        self.root: Node | None = None
        self.graph_key = b""
        self.graph_roots: tuple[bytes, ...] = ()  # ids of the tasks that the expression names
        self.state_changed: set[str] = set()  # tasks that changed what they read
        self.jobs: set[int] = set()  # handed to executors and not yet answered
        self.cancelled = False
        self.lets_go = False  # what runs on other machines goes on there
        self.stopping = False
        self.ended = False  # whoever waited has been told: nothing more is said or counted
        self.misses: dict[bytes, int] = {}  # task id -> calls that had to run
        self.reasons: dict[bytes, tuple[str, str]] = {}  # task id -> its name, why it ran
        self.samples: dict[bytes, Samples] = {}  # task id -> some of those calls
        self.tasks: dict[bytes, Tally] = {}
        self.ran: list[Node] = []  # calls that returned
        self.kept_failures = 0
        self.asks_for: Wanted | None = None  # its root describes an environment ...
        self.then: Callable[[], None] | None = None  # ... and this begins the run itself
        self.waiting: list[Node] = []  # not to be started before all there is has been looked up

    def tally(self, definition: Definition) -> Tally:
        """The account of one task."""
        found = self.tasks.get(definition.id)
        if found is None:
            found = self.tasks[definition.id] = Tally(definition.name)
        return found
