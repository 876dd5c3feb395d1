"""One worker process, from its start to its end.

Each is a pebble pool of one: pebble starts it, carries messages and notices its death. A pool of
several shares one pipe and its locks, which a worker killed at the wrong moment would take along;
alone, a death costs one call.
"""

import multiprocessing
import multiprocessing.spawn
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from cellgraph.errors import HostLost
from cellgraph_executors.parcels import Gone

T = TypeVar("T")

# Guards the one function of multiprocessing that is wrapped while a process starts.
_STARTING: Final = threading.Lock()
_END_S: Final = 10.0
_REAP_S: Final = 1.0
_LOOK_S: Final = 0.2
_MAIN_KEYS: Final = ("init_main_from_name", "init_main_from_path")


class Child:
    """A worker process. Used by one thread."""

    def __init__(self, set_up: Callable[..., int], *args: object) -> None:
        """Start the process and have it call ``set_up(*args)``, which returns its pid.

        Raises HostLost when it cannot be started, and what *set_up* raises.
        """
        self._context = OneProcess()
        self._pool = ProcessPool(max_workers=1, context=self._context)
        try:
            self.pid = self._first_answer(self._pool.schedule(set_up, args=args))
        except (Gone, RuntimeError, OSError) as error:
            self.end()
            raise HostLost(f"a worker process could not be started: {error}") from error
        except BaseException:
            self.end()
            raise

    def _first_answer(self, future: "ProcessFuture[int]") -> int:
        """Wait for a process that starts. pebble may not notice one that dies before it listens."""
        while True:
            try:
                return self.wait(future, _LOOK_S)
            except NotYet:
                continue

    def send(self, function: Callable[[Any], T], argument: object) -> "ProcessFuture[T]":
        """Have the process call ``function(argument)``. Raises Gone when it is no longer there."""
        try:
            return self._pool.schedule(function, args=(argument,))
        except RuntimeError as error:  # pebble: the pool is not active
            raise Gone(self._context.exitcode) from error

    def wait(self, future: "ProcessFuture[T]", timeout_s: float | None) -> T:
        """Return the answer. Raises TimeoutError when it is not there yet, Gone when the process
        has ended, CancelledError after `future.cancel()`."""
        try:
            return future.result(timeout_s)
        except NotYet:
            # An answer that was cut short by the death never becomes a message.
            if self.alive() or future.done() or not self._context.started:
                raise
            raise Gone(self._context.exitcode) from None
        except (ProcessExpired, BrokenProcessPool) as error:
            raise Gone(self._context.exitcode) from error

    def alive(self) -> bool:
        """Whether the process is there."""
        return self._context.alive

    def end(self) -> None:
        """Stop the process (SIGTERM, after three seconds SIGKILL) and wait for its end."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates it in part
        # pebble waits without limit for its threads; one may be stuck in half a message.
        joining = threading.Thread(target=self._pool.join, name="cellgraph-end", daemon=True)
        joining.start()
        joining.join(_END_S)


class QuietProcess(SpawnProcess):
    """A spawned process that leaves the parent's `__main__` alone and is not hit by its Ctrl-C.

    multiprocessing would run the main script again in the child, so that functions of it can be
    found there. Ours travel by value, and scripts have no `if __name__ == "__main__"`.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - the name multiprocessing calls
        with _without_main(), _without_interrupts():
            return SpawnProcess._Popen(process_obj)


class OneProcess(SpawnContext):
    """A context in which one process can be started, ever.

    pebble replaces workers that die. The locks of a pool may have died with its worker, so that
    the next one would wait for them: here the pool breaks at once instead.
    """

    def __init__(self) -> None:
        super().__init__()
        self._process: QuietProcess | None = None  # none until pebble starts it

    # multiprocessing has a class here; what pebble does is call it
    def Process(self, *args: Any, **kwargs: Any) -> QuietProcess:  # type: ignore[override]  # noqa: N802  # see above
        if self._process is not None:
            raise OSError("the worker process has ended")
        self._process = QuietProcess(*args, **kwargs)
        return self._process

    @property
    def started(self) -> bool:
        """Whether pebble has got as far as starting the process."""
        return self._process is not None

    @property
    def alive(self) -> bool:
        """Whether the process has been started and has not ended."""
        process = self._process
        if process is None or wait([process.sentinel], 0):
            return False
        # Alone it would not do: while another thread reaps the process, it says that it is alive.
        return process.is_alive()

    @property
    def exitcode(self) -> int:
        """How the process has ended: negative for a signal."""
        process = self._process
        if process is None:
            return 0
        process.join(_REAP_S)  # it has just closed its pipe, or is about to be reaped
        return process.exitcode or 0


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
