"""The words for jobs on other machines, once for all renderers."""

from typing import Final

from cellgraph.events import RemoteKind, RemoteStatus
from cellgraph_notebook.snapshot import FailedChild, JobState
from cellgraph_notebook.statuses import (
    CANCELLED,
    DONE,
    FAILED,
    REUSED,
    RUNNING,
    SKIPPED,
    WAITING,
    Status,
    group_status,
    no_counts,
)
from cellgraph_notebook.wording import count, duration, plural

SERVICE: Final[dict[RemoteKind, str]] = {
    "array": "AWS Batch array",
    "job": "AWS Batch job",
    "glue": "AWS Glue run",
}
_ID_CHARS: Final = 8
VCPUS_PER_DPU: Final = 4  # by AWS Glue's guide
_WHOLE_BAR: Final = 1000
OPEN: Final = frozenset({"submitted", "queued", "running", "paused"})
# Failures first: they are what a reader looks for.
_ORDER: Final = (
    (FAILED, "failed"),
    (DONE, "done"),
    (REUSED, "found done"),
    (RUNNING, "running"),
    (SKIPPED, "not run"),
    (CANCELLED, "stopped"),
    (WAITING, "waiting"),
)
_SAID: Final[dict[RemoteStatus, str]] = {
    "submitted": "submitted",
    "queued": "queued",
    "detached": "detached: it goes on without this run",
    "paused": "not watched just now",
    "cancelled": "cancelled",
}


def job_name(kind: RemoteKind, id: str) -> str:
    """Return `AWS Batch array 7f3a1c22`; ids of services are long, and their beginnings differ."""
    return f"{SERVICE[kind]} {id[:_ID_CHARS]}".rstrip()


def job_where(job: JobState) -> str:
    """Return what a job is: `AWS Batch array 7f3a1c22 · 4 vCPU · attached again`."""
    parts = [job_name(job["kind"], job["id"])]
    if job["kind"] == "glue":
        parts.append(f"{job['vcpus'] / VCPUS_PER_DPU:g} DPU")
    elif job["vcpus"] > 0:
        parts.append(f"{job['vcpus']:g} vCPU")
    if job["attached"]:
        parts.append("attached again")
    return " · ".join(parts)


def job_facts(job: JobState) -> str:
    """Return how it is doing: `3 failed · 816 done · 181 running · p50 41 s · ... · $0.69`."""
    facts = [_SAID[job["status"]]] if job["status"] in _SAID else []
    facts += _children(job)
    facts += [job["progress"] or _share(job)] if job["progress"] or job["total"] else []
    if job["p50_s"] is not None and job["p95_s"] is not None:
        facts.append(f"p50 {duration(job['p50_s'])} · p95 {duration(job['p95_s'])}")
    if job["waited_s"] is not None and job["waited_s"] >= 1:
        facts.append(f"queued {duration(job['waited_s'])}")
    if job["repeated"]:
        facts.append(f"{plural(job['repeated'], 'attempt')} repeated")
    facts += _cost(job)
    if job["note"] and job["status"] not in ("done", "failed"):  # then children say why
        facts.append(job["note"])
    return " · ".join(facts)


def _cost(job: JobState) -> list[str]:
    """What it took; `≈`: worked out from times, because the service did not measure it."""
    hours = job["vcpu_hours"]
    if job["kind"] != "glue":
        said = [f"{amount(hours)} vCPU-h"] if hours > 0 else []
        return said + ([f"${amount(job['usd'])}"] if job["usd"] > 0 else [])
    about = "" if job["measured"] else "≈ "
    said = [f"{about}{amount(hours / VCPUS_PER_DPU)} DPU-h"] if hours > 0 else []
    return said + ([f"{about}${amount(job['usd'])}"] if job["usd"] > 0 else [])


def _share(job: JobState) -> str:
    return f"{job['done']:g} of {job['total']:g}"


def job_bar(job: JobState) -> list[int]:
    """Return what the bar of a job without a strip shows: its call by itself, or how far it is."""
    if not job["total"] or job["status"] != "running":
        return job["counts"]
    counts = no_counts()
    counts[DONE] = round(_WHOLE_BAR * min(1.0, job["done"] / job["total"]))
    counts[RUNNING] = _WHOLE_BAR - counts[DONE]
    return counts


def _children(job: JobState) -> list[str]:
    if job["cells"]:
        return [
            f"{count(job['counts'][code])} {word}" for code, word in _ORDER if job["counts"][code]
        ]
    if job["status"] in _SAID:
        return []
    word = next((word for code, word in _ORDER if job["counts"][code]), job["status"])
    running_s = job["running_s"] or 0.0
    return [f"{word} {duration(running_s)}" if word == "running" and running_s >= 1 else word]


def amount(number: float) -> str:
    """Return a number that may be small: `12.4`, `0.42`, `0.003`."""
    if number >= 10:
        return f"{number:,.1f}"
    return f"{number:.2f}" if number >= 0.1 else f"{number:.1g}"


def job_status(job: JobState) -> Status:
    """Return the one status that stands for a job."""
    return group_status(job["counts"])


def failed_child(child: FailedChild) -> str:
    """Return why a child failed: `exit 137 · Container killed due to memory usage · attempt 3`."""
    parts = [f"exit {child['exit_code']}"] if child["exit_code"] > 0 else []
    parts += [child["reason"]] if child["reason"] else []
    parts += [f"attempt {child['attempt']}"] if child["attempt"] > 1 else []
    return " · ".join(parts) or "failed"


def job_line(job: JobState) -> str:
    """Return a job in one line of text."""
    return f"{job['task']} · {job_where(job)} · {job_facts(job)}"


def hidden_line(number: int) -> str:
    """Return the line for jobs that have no room; empty if there are none."""
    return f"and {plural(number, 'more job')}: %jobs lists all of them" if number else ""


def child_title(name: str, child: int, failure: FailedChild | None) -> str:
    """Return the heading over the log of one child."""
    why = [failed_child(failure)] if failure is not None else []
    return " · ".join([name, f"child {child}", *why])
