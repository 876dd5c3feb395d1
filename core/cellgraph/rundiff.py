"""What differs between two runs: what ran in one and not in the other, code, values.

A run keeps one row per task and no row per replayed call. So calls that ran in one of the two are
compared with what the other had for equal arguments, whoever had computed it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cellgraph.provenance import Archive, RunSummary
from cellgraph.reasons import Reasons
from cellgraph.records import CallRecord, FinalRecord, Graph, Value, decode
from cellgraph.stores.base import Store
from cellgraph.words import plural


@dataclass(frozen=True, slots=True)
class TaskDiff:
    """One task in two runs, A before B. Counts of calls.

    `change` is the difference of code, in words; empty if there is none. Of the calls that ran in
    one of the runs: `same` gave equal values for equal arguments, `changed` others, `only_a` and
    `only_b` have arguments that the other run did not meet.
    """

    name: str
    ran_a: int
    reused_a: int
    ran_b: int
    reused_b: int
    change: str
    same: int
    changed: int
    only_a: int
    only_b: int
    examples: tuple[str, ...]  # ids of calls of B whose values changed

    @property
    def differs(self) -> bool:
        """Whether anything but the work done is another."""
        alone = (self.ran_a + self.reused_a == 0) != (self.ran_b + self.reused_b == 0)
        return bool(alone or self.change or self.changed or self.only_a or self.only_b)


@dataclass(frozen=True, slots=True, repr=False)
class RunDiff:
    """Two runs compared. `value`: "same", "changed", or "unknown" where one was not stored."""

    a: RunSummary
    b: RunSummary
    value: str
    tasks: tuple[TaskDiff, ...]

    def lines(self) -> Iterator[str]:
        """The comparison as text."""
        yield f"A {self.a.id} {self.a.label}: {_work(self.a)}"
        yield f"B {self.b.id} {self.b.label}: {_work(self.b)}"
        yield f"final value: {self.value}"
        for task in self.tasks:
            yield f"  {task.name}: {task_line(task)}"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def task_line(task: TaskDiff) -> str:
    """What differs in one task, in words."""
    parts = [f"code: {task.change}"] if task.change else []
    if task.changed:
        parts.append(f"{plural(task.changed, 'value')} changed")
    if task.same and task.change:
        parts.append(f"{plural(task.same, 'value')} as before")
    if task.only_a:
        parts.append(f"{plural(task.only_a, 'call')} only in A")
    if task.only_b:
        parts.append(f"{plural(task.only_b, 'call')} only in B")
    if not task.ran_a + task.reused_a:
        parts = ["only in B"]
    elif not task.ran_b + task.reused_b:
        parts = ["only in A"]
    return ", ".join(parts) or "no difference"


def compare(a: RunSummary, b: RunSummary, store: Store) -> RunDiff:
    """Compare two runs of one store. Reads every record once."""
    value = _value(a, b, store)
    a, b = with_tasks(a, store), with_tasks(b, store)
    names = dict.fromkeys(share.name for share in (*a.tasks, *b.tasks))
    table = _Calls(store)
    return RunDiff(a, b, value, tuple(_task(name, a, b, table, store) for name in names))


def with_tasks(run: RunSummary, store: Store) -> RunSummary:
    """A run that one record answered met no task: those behind that record stand for them."""
    final = None if run.tasks or not run.reused else _newest_final(run, store)
    computed = Archive(store).run(final.run) if final is not None else None
    if computed is None:
        return run
    shares = [replace(s, executed=0, reused=s.executed + s.reused) for s in computed.tasks]
    return replace(run, tasks=tuple(shares))


def _newest_final(run: RunSummary, store: Store) -> FinalRecord | None:
    key = bytes.fromhex(run.key)
    for data in store.get_many([key]).get(key, ()) if key else ():
        record = decode(data)
        if isinstance(record, FinalRecord) and (not run.executed or record.run == run.id):
            return record
    return None


class _Calls:
    """The calls of the store by task id and arguments; newest record of each."""

    def __init__(self, store: Store) -> None:
        self.by_arguments: dict[tuple[bytes, bytes], tuple[bytes, CallRecord]] = {}
        self.by_run: dict[tuple[str, str], list[tuple[bytes, CallRecord]]] = defaultdict(list)
        for entry in store.scan():
            record = decode(entry.data)
            if isinstance(record, CallRecord):
                self.by_arguments[record.task_id, record.args] = (entry.key, record)
                self.by_run[record.run, record.task].append((entry.key, record))


def _task(name: str, a: RunSummary, b: RunSummary, table: _Calls, store: Store) -> TaskDiff:
    in_a = [share for share in a.tasks if share.name == name]
    in_b = [share for share in b.tasks if share.name == name]
    ids_a = [bytes.fromhex(share.id) for share in in_a]
    ids_b = [bytes.fromhex(share.id) for share in in_b]
    ran_a, ran_b = table.by_run[a.id, name], table.by_run[b.id, name]
    same = changed = only_b = 0
    examples: list[str] = []
    for key, record in ran_b:
        other = _partner(record, ids_a, table)
        if other is None or other.run == b.id:  # A would have found it
            only_b += 1
        elif _outcome(other) == _outcome(record):
            same += 1
        else:
            changed += 1
            examples.append(key.hex())
    reused_b = sum(share.reused for share in in_b)
    partners = [_partner(record, ids_b, table) for _, record in ran_a]
    found_again = sum(other is not None and other.run == a.id for other in partners)
    # Of a call that A ran and B might have reused only the count is on record.
    only_a = partners.count(None) + max(0, found_again - reused_b)
    return TaskDiff(
        name=name,
        ran_a=sum(share.executed for share in in_a),
        reused_a=sum(share.reused for share in in_a),
        ran_b=sum(share.executed for share in in_b),
        reused_b=reused_b,
        change=_change(ids_a, ids_b, store),
        same=same,
        changed=changed,
        only_a=only_a,
        only_b=only_b,
        examples=tuple(examples[:5]),
    )


def _partner(record: CallRecord, ids: Sequence[bytes], table: _Calls) -> CallRecord | None:
    found = (table.by_arguments.get((task_id, record.args)) for task_id in ids)
    return next((pair[1] for pair in found if pair is not None), None)


def _outcome(record: CallRecord) -> bytes:
    outcome: Value | Graph = record.outcome
    return outcome.piece.ref or outcome.piece.head


def _change(ids_a: Sequence[bytes], ids_b: Sequence[bytes], store: Store) -> str:
    if not ids_a or not ids_b or set(ids_a) & set(ids_b):
        return ""
    reasons = Reasons(store)
    now = reasons.tree(ids_b[-1])
    if now is None:
        return "changed"
    found = reasons.change(ids_a[-1], now)
    return found.summary if found is not None else "options changed"


def _value(a: RunSummary, b: RunSummary, store: Store) -> str:
    refs = [_final(run, store) for run in (a, b)]
    if None in refs:
        return "unknown"
    return "same" if refs[0] == refs[1] else "changed"


def _final(run: RunSummary, store: Store) -> tuple[bytes, ...] | None:
    """The identity of a run's value."""
    record = _newest_final(run, store)
    return None if record is None else _refs(record)


def _refs(record: FinalRecord) -> tuple[bytes, ...]:
    return tuple(p.ref or p.head for p in (record.value.piece, *record.value.leaves))


def _work(run: RunSummary) -> str:
    return f"{plural(run.executed, 'call')} ran, {run.reused:,} reused, {run.failed:,} failed"
