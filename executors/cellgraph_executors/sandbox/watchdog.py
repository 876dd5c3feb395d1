"""Ends everything a sandbox started, when the sandbox closes or is gone, whatever became of it.

Run as a program with the sandbox's mark and its folder; standard input is a pipe from the sandbox.
Each job's process carries the mark in its environment, and so does what it starts in turn.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator

import psutil

MARK = "CELLGRAPH_SANDBOX"
_LOOK_S = 0.5
_GRACE_S = 2.0
_ROUNDS = 200


def marked(mark: str) -> Iterator[psutil.Process]:
    """Processes of this user that carry *mark*."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # another user's, or gone
            if process.environ().get(MARK) == mark:
                yield process


def sweep(mark: str) -> None:
    """SIGTERM to all of them, and soon SIGKILL until none is left."""
    deadline = time.monotonic() + _GRACE_S
    for process in marked(mark):
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    for _ in range(_ROUNDS):
        left = list(marked(mark))  # a zombie has no environment
        if not left:
            return
        if time.monotonic() >= deadline:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        time.sleep(0.05)


def main(mark: str, folder: str) -> None:
    """Wait for the end of the sandbox, then leave nothing of it."""
    parent = os.getppid()
    while os.getppid() == parent:  # a fork of the sandbox may hold the pipe open
        ready, _, _ = select.select([0], [], [], _LOOK_S)
        if ready and not os.read(0, 1):
            break
    sweep(mark)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
