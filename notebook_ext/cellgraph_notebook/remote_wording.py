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
)
from cellgraph_notebook.wording import count, duration, plural

SERVICE: Final[dict[RemoteKind, str]] = {
    "array": "AWS Batch array",
    "job": "AWS Batch job",
    "glue": "AWS Glue run",
}
_ID_CHARS: Final = 8
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
    if job["vcpus"] > 0:
        parts.append(f"{job['vcpus']:g} vCPU")
    if job["attached"]:
        parts.append("attached again")
    return " · ".join(parts)


def job_facts(job: JobState) -> str:
    """Return how it is doing: `3 failed · 816 done · 181 running · p50 41 s · ... · $0.69`."""
    facts = [_SAID[job["status"]]] if job["status"] in _SAID else []
    facts += _children(job)
    if job["p50_s"] is not None and job["p95_s"] is not None:
        facts.append(f"p50 {duration(job['p50_s'])} · p95 {duration(job['p95_s'])}")
    if job["waited_s"] is not None and job["waited_s"] >= 1:
        facts.append(f"queued {duration(job['waited_s'])}")
    if job["repeated"]:
        facts.append(f"{plural(job['repeated'], 'attempt')} repeated")
    if job["vcpu_hours"] > 0:
        facts.append(f"{amount(job['vcpu_hours'])} vCPU-h")
    if job["usd"] > 0:
        facts.append(f"${amount(job['usd'])}")
    if job["note"] and job["status"] not in ("done", "failed"):  # then children say why
        facts.append(job["note"])
    return " · ".join(facts)


def _children(job: JobState) -> list[str]:
    if job["cells"]:
        return [
            f"{count(job['counts'][code])} {word}" for code, word in _ORDER if job["counts"][code]
        ]
    if job["status"] in _SAID:
        return []
    return [next((word for code, word in _ORDER if job["counts"][code]), job["status"])]


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
