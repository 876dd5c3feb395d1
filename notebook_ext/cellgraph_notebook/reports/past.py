"""A run on record as a snapshot: what its view would have shown, made again from the store.

A record keeps one row per task and no row per reused call, so calls of a task are drawn as one box,
and an edge says that some call of one task waited for one of another.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cellgraph.callbook import StoredCall
from cellgraph.events import (
    CallAdded,
    CallDone,
    CallFailed,
    CallsAdded,
    CallsFinished,
    CallsReused,
    LogText,
    Missed,
    MissesExplained,
    RunFinished,
    RunStarted,
    RunStatus,
)
from cellgraph.provenance import RunSummary, TaskShare
from cellgraph.rundiff import with_tasks
from cellgraph.session import Session
from cellgraph.trail import Trail
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.view_model import RunModel

_ENDS: Final[tuple[RunStatus, ...]] = ("done", "failed")


def past_snapshot(session: Session, run: RunSummary, calls: Sequence[StoredCall]) -> Snapshot:
    """The last snapshot of a run, from what the store has of it. *calls*: those that ran in it."""
    run = with_tasks(run, session.store)
    model = RunModel(run.label)
    model.apply(RunStarted(run.id, run.label, run.started))
    by_task: dict[str, list[StoredCall]] = defaultdict(list)
    for call in calls:
        by_task[call.task].append(call)
    shares = _merged(run.tasks, by_task)
    after = _after(shares, session.trail()) if shares else {}
    first: dict[str, int] = {}
    number = 0
    for name in _in_order(shares, after):
        first[name] = number
        waits = tuple(first[up] for up in sorted(after[name]) if up in first)
        number = _add(model, run.id, name, shares[name], by_task[name], number, waits)
    model.apply(MissesExplained(run.id, tuple(Missed(*missed) for missed in run.misses)))
    status: RunStatus = "cancelled"
    for known in _ENDS:
        status = known if run.status == known else status
    model.apply(
        RunFinished(
            run.id, status, run.started + run.elapsed_s, run.elapsed_s, run.executed, run.reused,
            run.failed, run.saved_s,
        )
    )  # fmt: skip
    return model.snapshot(run.started + run.elapsed_s)


class _Share:
    """A task's part, all versions of its code together."""

    def __init__(self) -> None:
        self.ids: set[bytes] = set()
        self.reused = 0
        self.executed = 0
        self.seconds = 0.0


def _merged(
    shares: Iterable[TaskShare], by_task: Mapping[str, Sequence[StoredCall]]
) -> dict[str, _Share]:
    found: dict[str, _Share] = defaultdict(_Share)
    for share in shares:
        one = found[share.name]
        one.ids.add(bytes.fromhex(share.id))
        one.reused += share.reused
        one.executed += share.executed
        one.seconds += share.seconds
    for name, calls in by_task.items():
        found[name].ids.update(call.task_id for call in calls)
    return found


def _add(
    model: RunModel,
    run: str,
    name: str,
    share: _Share,
    calls: Sequence[StoredCall],
    start: int,
    upstream: tuple[int, ...],
) -> int:
    """Tell of the calls of one task, numbered from *start*; return the next number."""
    done = [call for call in calls if call.status == "done"]
    failed = [call for call in calls if call.status == "failed"]
    unknown = max(0, share.executed - len(done))  # that ran and left no record
    executor = calls[0].executor if calls else ""
    size = len(done) + len(failed) + unknown + share.reused
    model.apply(
        CallsAdded(
            run, tuple(CallAdded(start + n, name, executor, upstream, -1) for n in range(size))
        )
    )
    lost_s = max(0.0, share.seconds - sum(call.elapsed_s for call in done)) / max(1, unknown)
    ran = [call.elapsed_s for call in done] + [lost_s] * unknown
    model.apply(CallsFinished(run, tuple(CallDone(start + n, s) for n, s in enumerate(ran))))
    at = start + len(ran)
    for number, call in enumerate(failed, at):
        if call.log:
            model.apply(LogText(run, number, "stdout", call.log))
        model.apply(CallFailed(run, number, call.error, call.traceback, call.attempts, False))
    at += len(failed)
    model.apply(CallsReused(run, tuple(CallDone(n, 0.0) for n in range(at, start + size))))
    return start + size


def _after(shares: Mapping[str, _Share], trail: Trail) -> dict[str, set[str]]:
    """The tasks whose values each task's calls waited for, or that their bodies called."""
    name_of = {one: name for name, share in shares.items() for one in share.ids}
    after: dict[str, set[str]] = {name: set() for name in shares}
    for short, (_, record) in trail.calls.items():
        name = name_of.get(record.task_id)
        if name is None:
            continue
        for up in trail.inputs(short):
            other = name_of.get(trail.calls[up][1].task_id)
            if other is not None and other != name:
                after[name].add(other)
    return after


def _in_order(shares: Mapping[str, _Share], after: Mapping[str, set[str]]) -> list[str]:
    """The tasks, each behind those it waits for; a circle is cut where it is met."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for up in sorted(after[name]):
            visit(up)
        found[name] = None

    for name in shares:
        visit(name)
    return list(found)
