"""From a walked closure to the tree that explains it."""

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
_SHOWN: Final = frozenset(
    {int, float, str, bytes, bool, complex, type(None), tuple, list, dict, set}
)


def grow(walk: Walk, name: str, identity: bytes, packages: Sequence[tuple[str, str]]) -> CodeNode:
    """Return the tree of *walk*; *packages* are distributions with the version that counts."""
    made = [_node(node, reads_doc=walk.reads_doc) for node in walk.nodes[1:]]
    root = walk.nodes[0]
    uses = [
        _item(root, label, item)
        for label, item in sorted(root.items.items())
        if label != "code" or item.target is None
    ]
    dists = [CodeNode(f"package {d}", "package", digest(v.encode()), v) for d, v in packages]
    return CodeNode(f"{name}()", "root", identity, children=(*made, *uses, *dists))


def pinned(name: str, identity: bytes, version: str) -> CodeNode:
    """Return the tree of a task whose code is vouched for by a version."""
    return CodeNode(f"{name}()", "pinned", identity, version)


def _node(node: Node, *, reads_doc: bool) -> CodeNode:
    children = tuple(_item(node, label, item) for label, item in sorted(node.items.items()))
    body = node.body
    if body is None:
        said = node.local + node.doc if reads_doc else node.local
        return CodeNode(title(node), node.kind, digest(said), children=children)
    said = body.documented if reads_doc else body.digest
    kind = node.kind if body.source else "bytecode"
    return CodeNode(title(node), kind, said, body.text, body.line, body.place, children)


def _item(node: Node, label: str, item: Item) -> CodeNode:
    shown = _parameter(node, label)
    if item.target is not None:
        target = title(item.target)
        return CodeNode(shown, "link", digest(target.encode()), target)
    return CodeNode(shown, item.kind, digest(item.payload), _text(shown, item))


def _parameter(node: Node, label: str) -> str:
    """``default 0`` as ``default threshold``; other labels as they are spoken."""
    kind, _, index = label.partition(":")
    func = node.subject
    if kind == "default" and index.isdigit() and isinstance(func, FunctionType):
        code, given = func.__code__, len(func.__defaults__ or ())
        return f"default {code.co_varnames[code.co_argcount - given + int(index)]}"
    return spoken(label.replace("attr:", "global:", 1) if label.startswith("attr:") else label)


def _text(label: str, item: Item) -> str:
    if item.kind == "absent":
        return "not defined"
    if item.kind != "data":
        return item.kind if item.shown is None else str(item.shown)
    if _PRIVATE.search(label):
        return "(not shown)"
    value = item.shown
    if type(value) not in _SHOWN:
        return f"({type(value).__name__})"
    return _SHORT.repr(value)


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
