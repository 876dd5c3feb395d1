"""What a run that failed says of it, as `ErrorMessage`."""

import re
from collections.abc import Sequence
from typing import Final

from cellgraph_executors.sandbox.glue.work import Cause

_TRACEBACK: Final = "Traceback (most recent call last):"
_RAISED: Final = re.compile(r"[A-Za-z_][\w.]*(: .*)?$")


def error_of(cause: Cause, code: int, text: str, printed: Sequence[str]) -> str:
    """*text*: why it was not launched. *printed*: the end of what it wrote to stderr."""
    if cause == "not launched":
        return f"LAUNCH ERROR | {text}. Please refer logs for details."
    if cause == "host lost":
        return "Resource unavailable: the host of the driver was lost"
    if cause == "out of memory":
        return "Command Failed due to Out of Memory"
    return _raised(printed) or f"Command failed with exit code {code}"


def _raised(printed: Sequence[str]) -> str:
    """The exception that ended a script: the first line behind the frames of its last traceback."""
    starts = [at for at, line in enumerate(printed) if line.endswith(_TRACEBACK)]
    if not starts:
        return ""
    behind = [line for line in printed[starts[-1] + 1 :] if line and not line.startswith(" ")]
    return behind[0] if behind and _RAISED.match(behind[0]) else ""
