"""``%jobs``: what runs on other machines, also what an earlier kernel sent."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import CellgraphError
from cellgraph.executor import RemoteJob
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.remote_wording import SERVICE
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.remotejobs import RemoteJobs

NO_OPTIONS: Final = Options()
VERBS: Final = ("attach", "cancel", "logs", "run-again")
_COLUMNS: Final = ("job", "task", "what", "executor", "status", "children", "for", "note")
_ENDED: Final = ("done", "failed", "cancelled")
_LOOK_S: Final = 2.0


def run_jobs(kernel: Kernel, line: str) -> Any:
    """Carry out ``%jobs [attach|cancel|logs|run-again ID[:child]]``."""
    words = parse_line(line, NO_OPTIONS).rest.split()
    try:
        jobs = kernel.session.jobs
        if not words:
            return table_of(jobs.list(), time.time())
        if words[0] not in VERBS or len(words) != 2:
            refuse(f"%jobs takes {', '.join(VERBS)} and the beginning of an id, not {line.strip()}")
        if words[0] == "run-again":
            return _again(kernel, words[1])
        _act(jobs, words[0], words[1])
    except CellgraphError as error:
        refuse(str(error))
    return None


def _again(kernel: Kernel, job_id: str) -> Any:
    """Evaluate once more what sent a job: what has a result is found, the rest runs."""
    asked = kernel.asked_with(job_id)
    if asked is None:
        refuse(f"no %evaluate of this kernel has sent {job_id}: evaluate its expression again")
    expr, how = asked
    return kernel.evaluate(expr, **how)


def _act(jobs: "RemoteJobs", verb: str, word: str) -> None:
    job_id, _, child = word.partition(":")
    if verb == "logs":
        if child and not child.isdigit():
            refuse(f"{word}: expected ID:CHILD, with a number for the child")
        print(jobs.log(job_id, int(child or 0)).rstrip("\n") or "it has written nothing yet")
    elif verb == "cancel":
        job = jobs.cancel(job_id)
        print(f"{job.id} is being ended; what its children have finished is kept")
    else:
        _attach(jobs, job_id)


def _attach(jobs: "RemoteJobs", job_id: str) -> None:
    """Say how a job is doing until it is over, or until an interrupt. Its results are met by
    whoever evaluates the same calls."""
    found = jobs.find(job_id)
    said = ""
    while True:
        job = next((j for j in found.desk.listed() if j.id == found.job.id), None)
        if job is None:
            print(f"{found.job.id} is over and its results are in the store")
            return
        now = f"{job.task} · {_what(job)} · {_children(job)}"
        if now != said:
            said = now
            print(now)
        if job.status in _ENDED:
            print("it is over: evaluate the same expression to have its results")
            return
        time.sleep(_LOOK_S)


def table_of(jobs: list[RemoteJob], now: float) -> Table:
    """The jobs, newest first."""
    rows = [_row(job, now) for job in reversed(jobs)]
    if not rows:
        return Table("nothing runs on other machines", _COLUMNS, rows)
    title = f"{plural(len(rows), 'job')} on other machines, newest first"
    return Table(f"{title} · %jobs logs ID:CHILD, %jobs cancel ID", _COLUMNS, rows)


def _row(job: RemoteJob, now: float) -> tuple[str, ...]:
    started = datetime.fromtimestamp(job.created).astimezone()
    ago = f"{duration(max(0.0, now - job.created))} ({started:%H:%M})"
    note = "" if job.status == "done" else job.note
    return (
        job.id or "–", job.task, _what(job), job.executor, job.status, _children(job), ago, note
    )  # fmt: skip


def _what(job: RemoteJob) -> str:
    calls = f", {plural(job.calls, 'call')}" if job.calls > 1 else ""
    return SERVICE[job.kind] + calls


def _children(job: RemoteJob) -> str:
    states = (
        (job.failed, "failed"), (job.done, "done"), (job.running, "running"),
        (job.waiting, "waiting"),
    )  # fmt: skip
    return " · ".join(f"{count(number)} {word}" for number, word in states if number) or "–"
