"""`cellgraph jobs`: what runs on other machines, whoever sent it."""

import time

from rich.table import Table
from rich.text import Text

from cellgraph.cli.console import console, duration
from cellgraph.errors import ConfigError
from cellgraph.remotejobs import RemoteJobs
from cellgraph.session import Session

_VERBS = ("logs", "cancel")


def show_jobs(verb: str | None, job: str | None) -> None:
    """List the jobs of the project's remote executors, or carry out *verb* on one.

    Raises ConfigError, ExecutorError.
    """
    if verb is not None and verb not in _VERBS:
        raise ConfigError(f"cellgraph jobs takes {' or '.join(_VERBS)}, not {verb}")
    if verb is not None and job is None:
        raise ConfigError(f"say which: cellgraph jobs {verb} ID (cellgraph jobs lists them)")
    with Session() as session:
        if verb is None or job is None:
            _list(session.jobs)
        elif verb == "logs":
            id_, _, child = job.partition(":")
            if child and not child.isdigit():
                raise ConfigError(f"{job}: expected ID:CHILD, with a number for the child")
            text = session.jobs.log(id_, int(child or 0)) or "it has written nothing yet"
            console().print(Text(text.rstrip("\n")), soft_wrap=True)
        else:
            ended = session.jobs.cancel(job)
            console().print(f"{ended.id} is being ended; what has finished is kept")


def _list(jobs: RemoteJobs) -> None:
    found = jobs.list()
    if not found:
        console().print("nothing runs on other machines")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("job", "task", "executor", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("waiting", "running", "done", "failed", "for"):
        table.add_column(name, justify="right", no_wrap=True)
    for job in reversed(found):
        counts = (f"{n:,}" for n in (job.waiting, job.running, job.done, job.failed))
        ago = duration(max(0.0, time.time() - job.created))
        table.add_row(job.id or "–", job.task, job.executor, job.status, *counts, ago)
    console().print(table, soft_wrap=True)
