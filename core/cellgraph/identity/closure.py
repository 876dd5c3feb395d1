"""The graph of everything a piece of code reaches, and its digest.

A `Walk` numbers nodes depth first, edges in the order of their labels, and hashes the list of
(number's content, edges). Cycles need no care that way, and a chain of helpers may be as long as it
likes. Names of files, modules, cells and objects never enter.
"""

import functools
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import IdentityError
from cellgraph.identity.body import Body
from cellgraph.identity.packages import Origin
from cellgraph.identity.values import reference
from cellgraph.identity.witness import NOBODY, Witness

_FORMAT: Final = b"cellgraph.closure.1"
NodeKind = Literal[
    "root", "function", "foreign", "class", "module", "source", "instance", "container", "wrapper"
]
ItemKind = Literal["link", "data", "standard", "package", "task", "name", "absent", "annotations"]
# Values held by these are addressed by appending to the holder's own label: ``global:steps[0]``.
_HOLDERS: Final[frozenset[NodeKind]] = frozenset({"container", "instance"})


class Item(NamedTuple):
    """One edge or leaf of a node. `payload` is empty for a link: its target's number counts."""

    kind: ItemKind
    payload: bytes
    target: "Node | None"
    shown: object  # for people: the value of data, the name of the rest


class Node:
    """One function, class, module, ... of a closure. Lives as long as its walk."""

    __slots__ = (
        "body", "doc", "expand", "items", "kind", "local", "name", "number", "parent", "subject",
        "via",
    )  # fmt: skip

    def __init__(
        self, kind: NodeKind, name: str, subject: Any, expand: "Callable[[Walk, Node], None]"
    ) -> None:
        self.kind: NodeKind = kind
        self.name = name  # for people
        self.subject = subject
        self.expand = expand
        self.local = b""  # its own content, set by `expand`; functions with a body leave it empty
        self.doc = b""  # docstring of a class, late one of a function: counts where they are read
        self.items: dict[str, Item] = {}
        self.number = -1  # not visited yet
        self.parent: Node | None = None  # the node it was first found from ...
        self.via = ""  # ... and the label of that edge
        self.body: Body | None = None


class Remedy:
    """Endings of messages: what the user can do."""

    CONSTRUCT: Final = (
        'Declare what it reaches with uses=[...], vouch for the code yourself with version="1" '
        "(and raise it when the code changes), or do not keep the result: cache=False."
    )
    VALUE: Final = (
        "Make it inside the function or pass what it is made from as an argument; or vouch for the "
        "code yourself with version=\"1\", or do not keep the result: cache=False."
    )  # fmt: skip


class Walk:
    """One traversal. *link* decides what a value is and adds it to a node.

    `declared`: the user has declared what cannot be seen (``uses=``), so constructs that hide names
    are accepted. `lenient`: only the tasks are wanted; nothing is an error. `witness` notes what
    the walk looks at.
    """

    def __init__(
        self,
        link: "Callable[[Walk, Node, str, object], None]",
        *,
        declared: bool = False,
        lenient: bool = False,
        witness: Witness = NOBODY,
    ) -> None:
        self._link = link
        self.witness = witness
        self.declared = declared
        self.lenient = lenient
        self.nodes: list[Node] = []
        self.tasks: list[tuple[Node, str, Any]] = []
        self.distributions: dict[str, str] = {}
        self.reads_doc = False  # some code reads __doc__: docstrings count
        self.loose_func = False  # some code reads .func of a value we cannot see: it may be a task
        self._known: dict[object, Node] = {}
        self._alive: list[object] = []  # keys are ids: what they stand for must not go

    # -- building ------------------------------------------------------------------------------

    def link(self, node: Node, label: str, value: object) -> None:
        """Add *value*, whatever it is, to *node* under *label*."""
        self._link(self, node, label, value)

    def known(self, key: object) -> Node | None:
        """Return the node made for *key*."""
        return self._known.get(key)

    def remember(self, key: object, node: Node, *alive: object) -> None:
        """Let *key* stand for *node*; objects whose id is part of the key go in *alive*."""
        self._known[key] = node
        self._alive.extend(alive)

    def attach(self, node: Node, label: str, target: Node) -> None:
        """Add an edge to *target*."""
        if target.parent is None and target is not self.nodes[0]:
            target.parent, target.via = node, label
        node.items[label] = Item("link", b"", target, target.name)

    def leaf(self, node: Node, label: str, kind: ItemKind, payload: bytes, shown: object) -> None:
        """Add something that is known by *payload* alone."""
        node.items[label] = Item(kind, payload, None, shown)

    def data(self, node: Node, label: str, value: object) -> None:
        """Add a value by its content. Raises IdentityError, naming where it was found."""
        if self.lenient:
            return
        try:
            payload = reference(value)
        except IdentityError as error:
            raise IdentityError(
                f"{_held(node, label)} has no identity: {error}\n{Remedy.VALUE}"
            ) from error
        node.items[label] = Item("data", payload, None, value)

    def named(self, node: Node, label: str, origin: Origin, name: str) -> None:
        """Add something of the standard library or of a distribution by its name."""
        if origin.kind == "package":
            self.distributions[origin.distribution] = origin.version
            payload = f"{origin.distribution}\0{name}".encode()
            node.items[label] = Item("package", payload, None, name)
        else:
            node.items[label] = Item("standard", name.encode(), None, name)

    def task(self, node: Node, label: str, task: Any) -> None:
        """Add a reference to a live task: its name and declared options, not its code."""
        said = (str(task.name), tuple(task.identity_options()))
        if not self.lenient:
            node.items[label] = Item("task", reference(said), None, said[0])
        self.tasks.append((node, label, task))

    # -- walking -------------------------------------------------------------------------------

    def run(self, root: Node) -> None:
        """Visit everything reachable from *root*."""
        todo = [root]
        followed = 0
        while todo:
            node = todo.pop()
            if node.number < 0:
                node.number = len(self.nodes)
                self.nodes.append(node)
                node.expand(self, node)
                todo.extend(_unvisited(node))
            if self.reads_doc:  # docstrings can be given at any time
                self.witness.give_up()
            if not todo and self.loose_func:
                self.witness.give_up()
                fresh, followed = self.tasks[followed:], len(self.tasks)
                for holder, label, task in fresh:
                    self.link(holder, f"{label}.func", task.func)
                    todo.extend(_unvisited(holder))

    def digest(self) -> bytes:
        """Digest of the whole closure. Versions of distributions are not part of it."""
        out = [_FORMAT]
        for node in self.nodes:
            local = node.local
            if node.body is not None:
                local += node.body.documented if self.reads_doc else node.body.digest
            if self.reads_doc:
                local += node.doc
            out.append(b"%b %d:%b%d;" % (node.kind.encode(), len(local), local, len(node.items)))
            for label, item in sorted(node.items.items()):
                target = item.target
                payload = item.payload if target is None else b"%d" % target.number
                out.append(b"%b%d:%b" % (_edge(item.kind, label), len(payload), payload))
        return digest(b"".join(out))

    def references(self) -> Iterator[tuple[str, Any]]:
        """Yield every reference to a task, with a label that is unique and stable here."""
        for node, label, task in self.tasks:
            yield address(node, label), task


