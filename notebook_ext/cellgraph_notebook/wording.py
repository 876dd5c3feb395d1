"""The words of the run view, once for all renderers: plain strings from plain numbers.

Numbers that are not known are left out, never guessed.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from cellgraph_notebook.snapshot import Cause, GroupState, Snapshot, Totals
from cellgraph_notebook.statuses import (
    BAR,
    CANCELLED,
    DONE,
    FAILED,
    GLYPHS,
    NAMES,
    REUSED,
    RUNNING,
    SKIPPED,
    Status,
    ViewStatus,
    completed,
)

Tone = Literal["", "strong", "failed"]
PILL: Final[dict[ViewStatus, str]] = {
    "planned": "not run",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "stopped",
}
TABLE_COLUMNS: Final = (
    "Group", "Status", "Calls", "Time", "p50", "p95", "Saved", "Runs on", "Reason",
)  # fmt: skip
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


class Part(NamedTuple):
    """A piece of a line and how it is set."""

    text: str
    tone: Tone = ""


def count(number: int) -> str:
    """Return `3,206`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """Return `1 group` or `8 groups`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time a person would say: `12 ms`, `0.4 s`, `41 s`, `1 min 50 s`, `3 h 41 min`."""
    if seconds <= 0:
        return "0 s"
    if seconds < 0.0995:
        return f"{round(seconds * 1000)} ms" if seconds >= 0.0005 else "<1 ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "min", 1, "s")
    whole = round(seconds / _MINUTE) * _MINUTE
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(round(seconds / _HOUR) * _HOUR, _DAY, "d", _HOUR, "h")


def _two(whole: int, unit: int, name: str, smaller: int, smaller_name: str) -> str:
    rest = whole % unit // smaller
    return f"{whole // unit} {name}" + (f" {rest} {smaller_name}" if rest else "")


