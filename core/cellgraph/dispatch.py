"""Hands calls to executors: which one, with what, how often. Used by the owner thread alone."""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from cellgraph.errors import CallCancelled, CallTimeout, EnvironmentChanged
from cellgraph.executor import (
    Executor,
    Function,
    Job,
    JobFailed,
    RemoteExecutor,
    Resources,
    Yielding,
)
from cellgraph.expression import CALL
from cellgraph.failure import Failure
from cellgraph.limits import Limits
from cellgraph.node import EMPTY, Node
from cellgraph.places import Roots
from cellgraph.result import Held, Inline
from cellgraph.stores.base import Store
from cellgraph.structure import ATOMS
from cellgraph.task import Partial, Task
from cellgraph.worker import load, settle

# Another attempt would end the same way.
_SETTLED: Final = (CallCancelled, EnvironmentChanged)
_RULES_RUN_ON: Final = "thread"
_UNCOUNTED: Final = Resources(vcpus=0.0)  # rules are small: never queue behind long calls


class Dispatch:
    """The executors of a session, made when first used, and the named limits."""

    def __init__(
        self,
        store: Store,
        make: Callable[[str], Executor],
        limits: Mapping[str, int],
        roots: Roots | None = None,
    ) -> None:
        """*roots*: where calls are watched for what they read; None: nowhere."""
        self.limits = Limits(limits)
        self._store = store
        self._make = make
        self._roots = roots
        self._executors: dict[str, Executor] = {}
        self._remote: list[RemoteExecutor] = []
        self._ids = itertools.count(1)

    def number(self, nodes: Iterable[Node]) -> list[tuple[int, Node]]:
        """Give each call or rule the id of its job."""
        return [(next(self._ids), node) for node in nodes]

    def submit(self, numbered: Iterable[tuple[int, Node]], private: Collection[int] = ()) -> None:
        """Submit calls and rules. Raises ConfigError before anything is submitted.

        *private*: calls that no equal one may answer for.
        """
        batches: dict[str, list[Job]] = {}
        for job_id, node in numbered:
            if node.call >= 0:
                d = node.definition
                key = node.key if d.cached and node.call not in private else b""
                job = Job(job_id, d.function, node.args, node.kwargs, d.resources, self._roots, key)
                batches.setdefault(d.executor, []).append(job)
            else:
                job = _rule_job(job_id, node)._replace(roots=self._roots)
                batches.setdefault(_RULES_RUN_ON, []).append(job)
        for name in batches:
            self._executor(name)  # all must exist before anything is submitted
        for name, jobs in batches.items():
            self._executor(name).submit(jobs)

    def _executor(self, name: str) -> Executor:
        found = self._executors.get(name)
        if found is None:
            found = self._executors[name] = self._make(name)
            if isinstance(found, RemoteExecutor):
                self._remote.append(found)
        return found

    def remote(self, name: str) -> RemoteExecutor | None:
        """The executor *name* if it runs calls on other machines; it is made if it was not yet.

        Raises ConfigError. Any thread: an executor is made at most twice, and used once.
        """
        made = self._executor(name)
        return made if isinstance(made, RemoteExecutor) else None

    def is_quick(self, node: Node) -> bool:
        """Whether a rule may be computed on the owner thread: it is small and runs no user code."""
        expr: Any = node.expr
        rule = expr._rule
        if rule is CALL:
            callee = _held(node.args[0])
            return isinstance(callee, (Task, Partial))
        if rule.tolerant:
            return not any(type(a) is Failure for a in node.args) or all(
                not callable(r) or isinstance(r, (Task, type)) for r in expr._rest
            )
        if rule.control:
            return True
        return all(type(a) in ATOMS or type(a) is Inline for a in node.args)

    def compute(self, node: Node) -> object:
        """Apply a rule here and now; return its outcome. Raises what the rule raises."""
        expr: Any = node.expr
        args = [load(a, self._store) for a in node.args]
        return settle(expr._rule.reduce(*args, *expr._rest), self._store)

    def running(self) -> list[int]:
        """Ids of the jobs that run now, on any executor."""
        return [job for e in self._executors.values() for job in e.running()]

    def cancel(self, jobs: Collection[int], *, let_go: bool = False) -> None:
        """Stop jobs, wherever they are; with *let_go*, those of other machines go on there."""
        if jobs:
            for executor in self._executors.values():
                if let_go and isinstance(executor, RemoteExecutor):
                    executor.let_go(jobs)
                else:
                    executor.cancel(jobs)

    def depart(self, out: int) -> None:
        """Nothing more is ready. If all *out* jobs only wait for company, none will come."""
        if self._remote and out and sum(e.gathered() for e in self._remote) == out:
            for executor in self._remote:
                executor.flush()

    def withdraw(self, jobs: Collection[int]) -> None:
        """Drop those of *jobs* that have not begun; what runs goes on."""
        for executor in self._executors.values():
            if isinstance(executor, Yielding):
                executor.withdraw(jobs)

    def may_still_return(self, event: JobFailed) -> bool:
        """Whether a job reported as failed may yet come back with a value (see `Executor`)."""
        stopped = isinstance(event.error, (CallCancelled, CallTimeout))
        return stopped and event.elapsed_s > 0  # else it was dropped before it ran

    def try_again(self, node: Node, failure: Failure) -> bool:
        """Whether the call gets another attempt."""
        options = node.definition.options
        if node.attempt >= (options.retries or 0) or isinstance(failure.error, _SETTLED):
            return False
        return isinstance(failure.error, options.retry_on or Exception)

    def close(self) -> None:
        """Close every executor that was made."""
        executors, self._executors = self._executors, {}
        self._remote.clear()
        for executor in executors.values():
            executor.close()


def _held(value: object) -> object:
    return value.value if type(value) is Held else value


def _with_rest(reduce: Callable[..., object], rest: tuple[object, ...]) -> Callable[..., object]:
    def reduced(*args: object) -> object:
        return reduce(*args, *rest)

    return reduced


def _rule_job(job_id: int, node: Node) -> Job:
    expr: Any = node.expr
    reduce, rest = expr._rule.reduce, expr._rest
    func = reduce if not rest else _with_rest(reduce, rest)
    function = Function(expr._rule.name, func, b"rule:" + expr._rule.name.encode())
    return Job(job_id, function, node.args, EMPTY, _UNCOUNTED)
