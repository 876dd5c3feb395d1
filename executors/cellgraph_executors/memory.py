"""What the kernel says about memory: whether its out-of-memory killer struck, and who used what."""

import os
import time
from collections import deque
from pathlib import Path
from typing import Final

# A kill counts as recent for as long as pebble may take to notice a death, and a bit.
_RECENT_S: Final = 1.0


class OomWatch:
    """Counts the kernel's out-of-memory kills (Linux; elsewhere there are never any).

    Used by one thread: `note` from time to time, `struck` after a process was killed.
    """

    def __init__(self, vmstat: Path = Path("/proc/vmstat")) -> None:
        self._vmstat = vmstat
        self._noted: deque[tuple[float, int]] = deque()
        self.note()

    def note(self) -> None:
        """Remember the present count."""
        now = time.monotonic()
        self._noted.append((now, self._count()))
        while len(self._noted) > 1 and self._noted[1][0] < now - _RECENT_S:
            self._noted.popleft()

    def struck(self) -> bool:
        """Whether the count has grown within about the last second."""
        return self._count() > self._noted[0][1]

    def _count(self) -> int:
        try:
            text = self._vmstat.read_text()
        except OSError:
            return 0
        for line in text.splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
        return 0


def resident_gib(pid: int) -> float:
    """Memory that process *pid* holds now, in GiB; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0.0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**30
