"""From a walked closure to the tree that explains it."""

import functools
import itertools
import re
import reprlib
from collections.abc import Sequence
from types import FunctionType
from typing import Any, Final

from cellgraph.digest import digest
from cellgraph.identity.closure import Item, Node, Walk, spoken, title
from cellgraph.identity.codenode import CodeNode

_LONGEST_TEXT: Final = 80
# A stored tree may be shared: values under such names are not shown.
_PRIVATE: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key|private", re.IGNORECASE
)
_SHOWN_WHOLE: Final = frozenset(
    {int, float, str, bytes, bool, complex, type(None), tuple, list, dict, set}
)
_SHORT_ALREADY: Final = frozenset({float, bool, type(None)})
_FIXED: Final = _SHORT_ALREADY | {int, str, bytes, complex}  # they say the same at any time
# What links to a node show, by node: its title and the digest of that.
Links = dict[Node, tuple[str, bytes]]


class _Shown(str):
    """The text of a value that may change before anybody looks."""

    __slots__ = ()


class Seed:
    """Grows the tree of a finished walk when it is asked for: most are never looked at.

    Takes the walk's nodes over and lets go of every live object in them: the tree will show what
    was there, and keeps nothing alive. *packages* are distributions with the version that counts.
    """

    __slots__ = ("_nodes", "_packages", "_reads_doc", "_root", "_tree", "reaches")

    def __init__(
        self, walk: Walk, name: str, identity: bytes, packages: Sequence[tuple[str, str]]
    ) -> None:
        self._root = name, identity
        self._nodes = walk.nodes
        self._packages = packages
        self._reads_doc = walk.reads_doc
        self._tree: CodeNode | None = None
        root, *others = walk.nodes
        parts = len(others) + len(packages) + sum(_is_use(*item) for item in root.items.items())
        # builtins are no items, but can be hidden; and code is replaced in place (by autoreload)
        self.reaches = parts > 1 or any(node.items or node.body for node in others)
        for node in walk.nodes:
            _settle(node)

    def __call__(self) -> CodeNode:
        """Return the tree."""
        nodes = self._nodes  # before the look at the tree: another thread may be at it
        if self._tree is None:
            self._tree = self._grown(nodes)
            self._nodes = []
        return self._tree

    def _grown(self, nodes: Sequence[Node]) -> CodeNode:
        name, identity = self._root
        links: Links = {}
        root, *others = nodes
        made = [_node(node, links, reads_doc=self._reads_doc) for node in others]
        uses = [
            _item(root, label, item, links)
            for label, item in sorted(root.items.items())
            if _is_use(label, item)
        ]
        dists = [
            CodeNode(f"package {d}", "package", digest(v.encode()), v) for d, v in self._packages
        ]
        return CodeNode(f"{name}()", "root", identity, children=(*made, *uses, *dists))


def _is_use(label: str, item: Item) -> bool:
    return label != "code" or item.target is None


def _settle(node: Node) -> None:
    """Put texts and names in the place of live objects."""
    func = node.subject
    node.subject = _with_default(func) if isinstance(func, FunctionType) else None
    node.expand = _never
    for label, item in node.items.items():
        value = item.shown
        if item.kind == "data" and value.__class__ not in _FIXED:
            node.items[label] = item._replace(shown=_Shown(_said(value)))


def _never(_walk: Walk, _node: Node) -> None:
    raise AssertionError("this walk is over")


def _with_default(func: FunctionType) -> tuple[str, ...]:
    """The names of the parameters that may be left out, those with names only aside."""
    code, given = func.__code__, len(func.__defaults__ or ())
    return code.co_varnames[code.co_argcount - given : code.co_argcount]


def pinned(name: str, identity: bytes, version: str) -> CodeNode:
    """Return the tree of a task whose code is vouched for by a version."""
    return CodeNode(f"{name}()", "pinned", identity, version)


def _node(node: Node, links: Links, *, reads_doc: bool) -> CodeNode:
    children = tuple(
        [_item(node, label, item, links) for label, item in sorted(node.items.items())]
    )
    body = node.body
    if body is None:
        said = node.local + node.doc if reads_doc else node.local
        return CodeNode(title(node), node.kind, digest(said), children=children)
    said = body.documented if reads_doc else body.digest
    if reads_doc and node.doc:
        said = digest(said + node.doc)
    kind = node.kind if body.source else "bytecode"
    return CodeNode(title(node), kind, said, body.text, body.line, body.place, children)


def _item(node: Node, label: str, item: Item, links: Links) -> CodeNode:
    shown = _parameter(node, label) if label.startswith("default:") else _shown(label)
    target = item.target
    if target is not None:
        known = links.get(target)
        if known is None:
            name = title(target)
            known = links[target] = name, digest(name.encode())
        return CodeNode(shown, "link", known[1], known[0])
    return CodeNode(shown, item.kind, digest(item.payload), _text(shown, item))


def _parameter(node: Node, label: str) -> str:
    """``default 0`` as ``default threshold``."""
    index = label.removeprefix("default:")
    if index.isdigit() and node.subject:
        return f"default {node.subject[int(index)]}"
    return _shown(label)


@functools.lru_cache(maxsize=4096)
def _shown(label: str) -> str:
    """A label as it is spoken."""
    return spoken(label.replace("attr:", "global:", 1) if label.startswith("attr:") else label)


def _text(label: str, item: Item) -> str:
    if item.kind == "absent":
        return "not defined"
    if item.kind != "data":
        return item.kind if item.shown is None else str(item.shown)
    if _is_private(label):
        return "(not shown)"
    return str(item.shown) if isinstance(item.shown, _Shown) else _said(item.shown)


def _said(value: object) -> str:
    """A value, cut short; of kinds that may be large or odd, no more than the name."""
    if value.__class__ in _SHORT_ALREADY:
        return repr(value)
    if type(value) not in _SHOWN_WHOLE:
        return f"({type(value).__name__})"
    return _SHORT.repr(value)


@functools.lru_cache(maxsize=4096)
def _is_private(label: str) -> bool:
    return _PRIVATE.search(label) is not None


class _Short(reprlib.Repr):
    """Cuts long values; keeps dicts in their order, which counts, and gives sets one."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _LONGEST_TEXT

    def repr_set(self, x: set[Any], level: int) -> str:
        if not x or level <= 0:
            return super().repr_set(x, level)
        shown = sorted(self.repr1(item, level - 1) for item in x)
        more = ["..."] * (len(shown) > self.maxset)
        return f"{{{', '.join(shown[: self.maxset] + more)}}}"

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if level <= 0:
            return "{...}"
        shown = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in itertools.islice(x.items(), self.maxdict)
        ]
        return f"{{{', '.join(shown + ['...'] * (len(x) > self.maxdict))}}}"


_SHORT: Final = _Short()
