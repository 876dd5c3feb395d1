"""One thread of a crew, and what it does now."""

import threading
import time
from collections import deque

from cellgraph.executor import Job, JobEvent, Resources
from cellgraph_executors.machine import Ticket


class Worker:
    """One thread of a crew and what it does now."""

    def __init__(self) -> None:
        self.thread: threading.Thread  # set by the crew before the thread starts
        self.go = threading.Lock()  # held while the worker is parked
        self.go.acquire()
        self.job: Job | None = None
        self.began = 0.0  # seconds since the epoch
        self.lock = threading.Lock()  # decides whose a running call is
        self.claimed = False  # somebody else has answered for the running call
        self.retired = False
        self.ticket: Ticket | None = None
        self.plain = False  # the ticket is that of a plain call, and kept for the next one
        self.plain_seen: Resources | None = None
        self.events: deque[JobEvent] = deque()
        self.reporting = threading.Lock()  # keeps events in order when others flush as well
        self.reported = 0.0


def is_plain(resources: Resources) -> bool:
    """Whether a call asks for what every call may have: one vCPU, no memory in particular."""
    return resources.vcpus == 1.0 and not resources.memory_gib


def join_all(threads: list[threading.Thread], timeout_s: float) -> None:
    """Wait for *threads*, for *timeout_s* in all."""
    until = time.monotonic() + timeout_s
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
