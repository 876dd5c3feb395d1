"""What changed between two code identities: the one part that decided, with its line and diff."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from cellgraph.identity.codenode import CodeNode, from_bytes
from cellgraph.identity.lines import changed_line

__all__ = ["CodeChange", "CodeNode", "difference", "from_bytes"]

ChangeKind = Literal[
    "body", "annotations", "default", "captured value", "global", "attribute", "package", "version",
    "added", "removed", "structure",
]  # fmt: skip
_PREFIXES: Final[dict[str, ChangeKind]] = {
    "default": "default",
    "cell": "captured value",
    "global": "global",
    "annotations": "annotations",
}
_WORDS: Final = {"cell": "captured", "annotations": "annotations"}


@dataclass(frozen=True, slots=True)
class CodeChange:
    """The part that decided.

    `path` leads to it: ``("helper clean()", "body")``. `before` and `after` are values, versions or
    names; for a body they are empty and `diff` is a unified diff. `line` counts from the ``def``
    (1), `line_in_place` in the file or cell `place`; 0 where there is none.
    """

    kind: ChangeKind
    path: tuple[str, ...]
    before: str = ""
    after: str = ""
    line: int = 0
    line_in_place: int = 0
    place: str = ""
    diff: str = ""

    @property
    def summary(self) -> str:
        """One line: ``helper clean() line 3``, ``package numpy 2.3 -> 2.4``."""
        if self.kind == "body":
            return f"{self.path[0]} line {self.line}" if self.line else f"{self.path[0]} changed"
        if self.kind in ("added", "removed"):
            return f"{self.path[0]} {self.kind}"
        what = " > ".join(self.path)
        return (
            f"{what} {self.before} -> {self.after}"
            if self.before != self.after
            else f"{what} changed"
        )


def difference(old: CodeNode, new: CodeNode) -> CodeChange | None:
    """Return the one part that decided between two trees of a task; None if they are the same code.

    The task's own function is looked at first, then what it reaches in the order of reading.
    """
    if old.digest == new.digest:
        return None
    if "pinned" in (old.kind, new.kind):
        return CodeChange("version", ("version",), _pinned(old), _pinned(new))
    before, after = _by_label(old.children), _by_label(new.children)
    own = new.children[0].label if new.children else ""
    for key, node in after.items():
        earlier = before.get(key)
        if earlier is not None:
            path = () if node.label == own else (node.label,)
            change = (
                _item_change(earlier, node, ())
                if _is_part(node)
                else _node_change(earlier, node, path)
            )
            if change is not None:
                return change
    return _come_or_gone(before, after) or CodeChange(
        "structure", (new.label,), "what refers to what", "changed"
    )


Key = tuple[str, int]


def _by_label(nodes: Iterable[CodeNode]) -> dict[Key, CodeNode]:
    """Nodes by label; equal labels are told apart by their order."""
    found: dict[Key, CodeNode] = {}
    for node in nodes:
        count = 0
        while (node.label, count) in found:
            count += 1
        found[node.label, count] = node
    return found


def _is_part(node: CodeNode) -> bool:
    """Whether a node is a value or name rather than code with parts of its own."""
    return node.kind in (
        "package",
        "data",
        "link",
        "standard",
        "task",
        "name",
        "absent",
        "annotations",
    )


def _pinned(node: CodeNode) -> str:
    return repr(node.text) if node.kind == "pinned" else "(by its code)"


def _node_change(old: CodeNode, new: CodeNode, path: tuple[str, ...]) -> CodeChange | None:
    """How one function, class or module differs; *path* is empty for the task's own function."""
    if old.digest != new.digest or old.kind != new.kind:
        return _body_change(old, new)
    before, after = _by_label(old.children), _by_label(new.children)
    for key, item in after.items():
        if key in before:
            change = _item_change(before[key], item, path)
            if change is not None:
                return change
    for key, item in {**before, **after}.items():
        if key not in before or key not in after:
            was, now = before.get(key), after.get(key)
            told = (was.text if was else "(none)", now.text if now else "(none)")
            return CodeChange(_kind(item), (*path, _spoken(item)), *told)
    return None


def _body_change(old: CodeNode, new: CodeNode) -> CodeChange:
    label, tail = new.label, (new.label, "body")
    if not old.text or not new.text:
        return CodeChange("body", tail, place=new.place)
    line = changed_line(old.text, new.text)
    diff = difflib.unified_diff(
        old.text.splitlines(),
        new.text.splitlines(),
        f"{label} before",
        f"{label} now",
        "",
        "",
        2,
        "",
    )
    at = new.line + line - 1 if line else 0
    return CodeChange("body", tail, "", "", line, at, new.place, "\n".join(diff))


def _item_change(old: CodeNode, new: CodeNode, path: tuple[str, ...]) -> CodeChange | None:
    if old.digest == new.digest and old.kind == new.kind:
        return None
    return CodeChange(_kind(new), (*path, _spoken(new)), old.text, new.text)


def _kind(item: CodeNode) -> ChangeKind:
    if item.kind == "package" and item.label.startswith("package "):
        return "package"
    return _PREFIXES.get(item.label.split(" ", 1)[0], "attribute")


def _spoken(item: CodeNode) -> str:
    first, _, rest = item.label.partition(" ")
    return f"{_WORDS.get(first, first)} {rest}".strip()


def _come_or_gone(before: dict[Key, CodeNode], after: dict[Key, CodeNode]) -> CodeChange | None:
    for key, node in after.items():
        if key not in before:
            return CodeChange("added", (node.label,), after=node.text, place=node.place)
    for key, node in before.items():
        if key not in after:
            return CodeChange("removed", (node.label,), before=node.text, place=node.place)
    return None
