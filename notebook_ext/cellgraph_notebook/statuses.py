"""The seven states of a call, and what they make of a group of calls.

Codes are small integers, so that a run of a million calls keeps them in one bytearray.
"""

from collections.abc import Sequence
from typing import Final, Literal

Status = Literal["waiting", "running", "done", "reused", "failed", "skipped", "cancelled"]
ViewStatus = Literal["planned", "running", "done", "failed", "cancelled"]

WAITING: Final = 0
RUNNING: Final = 1
DONE: Final = 2
REUSED: Final = 3
FAILED: Final = 4
SKIPPED: Final = 5
CANCELLED: Final = 6

NAMES: Final[tuple[Status, ...]] = (
    "waiting",
    "running",
    "done",
    "reused",
    "failed",
    "skipped",
    "cancelled",
)
GLYPHS: Final[dict[Status, str]] = {
    "waiting": "·",
    "running": "▶",
    "done": "✓",
    "reused": "↺",
    "failed": "✕",
    "skipped": "⊘",
    "cancelled": "■",
}
# The order of the parts of a progress bar, left to right.
BAR: Final = (REUSED, DONE, RUNNING, FAILED, SKIPPED, CANCELLED, WAITING)


def no_counts() -> list[int]:
    """Return a count of zero for each status code."""
    return [0] * len(NAMES)


def group_status(counts: Sequence[int]) -> Status:
    """Return the one status that stands for calls counted by code.

    What still moves comes first; of what is over, the worst. A group of which some calls have run
    and others still wait is running: its next call may start at any moment.
    """
    ran = counts[DONE] + counts[FAILED]
    if counts[RUNNING] or (counts[WAITING] and ran):
        return "running"
    for code in (WAITING, FAILED, CANCELLED, SKIPPED, DONE):
        if counts[code]:
            return NAMES[code]
    return "reused" if counts[REUSED] else "waiting"


def completed(counts: Sequence[int]) -> int:
    """Return how many calls have a value."""
    return counts[DONE] + counts[REUSED]


def unfinished(counts: Sequence[int]) -> int:
    """Return how many calls may still run."""
    return counts[WAITING] + counts[RUNNING]
