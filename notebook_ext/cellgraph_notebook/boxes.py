"""One box of the picture: what the groups it stands for amount to."""

from collections.abc import Sequence

from cellgraph_notebook.calls import Calls, Group
from cellgraph_notebook.durations import quantiles
from cellgraph_notebook.findings import Logs, Remarks
from cellgraph_notebook.folding import Folded, Shown
from cellgraph_notebook.snapshot import GroupState
from cellgraph_notebook.statuses import REUSED, RUNNING, group_status, unfinished


class Boxes:
    """The boxes of one moment: `state` of each, from the groups, logs and remarks of the run."""

    def __init__(self, calls: Calls, logs: Logs, remarks: Remarks, folded: Folded) -> None:
        self._calls = calls
        self._logs = logs
        self._remarks = remarks
        self._folded = folded
        open_ = {folded.box_of[g.id] for g in calls.groups if unfinished(g.counts)}
        self._waits: dict[int, int] = {}
        for source, target in folded.edges:
            if source in open_:
                self._waits[target] = self._waits.get(target, 0) + 1

    def changed_since(self, shown: Shown, revision: int) -> bool:
        """Whether *shown* differs from what it was at *revision*, if only by a running time."""
        groups = [self._calls.groups[number] for number in shown.members]
        return max(group.revision for group in groups) > revision or _alone(groups)

    def waits_for(self, shown: Shown) -> int:
        """Return how many boxes upstream are not finished."""
        return self._waits.get(shown.id, 0)

    def state(self, shown: Shown, now: float) -> GroupState:
        """Return what there is to show at *now*."""
        groups = [self._calls.groups[number] for number in shown.members]
        first = groups[0]
        counts = [sum(column) for column in zip(*(g.counts for g in groups), strict=True)]
        times = quantiles(g.durations for g in groups)
        logged = max(groups, key=lambda g: (g.last_log >= 0, g.revision)).last_log
        several = sum(counts) > 1
        ran = counts[REUSED] < sum(counts)
        return GroupState(
            id=shown.id,
            key=first.key,
            name=shown.name,
            executor=", ".join(dict.fromkeys(g.executor for g in groups)),
            size=sum(g.size for g in groups),
            status=group_status(counts),
            counts=counts,
            retried=sum(g.retried for g in groups),
            ran_s=sum(g.ran_s for g in groups),
            saved_s=sum(g.saved_s for g in groups),
            p50_s=times.p50_s if times and several else None,
            p95_s=times.p95_s if times and several else None,
            running_s=max(0.0, now - first.started_at) if _alone(groups) else None,
            progress=_progress(first) if _alone(groups) else [],
            waits_for=self.waits_for(shown),
            reasons=self._remarks.why(g.task for g in groups) if ran else [],
            log=self._logs.tail(logged),
            log_of=self._calls.label(logged) if logged >= 0 else "",
        )


def _progress(group: Group) -> list[str]:
    """How far the only call of a group is, as it says itself; longest wording first."""
    said = group.progress
    if said is None:
        return []
    share = f"{said.done:g} of {said.total:g}" if said.total else f"{said.done:g} done"
    if not said.text:
        return [share]
    return [said.text if share in said.text else f"{share} · {said.text}", share]


def _alone(groups: Sequence[Group]) -> bool:
    """Whether the box is one call that runs now, whose time passes without an event."""
    return len(groups) == 1 and groups[0].size == 1 and groups[0].counts[RUNNING] == 1
