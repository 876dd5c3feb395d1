"""Where a value or a file came from: the calls behind it, back to what was given and read.

Facts only; how they are drawn is the reader's business (the notebook draws a picture).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cellgraph.callbook import in_short
from cellgraph.errors import StoreError
from cellgraph.files import Dir, File
from cellgraph.recall import Recall
from cellgraph.records import CallRecord
from cellgraph.stores.base import Store
from cellgraph.structure import leaves
from cellgraph.trail import Trail
from cellgraph.words import duration, plural

StepKind = Literal["call", "file", "folder", "variable"]
_READ: Final[dict[str, StepKind]] = {
    "file": "file", "absent": "file", "listing": "folder", "env": "variable",
    "result": "file", "literal": "file",
}  # fmt: skip
_SHOWN: Final = 40
_ARGUMENT: Final = 48


@dataclass(frozen=True, slots=True)
class Step:
    """One call, or one thing that was read. Of a call: `id`, `arguments`, when and how it ran.

    `inputs` are the numbers of the steps that it rests on, all smaller than its own `number`.
    """

    number: int
    kind: StepKind
    name: str  # of the task, the file, the variable
    inputs: tuple[int, ...] = ()
    id: str = ""
    task_id: str = ""
    arguments: str = ""
    run: str = ""
    started: float = 0.0
    elapsed_s: float = 0.0
    executor: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Lineage:
    """What stands behind a value: `steps`, inputs first; the last ones gave the value.

    `others`: how many more calls on record gave an equal value.
    """

    of: str
    steps: tuple[Step, ...]
    others: int = 0

    @property
    def calls(self) -> tuple[Step, ...]:
        """The calls among the steps."""
        return tuple(step for step in self.steps if step.kind == "call")

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files and folders that were read."""
        return tuple(step.name for step in self.steps if step.kind in ("file", "folder"))

    def lines(self) -> Iterator[str]:
        """The lineage as text, inputs first."""
        calls = self.calls
        spent = sum(step.elapsed_s for step in calls)
        yield f"{self.of}: {plural(len(calls), 'call')}, {duration(spent)} of computing"
        names = {step.number: f"{step.name}" for step in self.steps}
        for step in self.steps[-_SHOWN:]:
            inputs = [names[n] for n in step.inputs]
            after = f"  <- {_several(inputs)}" if inputs else ""
            if step.kind == "call":
                yield f"  {step.id[:12]}  {step.name}({step.arguments}){after}"
            else:
                yield f"  {step.kind} {step.name}{' ' + step.note if step.note else ''}"
        if len(self.steps) > _SHOWN:
            yield f"  and {len(self.steps) - _SHOWN:,} before these"
        if self.others:
            yield f"  {plural(self.others, 'other call')} gave an equal value"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def trace(of: str, starts: Sequence[bytes], trail: Trail, store: Store, others: int) -> Lineage:
    """Follow calls back to what they rest on. Raises StoreError when *starts* are not on record."""
    known = [start for start in starts if start in trail.calls]
    if not known:
        raise StoreError(
            f"no call on record gave {of}: evaluate the expression first, or ask for the "
            "expression itself"
        )
    writer = _Writer(trail, Recall(store))
    for call in _inputs_first(known, trail):
        writer.add_call(call)
    return Lineage(of, tuple(writer.steps), others)


def _inputs_first(starts: Iterable[bytes], trail: Trail) -> Iterator[bytes]:
    """Every call behind *starts*, each once, after its inputs."""
    done: set[bytes] = set()
    entered: set[bytes] = set()
    stack = [(start, False) for start in reversed(list(starts))]
    while stack:
        call, left = stack.pop()
        if left:
            if call not in done:
                done.add(call)
                yield call
        elif call not in entered:
            entered.add(call)
            stack.append((call, True))
            stack.extend((kid, False) for kid in reversed(trail.inputs(call)))


class _Writer:
    """Numbers steps as they come."""

    def __init__(self, trail: Trail, recall: Recall) -> None:
        self._trail = trail
        self._recall = recall
        self._numbers: dict[bytes, int] = {}
        self._read: dict[tuple[str, str], int] = {}
        self.steps: list[Step] = []

    def add_call(self, call: bytes) -> None:
        key, record = self._trail.calls[call]
        inputs = [self._numbers[k] for k in self._trail.inputs(call) if k in self._numbers]
        said, files = self._arguments(record)
        inputs += [self._thing("file", name, "") for name in files]
        for read in self._trail.reads(record):
            if read.kind not in ("result", "literal"):
                note = "was not there" if read.kind == "absent" else ""
                inputs.append(self._thing(_READ.get(read.kind, "file"), read.name, note))
        self._numbers[call] = len(self.steps)
        self.steps.append(
            Step(
                number=len(self.steps),
                kind="call",
                name=record.task,
                inputs=tuple(dict.fromkeys(inputs)),
                id=key.hex(),
                task_id=record.task_id.hex(),
                arguments=said,
                run=record.run,
                started=record.started,
                elapsed_s=record.elapsed_s,
                executor=record.executor,
            )
        )

    def _thing(self, kind: StepKind, name: str, note: str) -> int:
        number = self._read.get((kind, name))
        if number is None:
            number = self._read[kind, name] = len(self.steps)
            self.steps.append(Step(number, kind, name, note=note))
        return number

    def _arguments(self, record: CallRecord) -> tuple[str, list[str]]:
        """Arguments in short, and the names of the files among them."""
        said = self._recall.said(record.args)
        if said is None:
            return "…", []
        found = leaves([list(said[0]), dict(said[1])], frozenset({File, Dir}))
        texts = [in_short(a) for a in said[0]]
        texts += [f"{name}={in_short(a)}" for name, a in said[1].items()]
        text = ", ".join(texts)
        short = text if len(text) <= _ARGUMENT else f"{text[: _ARGUMENT - 1]}…"
        return short, [file.name for file in found]


def _several(names: Sequence[str]) -> str:
    counted = {name: names.count(name) for name in dict.fromkeys(names[:200])}
    shown = [f"{name} ×{n:,}" if n > 1 else name for name, n in list(counted.items())[:6]]
    return ", ".join(shown) + (" …" if len(counted) > 6 else "")
