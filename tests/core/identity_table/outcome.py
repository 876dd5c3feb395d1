"""What one side of a scenario came to, and what that is worth."""

import math
from dataclasses import dataclass
from enum import StrEnum

from tests.core.identity_table.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation. `value` and `truth` (the same without a cache) are told by their reprs."""

    value: str = ""
    truth: str = ""
    runs: int = 0  # task bodies that ran
    error: str = ""  # class and message, if cells or the evaluation raised
    impossible: str = ""  # why the tool has no words for it
    reasons: tuple[str, ...] = ()  # of the misses, as the run told them
    notices: tuple[str, ...] = ()
    verdict: str = ""  # what `explain` said before the evaluation: HIT, MISS
    explained: str = ""
    least: int = 0  # so many calls `plan` said would run, at least and at most
    most: float = math.inf
    failing: tuple[str, ...] | None = None  # what both said of errors to come; None: not asked
    executed: int = 0  # so many did, by the tool's own count


class Verdict(StrEnum):
    """What a scenario showed, best first."""

    EXPECTED = "as expected"
    NEEDLESS = "needless recompute"
    REFUSED = "refused or crashed"
    ACCEPTED = "not refused"
    WRONG = "wrong value"
    IMPOSSIBLE = "cannot be expressed"


def judge(row: Scenario, before: Outcome | None, after: Outcome | None) -> tuple[Verdict, str]:
    """Return the verdict, and the facts behind it for whoever reads a failed test."""
    for side in (before, after):
        if side is not None and side.impossible:
            return Verdict.IMPOSSIBLE, side.impossible
    if before is not None and before.error:
        return Verdict.REFUSED, f"before the change: {before.error}"
    if before is not None and row.first and before.value != before.truth:
        return Verdict.WRONG, f"before the change: {before.value}, uncached {before.truth}"
    if before is None or after is None:
        return Verdict.REFUSED, "the process died, or hung"
    return _after(row, after)


def _after(row: Scenario, after: Outcome) -> tuple[Verdict, str]:
    if after.error:
        refused = row.expected == "error"
        return (Verdict.EXPECTED if refused else Verdict.REFUSED), after.error
    facts = f"{after.value} with {after.runs} run(s), {'; '.join(after.reasons) or 'no reason'}"
    if after.value != after.truth:
        return Verdict.WRONG, f"{facts}; uncached: {after.truth}"
    if row.expected == "error":
        return Verdict.ACCEPTED, f"{facts}: expected an error"
    if row.expected == "hit":
        allowed = row.runs or 0
    else:
        allowed = row.runs if row.runs is not None else max(after.runs, 1)
    if after.runs > allowed:
        return Verdict.NEEDLESS, f"{facts}; expected {allowed}"
    if after.runs < allowed:
        return Verdict.WRONG, f"{facts}: only by chance, {allowed} run(s) expected"
    return Verdict.EXPECTED, facts
