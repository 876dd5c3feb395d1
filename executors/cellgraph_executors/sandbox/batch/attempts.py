"""The record of an attempt that has ended, and what the job becomes by it."""

from cellgraph_executors.sandbox.batch.model import Attempt, State
from cellgraph_executors.sandbox.batch.verdict import Ending
from cellgraph_executors.sandbox.batch.work import Life


def ended_attempt(life: Life, ending: Ending, now_ms: int) -> Attempt:
    """The record. One that never ran has no log stream."""
    return Attempt(
        started_ms=life.started_ms,
        stopped_ms=now_ms,
        status_reason=ending.status_reason,
        reason=ending.reason,
        exit_code=ending.exit_code,
        task=life.task,
        log_stream="" if life.cause == "not started" else life.log.name,
        codes=life.codes,
    )


def ended_state(state: State, ending: Ending, attempt: Attempt) -> State:
    """The job's state if this was its last attempt."""
    return state._replace(
        status="SUCCEEDED" if ending.succeeded else "FAILED",
        reason=attempt.status_reason,
        stopped_ms=attempt.stopped_ms,
        attempts=(*state.attempts, attempt),
        task="",
        log_stream="",
    )