def remaining(seconds: float) -> str:
    """Return a time left, as coarse as the estimate is: `about 4 min left`."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 50:
        return f"about {5 * round(seconds / 5)} s left"
    if seconds < 90:
        return "about 1 min left"
    minutes = round(seconds / _MINUTE)
    coarse = minutes if minutes < 10 else 5 * round(minutes / 5)
    return f"about {duration(coarse * _MINUTE)} left"


def totals_line(totals: Totals) -> list[Part]:
    """Return `1,820 of 3,206 · ↺ 409 reused, saved 3 h 41 min · 182 running · 3 failed · ...`."""
    counts = totals["counts"]
    items = [[Part(count(completed(counts)), "strong"), Part(f" of {count(totals['calls'])}")]]
    if counts[REUSED]:
        saved = f", saved {duration(totals['saved_s'])}" if totals["saved_s"] > 0 else ""
        number = f"{GLYPHS['reused']} {count(counts[REUSED])}"
        items.append([Part(number, "strong"), Part(f" reused{saved}")])
    if counts[RUNNING]:
        items.append([Part(count(counts[RUNNING]), "strong"), Part(" running")])
    if totals["elsewhere"]:
        others = Part(count(totals["elsewhere"]), "strong")
        items.append([others, Part(" computed by another session")])
    if counts[FAILED]:
        items.append([Part(count(counts[FAILED]), "failed"), Part(" failed")])
    items += [
        [Part(f"{count(counts[code])} {word}")]
        for code, word in ((SKIPPED, "not run"), (CANCELLED, "stopped"))
        if counts[code]
    ]
    if totals["eta_s"] is not None:
        items.append([Part(remaining(totals["eta_s"]))])
    return [part for n, item in enumerate(items) for part in ([Part(" · ")] if n else []) + item]


def end_line(snapshot: Snapshot) -> list[Part]:
    """Return the totals of a run that is over, and how long it took."""
    elapsed_s = snapshot["totals"]["elapsed_s"]
    took = [Part(f" · took {duration(elapsed_s)}")] if elapsed_s is not None else []
    return totals_line(snapshot["totals"]) + took


def status_line(snapshot: Snapshot) -> list[Part]:
    """Return the line under the bar for a run in any state."""
    running = snapshot["status"] == "running"
    return totals_line(snapshot["totals"]) if running else end_line(snapshot)


def brief_line(snapshot: Snapshot) -> str:
    """Return one line that says all there is to say about a short run."""
    totals, label = snapshot["totals"], snapshot["label"]
    counts, elapsed_s = totals["counts"], totals["elapsed_s"]
    took = f" in {duration(elapsed_s)}" if elapsed_s is not None else ""
    if snapshot["status"] == "done" and counts[REUSED] and counts[REUSED] == totals["calls"]:
        saved = f" (saved {duration(totals['saved_s'])})" if totals["saved_s"] > 0 else ""
        results = plural(counts[REUSED], "result")
        return f"{GLYPHS['reused']} {label} · {results} from cache{took}{saved}"
    glyph = {"done": "✓", "failed": "✕", "cancelled": "■"}.get(snapshot["status"], "▶")
    return f"{glyph} {label} · {text(totals_line(totals))}{took}"


def text(parts: Iterable[Part]) -> str:
    """Return *parts* as one string."""
    return "".join(part.text for part in parts)


def shorten(name: str, length: int) -> str:
    """Return *name* in at most *length* characters, an ellipsis for what is left out."""
    return name if len(name) <= length else f"{name[: max(1, length - 1)]}…"


def group_lines(group: GroupState, *, planned: bool = False) -> list[str]:
    """Return the second line of a box (`816 of 1,000 · 3 ✕`), longest wording first."""
    size, status = group["size"], group["status"]
    times = [f"×{count(size)}"] if size > 1 else []
    if planned:
        return [" · ".join(times)]
    if status == "waiting":
        waits = [f"waits for {group['waits_for']}"] if group["waits_for"] else []
        return [" · ".join([*times, *waits]) or "waiting", *times]
    if status in ("done", "reused"):
        return [" · ".join([*times, *said]) for said in _times(group)]
    return [_some(group)] if size > 1 else _only(group)


def _some(group: GroupState) -> str:
    """Return how far a group of several calls has come, or had when the run ended."""
    counts, size = group["counts"], group["size"]
    failed = [f"{count(counts[FAILED])} {GLYPHS['failed']}"] if counts[FAILED] else []
    if group["status"] == "running" or completed(counts):
        return " · ".join([f"{count(completed(counts))} of {count(size)}", *failed])
    return " · ".join([f"×{count(size)}", *(failed or [status_word(group["status"])])])


def _only(group: GroupState) -> list[str]:
    running_s, progress = group["running_s"] or 0.0, group["progress"]
    passed = duration(running_s) if running_s >= 1 else ""
    timed = [" · ".join([progress[0], passed])] if progress and passed else []
    return [*timed, *progress, " ".join([status_word(group["status"]), passed]).rstrip()]


def _times(group: GroupState) -> list[list[str]]:
    if group["counts"][DONE]:
        return [[duration(group["ran_s"])]] if group["ran_s"] > 0 else [["done"], []]
    if group["saved_s"] > 0:
        saved = duration(group["saved_s"])
        return [[f"saved {saved}"], [saved]]
    return [["reused"], []]


def status_word(status: Status) -> str:
    """Return the status as a reader calls it."""
    return {"skipped": "not run", "cancelled": "stopped"}.get(status, status)


def counts_line(counts: Sequence[int]) -> str:
    """Return `203 reused · 613 done · 181 running · 3 failed`, without what there is none of."""
    return " · ".join(
        f"{count(counts[code])} {status_word(NAMES[code])}" for code in BAR if counts[code]
    )


def group_facts(group: GroupState) -> str:
    """Return the line of numbers for one group: counts, p50 and p95, time in all."""
    facts = [counts_line(group["counts"])]
    if group["p50_s"] is not None and group["p95_s"] is not None and group["size"] > 1:
        facts.append(f"p50 {duration(group['p50_s'])} · p95 {duration(group['p95_s'])}")
    if group["ran_s"] > 0:
        in_all = " in all" if group["size"] > 1 else ""
        facts.append(duration(group["ran_s"]) + in_all)
    if group["saved_s"] > 0:
        facts.append(f"saved {duration(group['saved_s'])}")
    if group["retried"]:
        facts.append(f"{plural(group['retried'], 'attempt')} repeated")
    return " · ".join(facts)


def reason_line(group: GroupState) -> str:
    """Return why calls of the group ran; empty if none had to, or nobody said why."""
    return ", ".join(group["reasons"])


def table_row(group: GroupState) -> list[str]:
    """Return the cells of one group under `TABLE_COLUMNS`."""
    p50_s, p95_s = group["p50_s"], group["p95_s"]
    return [
        group["name"],
        f"{GLYPHS[group['status']]} {_status_word(group)}",
        count(group["size"]),
        duration(group["ran_s"]) if group["ran_s"] > 0 else "–",
        duration(p50_s) if p50_s is not None else "–",
        duration(p95_s) if p95_s is not None else "–",
        duration(group["saved_s"]) if group["saved_s"] > 0 else "–",
        group["executor"] or "–",
        reason_line(group) or "–",
    ]


def _status_word(group: GroupState) -> str:
    used = [code for code in BAR if group["counts"][code]]
    if len(used) > 1:
        return counts_line(group["counts"])
    return " · ".join([status_word(group["status"]), *group["progress"][:1]])


def table_title(groups: int) -> str:
    """Return the summary of the folded table."""
    return f"As a table · {plural(groups, 'group')} · time and reason for each"


def cause_calls(cause: Cause) -> str:
    """Return whom a failure hit: `align[587], align[733] and 12 more`."""
    more = cause["count"] - len(cause["calls"])
    return ", ".join(cause["calls"]) + (f" and {count(more)} more" if more > 0 else "")


def cause_error(cause: Cause) -> str:
    """Return what happened and where: `KeyError: 'chr' at align, line 6`."""
    tried = f" · attempt {cause['attempts']}" if cause["attempts"] > 1 else ""
    return cause["error"] + (f" at {cause['where']}" if cause["where"] else "") + tried


def cause_log(cause: Cause) -> str:
    """Return the traceback and the log tail of the first of the failed calls."""
    parts = [cause["traceback"].rstrip(), cause["log"].rstrip()]
    return "\n\n".join(part for part in parts if part)


def unlisted_line(number: int) -> str:
    """Return the line for failures that are counted but not listed; empty if there are none."""
    return f"and {plural(number, 'more failure')} of other kinds" if number else ""
