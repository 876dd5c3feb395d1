"""Why an expression would be answered from the store, or why it would not: the part that decided.

Nothing runs. The graph is walked as a run would walk it; the first call that the store does not
know decides. It is compared with the nearest earlier call of a task of the same name: with one of
equal arguments, whose code then differs, or with one of equal code, whose arguments then do.
docs/explain.md lists the reasons.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from cellgraph import htmltext
from cellgraph.definitions import Definition
from cellgraph.earlier import Call, Earlier, Nearest
from cellgraph.errors import CellgraphError, IdentityError
from cellgraph.files import Dir, File
from cellgraph.forecast import Forecast
from cellgraph.identity.tree import CodeChange
from cellgraph.identity.values import restore
from cellgraph.label import label
from cellgraph.marks import invalidated_by_you, when
from cellgraph.node import Node
from cellgraph.outline import Change, outline
from cellgraph.places import path_of
from cellgraph.provenance import Archive
from cellgraph.reasons import FIRST, FRESH, NOT_KEPT, Reasons
from cellgraph.recent import Recent
from cellgraph.records import CallRecord, FinalRecord, Outline, decode
from cellgraph.refusal import refusal
from cellgraph.result import Held
from cellgraph.run import error_of

UNNAMED: Final = "no identity (cache=False)"
UNCACHED: Final = "cache=False"
STORED: Final = "every part is stored"
_FILE_CHANGED: Final = re.compile(r"(?:result )?(?:file|folder) (.+) changed")


class Reason(NamedTuple):
    """The part that decided about one call."""

    text: str
    path: tuple[str, ...]
    diff: str = ""
    package: str = ""  # "numpy 2.3 -> 2.4" where a package decided


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Whether an expression is answered from the store, and what decided.

    `reason` is one line and `path` its parts; `diff` shows the two sides. All three are about
    `call`, the first call that would run (or the one asked about). `waits` says what cannot be
    known before it has; `more` how many other calls would run.
    """

    verdict: Literal["HIT", "MISS"]
    reason: str
    path: tuple[str, ...]
    diff: str
    label: str
    call: str
    waits: str = ""
    more: int = 0

    @property
    def _lines(self) -> list[str]:
        about = f"{self.call}: " if self.call not in ("", self.label) else ""
        found = [f"{self.verdict}  {self.label}", f"  {about}{self.reason}"]
        if self.more:
            found.append(f"  and {self.more:,} more would run")
        return [*found, f"  {self.waits}"] if self.waits else found

    def __repr__(self) -> str:
        return "\n".join([*self._lines, *(f"    {line}" for line in self.diff.splitlines())])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        page = htmltext.lines(self._lines) + htmltext.diff(self.diff)
        return {"text/plain": repr(self), "text/html": page}