@functools.lru_cache(maxsize=8192)
def _edge(kind: str, label: str) -> bytes:
    text = label.encode()
    return b"%b %d:%b" % (kind.encode(), len(text), text)


def _unvisited(node: Node) -> list[Node]:
    """Targets not visited yet, so that the first of them in order is popped first."""
    found = [
        (label, item.target)
        for label, item in node.items.items()
        if item.target is not None and item.target.number < 0
    ]
    found.sort(reverse=True)  # labels differ: no two nodes are compared
    return [target for _, target in found]


def address(node: Node, label: str) -> str:
    """Return the path from the task to *label* of *node*: ``helper:prep/global:steps[0]``."""
    parts: list[str] = []
    while node.parent is not None:
        if node.kind in _HOLDERS:
            label = node.via + label
        else:
            parts.append(label)
            label = node.via
        node = node.parent
    if label != "code":  # the task's own function needs no mention
        parts.append(label)
    first, *helpers = parts
    return "/".join([*(f"helper:{_bare(h)}" for h in reversed(helpers)), first])


def _held(node: Node, label: str) -> str:
    """Say where a value was found: ``global cfg.steps[0] of helper clean() (cell 3)``."""
    while node.kind in _HOLDERS and node.parent is not None:
        label, node = node.via + label, node.parent
    return spoken(label) if node.kind == "root" else f"{spoken(label)} of {where(node)}"


def _bare(label: str) -> str:
    kind, _, name = label.partition(":")
    return name if kind in ("global", "attr") else label


def spoken(label: str) -> str:
    """A label as people say it: ``global K``."""
    return label.replace(":", " ", 1)


def where(node: Node, line: int | None = None) -> str:
    """Name a node for a message: ``helper clean() line 3 (hlp.py)``."""
    body = node.body
    name = title(node)
    if body is None:
        return name
    return f"{name} line {line} ({body.place})" if line else f"{name} ({body.place})"


def title(node: Node) -> str:
    """The node's label for people: ``helper clean()``, ``class Model``, ``method Model.fit()``."""
    if node.kind in ("function", "foreign", "wrapper"):
        if node.via == "code":
            return f"{node.parent.name if node.parent else node.name}()"
        owner = node.parent
        if owner is not None and owner.kind == "class":
            return f"method {owner.name}.{node.name}()"
        if node.name == "<lambda>":
            return f"lambda {node.via.rpartition(':')[2]}"
        return f"helper {node.name}()"
    words = {"source": "module", "instance": "object", "container": "collection"}
    return f"{words.get(node.kind, node.kind)} {node.name}"


class _Active(threading.local):
    def __init__(self) -> None:
        self.walks: list[Walk] = []


_active: Final = _Active()


@contextmanager
def active(walk: Walk) -> Generator[None]:
    """While *walk* runs, identities asked for by the values in it know what it covers already."""
    _active.walks.append(walk)
    try:
        yield
    finally:
        _active.walks.pop()


def is_covered(key: object) -> bool:
    """Whether a walk that is under way on this thread has a node for *key*."""
    return any(walk.known(key) is not None for walk in _active.walks)
