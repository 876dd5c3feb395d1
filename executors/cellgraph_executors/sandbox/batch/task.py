"""The containers of one attempt, as ECS starts and ends them.

A container starts when those it depends on have come as far as it says. When an essential one ends,
for whatever reason, the others are stopped: SIGTERM, and SIGKILL when the grace period is over. The
attempt's exit code is that of the first essential container which did not end well, else 0.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from cellgraph_executors.sandbox.batch.model import Container
from cellgraph_executors.sandbox.batch.runner import CannotStart, Order, Runner, Running

_NEVER_STARTED = 1


class Task:
    """A `Running`. Thread-safe.

    *orders*: by container. *codes* is filled with their exit codes. *ended* is called once, when
    all of them have ended.
    """

    def __init__(
        self,
        containers: Sequence[Container],
        orders: Mapping[str, Order],
        runner: Runner,
        grace_s: float,
        codes: dict[str, int],
        ended: Callable[[int], None],
    ) -> None:
        self._containers = containers
        self._orders = orders
        self._runner = runner
        self._grace_s = grace_s
        self._codes = codes
        self._ended = ended
        self._lock = threading.RLock()
        self._running: dict[str, Running] = {}
        self._begun: set[str] = set()
        self._stopping = False
        self._told = False

    def start(self) -> None:
        """Start what waits for nothing. Raises CannotStart, with nothing left running."""
        with self._lock:
            try:
                self._advance()
            except CannotStart:
                self._told = True  # there is nothing more to say
                self.kill()
                raise

    def stop(self) -> None:
        """SIGTERM to every container."""
        self._each(lambda running: running.stop())

    def kill(self) -> None:
        """SIGKILL to every container."""
        self._each(lambda running: running.kill())

    def _each(self, do: Callable[[Running], None]) -> None:
        with self._lock:
            self._stopping = True
            for running in list(self._running.values()):
                do(running)

    def _advance(self) -> None:
        """Start all that may start now."""
        again = True
        while again and not self._stopping:
            again = False
            for each in self._containers:
                if each.name not in self._begun and self._may_start(each):
                    self._begun.add(each.name)
                    self._running[each.name] = self._start(each.name)
                    again = True

    def _start(self, name: str) -> Running:
        return self._runner.start(self._orders[name], lambda code: self._over(name, code))

    def _may_start(self, container: Container) -> bool:
        return all(
            after.container in self._begun
            if after.condition == "START"
            else after.container in self._codes
            and (after.condition == "COMPLETE" or self._codes[after.container] == 0)
            for after in container.after
        )

    def _over(self, name: str, code: int) -> None:
        """Called by the runner, on a thread of its own."""
        with self._lock:
            self._running.pop(name, None)
            self._codes[name] = code
            if any(each.essential for each in self._containers if each.name == name):
                self._end_the_others()
            try:
                self._advance()
            except CannotStart as error:
                for order in self._orders.values():
                    order.log.line(f"[sandbox: {error}]")
                self._end_the_others()
            stuck = not self._running and not self._told
            self._told = self._told or stuck
        if stuck:  # all have ended, or can never start
            self._ended(self._code())

    def _end_the_others(self) -> None:
        self.stop()
        if self._running:
            later = threading.Timer(self._grace_s, self.kill)
            later.daemon = True
            later.start()

    def _code(self) -> int:
        essential = [each.name for each in self._containers if each.essential]
        codes = [self._codes.get(name, _NEVER_STARTED) for name in essential]
        return next((code for code in codes if code), 0)
