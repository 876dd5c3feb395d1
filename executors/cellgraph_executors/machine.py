"""Admission: how many calls this machine takes at once, by vCPUs and memory.

One `Machine` is shared by all executors of a process. It is a weighted semaphore whose waiting line
may be overtaken, but only a bounded number of times: small calls keep the machine busy while a
large one waits, and cannot keep it waiting for ever.
"""

import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cellgraph.errors import ExecutorError
from cellgraph.executor import Resources

# How many later calls may overtake one that waits for more than is free.
OVERTAKES: Final = 16
_MILLI: Final = 1000
_MIB_PER_GIB: Final = 1024
# Where a Linux container sees its own limits (cgroup version 2).
_CGROUP: Final = Path("/sys/fs/cgroup")


class Ticket:
    """One call's claim on the machine; belongs to the executor that made it."""

    __slots__ = ("mib", "milli", "overtaken")

    def __init__(self, milli: int, mib: int) -> None:
        self.milli = milli  # thousandths of a vCPU: whole numbers add up exactly
        self.mib = mib
        self.overtaken = 0


class Machine:
    """What this machine has, and what of it is taken. All methods are thread-safe.

    `vcpus` defaults to the CPUs this process may use, `memory_gib` to the physical memory.
    """

    def __init__(self, vcpus: float | None = None, memory_gib: float | None = None) -> None:
        self.vcpus = float(vcpus if vcpus is not None else usable_cpus())
        self.memory_gib = memory_gib if memory_gib is not None else usable_memory_gib()
        self._milli = round(self.vcpus * _MILLI)
        self._mib = round(self.memory_gib * _MIB_PER_GIB)
        self._lock = threading.Lock()
        self._line: list[Ticket] = []  # those that did not fit, in order of their first try
        self._listeners: tuple[Callable[[], None], ...] = ()
        # Whether anything waits: read without the lock on the hot path of executors.
        self.crowded = False

    def ticket(self, resources: Resources, scale: float = 1.0) -> Ticket:
        """Return a ticket for *resources*, its vCPUs times *scale*.

        Raises ExecutorError for a call that wants more than the machine has.
        """
        milli, mib = (
            round(resources.vcpus * scale * _MILLI),
            round(resources.memory_gib * _MIB_PER_GIB),
        )
        if resources.vcpus * scale > self.vcpus:
            raise ExecutorError(
                f"the call asks for vcpus={resources.vcpus:g} and this machine has {self.vcpus:g}: "
                "ask for less, or choose another executor"
            )
        if resources.memory_gib > self.memory_gib:
            raise ExecutorError(
                f"the call asks for memory_gib={resources.memory_gib:g} and this machine has "
                f"{self.memory_gib:.1f}: ask for less, or choose another executor"
            )
        return Ticket(min(milli, round(self.vcpus * _MILLI)), mib)

    def fits(self, resources: Resources, scale: float = 1.0) -> bool:
        """Whether as much is free now, waiting line apart."""
        milli, mib = (
            round(resources.vcpus * scale * _MILLI),
            round(resources.memory_gib * _MIB_PER_GIB),
        )
        return milli <= self._milli and mib <= self._mib

    def try_take(self, ticket: Ticket) -> bool:
        """Admit *ticket* if it fits and nobody before it has been overtaken too often.

        Otherwise it stands in the waiting line, until it is admitted or withdrawn. A ticket for
        nothing (the engine's own small steps ask for no vCPU) is admitted at once.
        """
        if not ticket.milli and not ticket.mib:
            return True
        with self._lock:
            before = self._before(ticket)
            fits = ticket.milli <= self._milli and ticket.mib <= self._mib
            if not fits or any(other.overtaken >= OVERTAKES for other in before):
                if len(before) == len(self._line):
                    self._line.append(ticket)
                    self.crowded = True
                return False
            for other in before:
                other.overtaken += 1
            self._milli -= ticket.milli
            self._mib -= ticket.mib
            if len(before) < len(self._line):
                self._leave_line(ticket)
            return True

    def give_back(self, ticket: Ticket) -> None:
        """Free what an admitted *ticket* held. Whoever calls this calls `announce` afterwards,
        unless it takes as much again, and holds no lock of its own then."""
        with self._lock:
            self._milli += ticket.milli
            self._mib += ticket.mib

    def withdraw(self, ticket: Ticket) -> None:
        """Leave the waiting line."""
        with self._lock:
            if any(other is ticket for other in self._line):
                self._leave_line(ticket)

    def announce(self) -> None:
        """Tell every executor that something is free, if anything waits for it."""
        if self.crowded:
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* at each announcement, from any thread; return what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._forget(listener)

    def _before(self, ticket: Ticket) -> list[Ticket]:
        """Those that came before: all of the line for a ticket that does not stand in it."""
        before: list[Ticket] = []
        for other in self._line:
            if other is ticket:
                break
            before.append(other)
        return before

    def _leave_line(self, ticket: Ticket) -> None:
        self._line = [other for other in self._line if other is not ticket]
        self.crowded = bool(self._line)

    def _forget(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners = tuple(other for other in self._listeners if other is not listener)


def usable_cpus(cgroup: Path = _CGROUP) -> int:
    """CPUs this process may use: its affinity and its container's share, at least 1."""
    cpus = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        cpus = len(os.sched_getaffinity(0)) or 1
    share = _words(cgroup / "cpu.max")  # "200000 100000": microseconds per period
    if len(share) == 2 and share[0].isdigit() and int(share[1]):
        cpus = min(cpus, math.ceil(int(share[0]) / int(share[1])))
    return max(1, cpus)


def usable_memory_gib(cgroup: Path = _CGROUP) -> float:
    """Memory this process may use: what the machine has, or its container's limit."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _words(cgroup / "memory.max")
    if limit and limit[0].isdigit():
        memory = min(memory, int(limit[0]))
    return memory / 2**30


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
