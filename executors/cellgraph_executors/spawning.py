"""One worker process, from its start to its end.

Each is a pebble pool of one: pebble starts it, carries messages and notices its death. A pool of
several shares one pipe and its locks, which a worker killed at the wrong moment would take along;
alone, a death costs one call.
"""

import multiprocessing
import multiprocessing.spawn
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from cellgraph.errors import HostLost
from cellgraph_executors.parcels import Gone

T = TypeVar("T")

# Guards the one function of multiprocessing that is wrapped while a process starts.
_STARTING: Final = threading.Lock()
_MAIN_KEYS: Final = ("init_main_from_name", "init_main_from_path")


class Child:
    """A worker process. Used by one thread, except for `abandon`."""

    def __init__(self, set_up: Callable[..., int], *args: object) -> None:
        """Start the process and have it call ``set_up(*args)``, which returns its pid.

        Raises HostLost when it cannot be started or *set_up* raises.
        """
        self.pid = 0
        self._pool = ProcessPool(max_workers=1, context=QuietContext())
        try:
            self.pid = self._pool.schedule(set_up, args=args).result()
        except (BrokenProcessPool, ProcessExpired, RuntimeError, OSError) as error:
            self.end()
            raise HostLost(f"a worker process could not be started: {error}") from error
        except BaseException:
            self.end()
            raise

    def send(self, function: Callable[[Any], T], argument: object) -> "ProcessFuture[T]":
        """Have the process call ``function(argument)``. Raises Gone when it is no longer there."""
        try:
            return self._pool.schedule(function, args=(argument,))
        except RuntimeError as error:  # pebble: the pool is not active
            raise Gone(0) from error

    def wait(self, future: "ProcessFuture[T]", timeout_s: float) -> T:
        """Return the answer. Raises TimeoutError when it is not there yet, Gone when the process
        has ended, CancelledError after `future.cancel()`."""
        try:
            return future.result(timeout_s)
        except NotYet:
            if self.alive():
                raise
            # pebble says nothing of a process that ends with exit code 0
            if future.done():
                return self.wait(future, 0)
            raise Gone(0) from None
        except ProcessExpired as error:
            raise Gone(error.exitcode) from error
        except BrokenProcessPool as error:
            raise Gone(0) from error

    def alive(self) -> bool:
        """Whether the process exists; pebble reaps a dead one within a tenth of a second."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> None:
        """Stop the process (SIGTERM, after three seconds SIGKILL) and wait for its end."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates it in part
        self._pool.join()


class QuietProcess(SpawnProcess):
    """A spawned process that leaves the parent's `__main__` alone and is not hit by its Ctrl-C.

    multiprocessing would run the main script again in the child, so that functions of it can be
    found there. Ours travel by value, and scripts have no `if __name__ == "__main__"`.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - the name multiprocessing calls
        with _without_main(), _without_interrupts():
            return SpawnProcess._Popen(process_obj)


class QuietContext(SpawnContext):
    """The spawn context with `QuietProcess`."""

    Process = QuietProcess


@contextmanager
def _without_main() -> Generator[None]:
    """Leave `__main__` out of what this thread tells a starting process."""
    me = threading.get_ident()
    spawn: Any = multiprocessing.spawn
    with _STARTING:
        original = spawn.get_preparation_data

        def prepare(name: str) -> dict[str, Any]:
            data: dict[str, Any] = original(name)
            if threading.get_ident() == me:
                for key in _MAIN_KEYS:
                    data.pop(key, None)
            return data

        spawn.get_preparation_data = prepare
        try:
            yield
        finally:
            spawn.get_preparation_data = original


@contextmanager
def _without_interrupts() -> Generator[None]:
    """Block SIGINT on this thread: a process started now inherits that, until it ignores the
    signal by itself. A notebook sends Ctrl-C to its whole process group."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
