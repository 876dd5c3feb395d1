"""The sandbox's folder, and the program that cleans up behind it."""

import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from cellgraph_executors.sandbox import watchdog

_END_S: Final = 30.0


class Guard:
    """Made before anything is started. Its program outlives this process by moments."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cellgraph-sandbox-"))
        self.mark = secrets.token_hex(8)
        self._program = subprocess.Popen(
            [sys.executable, watchdog.__file__, self.mark, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the sandbox
        )

    @property
    def environment(self) -> dict[str, str]:
        """What each process that is started must carry."""
        return {watchdog.MARK: self.mark}

    def close(self) -> None:
        """End what is left and remove the folder."""
        try:
            self._program.communicate(timeout=_END_S)  # closes the pipe
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
