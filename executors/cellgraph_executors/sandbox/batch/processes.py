"""Attempts as processes of this machine, each in a process group and session of its own.

One thread reads what all of them print and notices their ends.
"""

import errno
import os
import selectors
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Final, Protocol, cast

from cellgraph_executors.sandbox.batch.mounting import with_mounts
from cellgraph_executors.sandbox.batch.runner import CannotStart, Order, Running
from cellgraph_executors.sandbox.logstreams import LogStream

_CHUNK: Final = 1 << 16
_POLL_S: Final = 0.02  # where the system does not tell of a process's end
_HAS_PIDFD: Final = hasattr(os, "pidfd_open")


class Started(Protocol):
    """A process that was started; a `Popen`, for one. Its output is on `stdout`."""

    @property
    def pid(self) -> int: ...

    @property
    def stdout(self) -> IO[bytes] | None: ...

    @property
    def stderr(self) -> IO[bytes] | None:
        """Asked for only where an order has a stream for it."""
        ...

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        ...

    def wait(self) -> int:
        """The same, at its end. Its number may be another's afterwards."""
        ...


def spawn(order: Order) -> Started:
    """Start the process of an attempt. Raises OSError."""
    command: Sequence[str] = order.command
    if order.mounts:
        if shutil.which(command[0], path=order.environment.get("PATH")) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
        command = with_mounts(command, order.folder, order.mounts)
    return subprocess.Popen(
        command,
        cwd=order.folder,
        env=order.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if order.errors is None else subprocess.PIPE,
        start_new_session=True,
    )


class Processes:
    """A `Runner`. *start*: how a process is started."""

    def __init__(self, start: Callable[[Order], Started] = spawn) -> None:
        self._start = start
        self._new: deque[_Process] = deque()
        self._live: set[_Process] = set()  # of the pump's thread
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._pump, name="cellgraph-sandbox-jobs")
        self._thread.daemon = True
        self._thread.start()

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Start a process, see `Runner`."""
        process = _Process(order, ended, self._start)
        self._new.append(process)
        self._wake()
        return process

    def close(self) -> None:
        """Kill every process and wait for that."""
        self._closing = True
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        os.write(self._wake_in, b"!")

    def _pump(self) -> None:
        while not self._closing:
            wait_s = _POLL_S if self._live and not _HAS_PIDFD else None
            for key, _ in self._selector.select(wait_s):
                if key.fd == self._wake_out:
                    self._take_new()
                    continue
                process = cast("_Process", key.data)
                if key.fd == process.exit_fd:
                    self._finish(process)
                elif process in self._live and not process.read(key.fd):
                    self._selector.unregister(key.fd)
            if not _HAS_PIDFD:
                for process in [p for p in self._live if p.has_ended()]:
                    self._finish(process)
        self._take_new()
        for process in list(self._live):
            process.kill()
            self._finish(process, silently=True)
        self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _take_new(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_out, _CHUNK)
        while self._new:
            process = self._new.popleft()
            self._live.add(process)
            for fd in process.reading:
                self._selector.register(fd, selectors.EVENT_READ, process)
            if process.exit_fd >= 0:
                self._selector.register(process.exit_fd, selectors.EVENT_READ, process)

    def _finish(self, process: "_Process", *, silently: bool = False) -> None:
        if process not in self._live:
            return
        self._live.discard(process)
        for fd in process.reading:
            self._selector.unregister(fd)
        if process.exit_fd >= 0:
            self._selector.unregister(process.exit_fd)
        process.finish(silently)


class _Process:
    """One attempt. Its descriptors are the pump's."""

    def __init__(
        self, order: Order, ended: Callable[[int], None], start: Callable[[Order], Started]
    ) -> None:
        self._order = order
        self._ended = ended
        order.folder.mkdir(parents=True, exist_ok=True)
        (order.folder / "tmp").mkdir()
        try:
            self._started = start(order)
        except OSError as error:
            shutil.rmtree(order.folder, ignore_errors=True)
            raise CannotStart(_cannot_start(order.command, error)) from error
        self._pipes = [(cast("IO[bytes]", self._started.stdout), order.log)]
        if order.errors is not None:
            self._pipes.append((cast("IO[bytes]", self._started.stderr), order.errors))
        # Descriptors from which more may come, and where it goes.
        self.reading = {pipe.fileno(): log for pipe, log in self._pipes}
        for fd in self.reading:
            os.set_blocking(fd, False)
        self.exit_fd = os.pidfd_open(self._started.pid) if _HAS_PIDFD else -1
        self._lock = threading.Lock()
        self._reaped = False

    def has_ended(self) -> bool:
        """Whether the process is there no more."""
        return self._started.poll() is not None

    def read(self, fd: int) -> bool:
        """Pass on what was printed; return whether more may come."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return True
        self.reading[fd].write(data)
        if not data:
            del self.reading[fd]
        return bool(data)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Not after the process was reaped: its number may be another's by then."""
        with self._lock:
            if not self._reaped:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._started.pid, number)

    def finish(self, silently: bool) -> None:
        """The process has ended, or is about to: end what it left behind, and report."""
        self.kill()  # a container ends with its first process
        with self._lock:
            code = self._started.wait()
            self._reaped = True
        for fd, log in self.reading.items():
            while self._more(fd, log):
                pass
        for pipe, log in self._pipes:
            pipe.close()
            log.close()
        if self.exit_fd >= 0:
            os.close(self.exit_fd)
        shutil.rmtree(self._order.folder, ignore_errors=True)
        if not silently:
            self._ended(128 - code if code < 0 else code)

    def _more(self, fd: int, log: LogStream) -> bool:
        """Read what is in the pipe and do not wait for more: a process may have left the group."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        log.write(data)
        return bool(data)


def _cannot_start(command: tuple[str, ...], error: OSError) -> str:
    name = command[0] if command else ""
    if isinstance(error, FileNotFoundError):
        return (
            "CannotStartContainerError: Error response from daemon: failed to create task for "
            f'container: exec: "{name}": executable file not found in $PATH'
        )
    return f"CannotStartContainerError: Error response from daemon: {error.strerror}"
