"""What tests of executors share: a host that remembers, and functions of "the user"."""

import linecache
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from cellgraph.executor import JobDone, JobEvent, JobFailed, JobLog, Unreduced
from cellgraph.identity.values import reference
from cellgraph.result import Held, Result
from cellgraph.stores.base import Store


def user_code(source: str, name: str = "user_code") -> dict[str, Any]:
    """Run *source* as a module of the user's that no other process can import; return its names."""
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, filename, "exec", dont_inherit=True), namespace)
    return namespace


class CollectingHost:
    """An `ExecutorHost` that remembers what is reported and lets a test wait for it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: list[JobEvent] = []
        self._changed = threading.Condition()

    def report(self, events: Sequence[JobEvent]) -> None:
        """See `ExecutorHost`."""
        with self._changed:
            self.events.extend(events)
            self._changed.notify_all()

    def answers(self) -> list[JobDone | JobFailed]:
        """What has been answered so far."""
        with self._changed:
            return [e for e in self.events if isinstance(e, (JobDone, JobFailed))]

    def wait(self, ids: Sequence[int], timeout_s: float = 60.0) -> dict[int, JobDone | JobFailed]:
        """Wait until every job of *ids* is answered; return the first answer of each."""
        missing: set[int] = set(ids)

        def all_there() -> bool:
            missing.difference_update(
                e.id for e in self.events if isinstance(e, (JobDone, JobFailed))
            )
            return not missing

        with self._changed:
            assert self._changed.wait_for(all_there, timeout_s), f"no answer for {sorted(missing)}"
        first: dict[int, JobDone | JobFailed] = {}
        for event in self.answers():
            first.setdefault(event.id, event)
        return {i: first[i] for i in ids}

    def text(self, job_id: int, stream: str = "stdout") -> str:
        """What the job has printed so far."""
        with self._changed:
            logs = [e for e in self.events if isinstance(e, JobLog)]
        return "".join(e.text for e in logs if e.id == job_id and e.stream == stream)


def eventually(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until *condition* holds."""
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.005)


def result_of(answer: JobDone | JobFailed, store: Store) -> Any:
    """The value of a call that returned one."""
    assert isinstance(answer, JobDone), answer
    outcome = answer.outcome
    assert not isinstance(outcome, Unreduced)
    return outcome.load(store) if isinstance(outcome, Result) else outcome


def held(value: object) -> Held:
    """*value* as the engine passes it on."""
    return Held(reference(value), value)
