"""Stop a function that runs on another thread, as far as it runs Python code.

CPython raises an exception sent to a thread at that thread's next bytecode boundary. It is only
sent while the thread is in the user's code: in the middle of our own (the store, a report) it could
leave damage.
"""

import ctypes
import sys
from types import FrameType
from typing import Final

_OURS: Final = ("cellgraph", "cellgraph_executors")
# The body of a script: made to be stopped at any moment, while it waits for its program.
_SCRIPT: Final = (
    "cellgraph.scripting",
    "cellgraph.shell.process",
    "cellgraph.shell.programs",
    "cellgraph.shell.running",
)
_RUNS_THE_BODY: Final = "cellgraph.worker"


class Stopped(BaseException):
    """Raised inside a function that was cancelled or ran out of time. Never leaves this package.

    Not an Exception, so that ``except Exception`` in the function lets it pass.
    """


def interrupt(ident: int) -> bool:
    """Send `Stopped` to thread *ident* if it is in the user's code now; return whether it was sent.

    The caller holds the lock that keeps the thread from taking another call. Between the look at
    the frames and the delivery lie a few microseconds in which the function may return; then
    `Stopped` is raised on the way out of `run_job`, which its caller expects.
    """
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    target, error = ctypes.c_ulong(ident), ctypes.py_object(Stopped)
    frame = sys._current_frames().get(ident)  # pyright: ignore[reportPrivateUsage] - documented
    return _in_user_code(frame) and bool(send(target, error))


def _in_user_code(frame: FrameType | None) -> bool:
    """Whether the innermost frames are not ours and stand on the one that runs the body."""
    depth = 0
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".", 1)[0] in _OURS and module not in _SCRIPT:
            return depth > 0 and module == _RUNS_THE_BODY
        depth += 1
        frame = frame.f_back
    return False
