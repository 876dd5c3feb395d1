"""How an attempt ended, in the words that AWS uses for it."""

from typing import Final, Literal, NamedTuple

EXITED: Final = "Essential container in task exited"
NOT_STARTED: Final = "Task failed to start"
TIMED_OUT: Final = "Job attempt duration exceeded timeout"
OUT_OF_MEMORY: Final = "OutOfMemoryError: Container killed due to memory usage"
DEPENDENCY_FAILED: Final = "Dependent Job failed"
CHILD_FAILED: Final = "Array Child Job failed"
TOO_LARGE: Final = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) "
    "is higher than that can be met by the CE(s) attached to the job queue."
)
KILLED: Final = 137

Cause = Literal["exited", "not started", "host lost", "out of memory", "timed out", "terminated"]

# When in the life of an attempt a planned fault happens: before its command, so many seconds after
# its start, or once the command has ended, whatever it returned.
When = Literal["start", "end"] | float


class Planned(NamedTuple):
    """What will end an attempt."""

    cause: Cause
    exit_code: int
    text: str
    when: When


class Ending(NamedTuple):
    """What an attempt's record says of its end."""

    status_reason: str
    reason: str
    exit_code: int | None
    final: bool  # whatever retryStrategy says

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and self.status_reason == EXITED


def judge(cause: Cause, exit_code: int, text: str) -> Ending:
    """*text*: the reason of who terminated it, the instance that was lost, or why no start."""
    match cause:
        case "exited":
            return Ending(EXITED, "", exit_code, final=False)
        case "not started":
            return Ending(NOT_STARTED, text, None, final=False)
        case "host lost":
            return Ending(f"Host EC2 (instance {text}) terminated.", "", None, final=False)
        case "out of memory":
            return Ending(EXITED, OUT_OF_MEMORY, KILLED, final=False)
        case "timed out":
            return Ending(TIMED_OUT, "", exit_code, final=True)
        case "terminated":
            return Ending(text, "", exit_code, final=True)