class Explainer:
    """Answers for the calls of one forecast."""

    def __init__(self, forecast: Forecast) -> None:
        self._forecast = forecast
        self._store = store = forecast.store
        self._reasons = Reasons(store)
        self._earlier = Earlier(store)
        self._recent = Recent(store)

    def explanation(self) -> Explanation:
        """What decides about the whole expression. Raises the error that a run would raise."""
        forecast = self._forecast
        shown = forecast.label
        if forecast.missed:
            node = forecast.missed[0]
            found = self.reason(node, thorough=True)
            waits = self._waits(node)
            more = len(forecast.missed) - 1
            call = label(node.expr)
            return Explanation("MISS", found.text, found.path, found.diff, shown, call, waits, more)
        if forecast.failures:
            raise error_of(forecast.failures[0])
        if forecast.waiting or forecast.grows:
            text = "unknown until an operator on a large or called value is computed"
            return Explanation("MISS", text, ("unknown",), "", shown, shown)
        said = self._whole() or self._known()
        return Explanation("HIT", said, ("stored",), "", shown, shown)

    def reason(self, node: Node, *, thorough: bool) -> Reason:
        """Why the store does not answer for *node*, a call that it was asked for."""
        d = node.definition
        if d.identity is None:
            return Reason(UNNAMED, (UNNAMED,))
        if not d.cached:
            return Reason(UNCACHED, (UNCACHED,))
        refused = refusal(self._forecast.cache, node)
        if refused:
            said = self._with_time(refused)
            return Reason(said, tuple(said.split(" ", 2)[:2]))
        try:
            nearest = self._earlier.nearest(node, (d.past_ids | {d.id}), thorough=thorough)
        except IdentityError as error:
            return Reason(str(error), ("args",))
        return self._compared(node, nearest)

    def _compared(self, node: Node, nearest: Nearest) -> Reason:
        d, equal, close = node.definition, nearest.same_arguments, nearest.same_code
        if equal is not None:
            if equal.task_id == d.id:
                text = NOT_KEPT if equal.row.key == node.key else FRESH
                return Reason(text, (text,))
            if equal.task_id in (d.past_ids | {d.id}):
                text = invalidated_by_you(d.mark.invalidated)
                return Reason(text, ("invalidated",))
            return self._by_code(equal.task_id, d)
        if close is not None:
            return self._by_arguments(nearest, close)
        ids = self._reasons.ids_of(d.name)
        if not ids or d.id in ids:
            text = NOT_KEPT if ids else FIRST
            return Reason(text, (text,))
        return self._by_code(ids[0], d)

    def _by_code(self, earlier: bytes, now: Definition) -> Reason:
        assert now.identity is not None
        change = self._reasons.change(earlier, now.identity.tree)
        if change is not None:
            return code_reason(change)
        known = self._reasons.tree(earlier) is not None
        what = "its options changed" if known else "its code changed"
        return Reason(f"code > {what}", ("code", what))

    def _by_arguments(self, nearest: Nearest, close: Call) -> Reason:
        differing = self._recent.changes(nearest.arguments, close.row, self._opened)
        changes = [change for _, found in differing for change in found]
        if not changes:
            return Reason("args changed", ("args",))
        said = self._file_changed(nearest, differing[0][0], changes[0])
        if said:
            return Reason(said, changes[0].path)
        others = len(differing) - 1
        more = f" (and {others} more argument{'s' if others > 1 else ''})" if others else ""
        diff = "\n".join(change.summary for change in changes) if len(changes) > 1 else ""
        return Reason(changes[0].summary + more, changes[0].path, diff)

    def _file_changed(self, nearest: Nearest, name: str, change: Change) -> str:
        """For a File or Dir whose content differs: which one, and when that was."""
        now = nearest.arguments
        held: Any = dict(zip(now.labels, now.values, strict=True)).get(name)
        value: object = held.value if type(held) is Held else held
        if change.words != "changed" or not isinstance(value, (File, Dir)):
            return ""
        kind = "file" if isinstance(value, File) else "folder"
        return self._with_time(f"{kind} {value.name} changed")

    def _with_time(self, reason: str) -> str:
        """``file data/raw.csv changed 10:41``: when it was, for a file that is there."""
        named = _FILE_CHANGED.fullmatch(reason)
        if named is None:
            return reason
        try:
            path = path_of(named[1], self._forecast.cache.verifier.roots)
            moment = time.localtime(Path(path).stat().st_mtime)
        except OSError:
            return reason
        today = moment[:3] == time.localtime()[:3]
        return f"{reason} {time.strftime('%H:%M' if today else '%Y-%m-%d %H:%M', moment)}"

    def _opened(self, part: Outline) -> Outline:
        """The parts of a stored result."""
        payload = self._store.get_blob(part.blob) if part.blob else None
        if payload is None:
            return part
        try:
            return outline(restore(payload))
        except CellgraphError:  # its class is gone
            return part

    def _waits(self, node: Node) -> str:
        waiting = self._forecast.waiting
        if not waiting:
            return ""
        names = dict.fromkeys(n.definition.name for n in waiting)
        who = ", ".join(list(names)[:3]) + (", …" if len(names) > 3 else "")
        return f"{who}: unknown until {node.definition.name}(...) runs"

    # --- hits ---------------------------------------------------------------------------------

    def _whole(self) -> str:
        """When the value of the whole expression was computed; empty if it is not known whole."""
        forecast = self._forecast
        if forecast.whole is None:
            return ""
        return self._computed(forecast.whole_key, FinalRecord)

    def _known(self) -> str:
        node = self._forecast.reduction.growth.nodes.get(id(self._forecast.expr))
        if node is None or node.call < 0 or not node.key:
            return STORED
        accepted = node.definition.mark.accepted
        kept = f"; kept across {accepted.change} by accept()" if accepted is not None else ""
        return (self._computed(node.key, CallRecord, FinalRecord) or STORED) + kept

    def _computed(self, key: bytes, *kinds: type) -> str:
        for data in self._store.get_many([key]).get(key, ()):
            record: Any = decode(data)
            if type(record) in kinds:
                started = getattr(record, "started", 0.0)
                if not started:
                    run = Archive(self._store).run(record.run) if record.run else None
                    started = run.started if run is not None else 0.0
                at = f"{when(started)} " if started else ""
                return f"computed {at}in run {record.run}"
        return ""


def code_reason(change: CodeChange) -> Reason:
    """A difference of code in words."""
    diff = change.diff or f"- {change.before}\n+ {change.after}"
    what = change.path[-1] if change.path else change.kind
    if change.kind == "package":
        moved = f"{what.removeprefix('package ')} {change.before} -> {change.after}"
        return Reason(f"package {moved}", ("env", what.removeprefix("package ")), diff, moved)
    path = ("code", *change.path)
    if change.kind == "body":
        line = f" line {change.line}" if change.line else " changed"
        return Reason(" > ".join(path) + line, path, diff)
    return Reason(f"code > {change.summary}", path, diff)


def explain(forecast: Forecast) -> Explanation:
    """Explain what a forecast found. Runs nothing, stores nothing."""
    return Explainer(forecast).explanation()


def together(reasons: list[Reason]) -> str:
    """What the reasons of some calls of one task have in common."""
    texts = {r.text for r in reasons}
    if len(texts) == 1:
        return texts.pop()
    arguments = {r.path[1] for r in reasons if r.path[0] == "args" and len(r.path) > 1}
    if all(r.path[0] == "args" for r in reasons):
        return f"args > {arguments.pop()} changed" if len(arguments) == 1 else "new arguments"
    return next(r.text for r in reasons if r.path[0] != "args")
