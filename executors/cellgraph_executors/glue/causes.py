"""Why a run of Glue left no result, in words that say what to do. Pure.

States and messages are those of AWS Glue's guide, *Job run statuses* and *Troubleshooting errors*.
"""

from typing import Final

from cellgraph.errors import CallCancelled, CallTimeout, ExecutorError, HostLost, OutOfMemory
from cellgraph_executors.remote.states import Fact

_MEMORY: Final = (
    "Out of Memory",
    "OutOfMemoryError",
    "exceeding memory limits",
    "exit code 137",
    "No space left on device",
)
# It had no machines, or lost them: the call is as good as it was.
_NO_ROOM: Final = (
    "Resource unavailable",
    "Max concurrent job runs per account exceeded",
    "Max concurrent job runs per job exceeded",
    "Max concurrent compute",
    "maximum concurrent compute capacity",
    "Internal service error",
    "InternalServiceException",
)


def cause(task: str, fact: Fact, log: str) -> ExecutorError:
    """`Fact.reason` is the state of the run, `Fact.container` its ErrorMessage."""
    state, message = fact.reason, fact.container
    tail = f"\nThe end of its log:\n{log.rstrip()}" if log.strip() else ""
    if state in ("STOPPED", "STOPPING"):
        return CallCancelled(f"{task}: its Glue run was stopped")
    if state == "TIMEOUT":
        return CallTimeout(f"{task}: its Glue run exceeded its timeout; give a longer timeout_s=")
    if any(text in message for text in _MEMORY):
        return OutOfMemory(
            f"{task}: its Glue run was out of memory or disk ({message}). Give more workers=, or a "
            f"larger worker_type={tail}"
        )
    if state == "EXPIRED" or any(text in message for text in _NO_ROOM):
        return HostLost(f"{task}: Glue had no machines for its run ({message or state}){tail}")
    return ExecutorError(
        f"{task}: its Glue run ended without a result: {state} ({message or 'no message'}){tail}"
    )
