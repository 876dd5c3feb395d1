"""How long a run will still take: an estimate from what has run, or no answer."""

from collections.abc import Iterable
from typing import Final

from cellgraph_notebook.calls import Group
from cellgraph_notebook.statuses import DONE, FAILED, REUSED, RUNNING, WAITING

_WARM_UP_S: Final = 2.0


def remaining_s(groups: Iterable[Group], busy_for_s: float) -> float | None:
    """Return the seconds left, or None where that would be a guess.

    *busy_for_s* is the time since the first call started. The work left is the calls left times the
    mean of their group (run now or, for reused calls, when they were computed); it is done at the
    rate seen so far. No answer before two seconds, or while more than half of the calls left belong
    to groups of which no call has been timed.
    """
    work = done = longest = 0.0
    known = unknown = 0
    for group in groups:
        done += group.ran_s
        left = group.counts[WAITING] + group.counts[RUNNING]
        if not left:
            continue
        mean = _mean_s(group)
        if mean is None:
            unknown += left
            continue
        known += left
        longest = max(longest, mean)
        work += mean * (group.counts[WAITING] + 0.5 * group.counts[RUNNING])
    if busy_for_s < _WARM_UP_S or not known or unknown > known or done <= 0:
        return None
    return max(work * busy_for_s / done, 0.5 * longest)


def _mean_s(group: Group) -> float | None:
    ran = group.counts[DONE] + group.counts[FAILED]
    if ran and group.ran_s > 0:
        return group.ran_s / ran
    if group.counts[REUSED] and group.saved_s > 0:
        return group.saved_s / group.counts[REUSED]
    return None
