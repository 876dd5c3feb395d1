"""An exported run from its start to its end: attempts, what was killed, and word of it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from cellgraph.errors import CellgraphError, ExportError
from cellgraph.scheduled.alerts import Status, alert, send
from cellgraph.scheduled.attempt import Done, Failed, Job, Say, attempt
from cellgraph.scheduled.state import Killed, State
from cellgraph.session import Session

Open = Callable[[], AbstractContextManager[Session]]
_LOOKED_AT: Final = 500  # runs on record among which the one before is looked for


def run(job: Job, open_session: Open, state: State | None, say: Say, *, first: int = 1) -> Done:
    """Carry *job* out, as often as it may be tried, and tell whoever is to be told.

    *state* is None where nobody keeps one: on a machine that is gone afterwards. *open_session*
    makes the session of one attempt the current one. Raises the error of the last attempt.
    """
    spec = job.bundle.spec
    try:
        with open_session() as session:
            failing = was_failing(session, spec.name)
    except CellgraphError:  # the store cannot be opened: the attempt will say so, and it is told
        failing = False
    last, number = max(first, 1 + spec.retries), first
    while True:
        ended = _attempt(job, open_session, state, say, number)
        if isinstance(ended, Done) or number == last:
            break
        say(f"attempt {number} failed, once more: {str(ended.error).partition(chr(10))[0]}")
        number += 1
    if state is not None:
        state.ended(job.due, time.time())
    if isinstance(ended, Failed):
        tell(job, "failed", number, ended.run.id if ended.run else "", str(ended.error), say)
        raise ended.error
    if failing:
        tell(job, "recovered", number, ended.run.id, "", say)
    return ended


def _attempt(
    job: Job, open_session: Open, state: State | None, say: Say, number: int
) -> Done | Failed:
    try:
        if state is not None:
            state.began(job.due, number, time.time())
        with open_session() as session:
            return attempt(session, job, number, say)
    except KeyboardInterrupt:  # somebody is there: nobody has to be told, and it stays due
        if state is not None:
            state.ended(0.0, time.time())
        raise
    except CellgraphError as error:  # no session, so no record: but it is told of
        return Failed(None, error)


def note_killed(job: Job, killed: Killed, open_session: Open, say: Say) -> None:
    """Put an attempt that was killed on record, and tell of it."""
    error = ExportError("it was killed, or the machine went down; it is tried again")
    try:
        with open_session() as session:
            session.record_as(job.recorded(killed.attempt))
            found = session.record_failure(job.bundle.spec.target, str(error), killed.started)
            session.record_as(None)
        run_id = found.id
    except CellgraphError:
        run_id = ""
    tell(job, "failed", killed.attempt, run_id, str(error), say)


def was_failing(session: Session, name: str) -> bool:
    """Whether the newest run of *name* on record has failed."""
    for run in session.run_summaries(_LOOKED_AT):
        if run.scheduled is not None and run.scheduled.name == name:
            return run.status == "failed"
    return False


def tell(job: Job, status: Status, number: int, run_id: str, error: str, say: Say) -> None:
    """Tell whoever is to be told; that nobody could be told is said, and changes nothing."""
    target = job.bundle.spec.alert
    if not target:
        return
    due = datetime.fromtimestamp(job.due, UTC).isoformat() if job.due else ""
    try:
        send(target, alert(job.bundle.spec.name, status, due, run_id, number, error))
    except CellgraphError as problem:
        say(str(problem))
