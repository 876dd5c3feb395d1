"""What one call takes of the process that runs it and nothing else: CPU time, peak memory.

Linux lets a process start its high-water mark anew; elsewhere a call's peak is known only if it is
higher than that of all calls before it. Children that the call waited for count for CPU.
"""

import os
import re
import resource
import sys
from typing import Final

from cellgraph.executor import Usage

# Not getrusage: there a process begins with the peak of the one that started it.
_STATUS: Final = "/proc/self/status"
_HIGH_WATER: Final = re.compile(rb"VmHWM:\s*(\d+) kB")
_RESET: Final = "/proc/self/clear_refs"
_PEAK: Final = b"5"  # what resets the high-water mark, and nothing else
# getrusage counts in kilobytes, on macOS in bytes.
_UNIT: Final = 1 if sys.platform == "darwin" else 1024


class Meter:
    """Begins to measure when it is made. One at a time in a process."""

    def __init__(self) -> None:
        self._anew = _reset()
        self._before_bytes = _peak_bytes()
        self._before_s = _cpu_s()

    def usage(self) -> Usage:
        """What was taken since."""
        peak = _peak_bytes()
        known = self._anew or peak > self._before_bytes
        return Usage(_cpu_s() - self._before_s, peak if known else 0)


def _cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    try:
        fd = os.open(_STATUS, os.O_RDONLY)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    try:
        found = _HIGH_WATER.search(os.read(fd, 1 << 14))
    finally:
        os.close(fd)
    return int(found[1]) * 1024 if found is not None else 0


def _reset() -> bool:
    try:
        fd = os.open(_RESET, os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(fd, _PEAK)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
