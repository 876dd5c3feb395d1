"""Calls that another session computes at this moment: waited for, and shared out among the idle.

A call is taken when it is about to start. If another session has it, it waits here, is looked up
again when that session says that it has ended, and starts here when nobody has it any more. A
session with nothing to do asks for calls that others have taken and not begun, and gets them: so a
wait is never longer than the call, whatever is queued before it.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cellgraph.active import Active
from cellgraph.events import CallsElsewhere
from cellgraph.node import Node, State
from cellgraph.stores.base import Store
from cellgraph.stores.leases import Leases, Leasing, Taken
from cellgraph.telling import Telling

LOOK_S: Final = 0.02
# An idle session asks so often, for as many calls as it could begin twice.
_ASK_S: Final = 0.25
# A question that nobody answers: whoever could is stuck.
_ANSWER_S: Final = 10.0
# Whoever asked for a call has so long to take it.
_GRACE_S: Final = 1.0

Waiting = tuple[Active, Node]


class Elsewhere:
    """The waiting calls of a session, and the leases on its own. Owner thread only.

    *withdraw* is told keys that another session asks for: it takes those calls from the executors
    that have not begun, for which `handed_over` is called then, and returns the keys of the others.
    """

    def __init__(
        self, store: Store, telling: Telling, withdraw: Callable[[set[bytes]], set[bytes]]
    ) -> None:
        self._leases: Leases | None = store.leases if isinstance(store, Leasing) else None
        self._telling = telling
        self._withdraw = withdraw
        self._waiting: dict[bytes, list[Waiting]] = {}
        self._given: dict[bytes, float] = {}  # when we may take it back, unless it was taken
        self._asked: dict[bytes, float] = {}  # until when an answer is waited for
        self._answered: set[bytes] = set()
        self._regardless: set[bytes] = set()
        self._wanted: set[bytes] = set()
        self._over: list[bytes] = []
        self._quiet = 0.0  # when we had something to do last
        self._resting = True
        self._remote: dict[str, bool] = {}
        self._most = 2 * (os.cpu_count() or 1)

    def __bool__(self) -> bool:
        """Whether any call is waited for."""
        return bool(self._waiting)

    def sift(self, active: Active, nodes: list[Node]) -> list[Node]:
        """Take the calls that are about to start; return those that are ours to run."""
        if self._leases is None:
            return nodes
        keys = [node.key for node in nodes if self._may_be_shared(active, node)]
        if not keys:
            return nodes
        self._resting = False
        taken = self._leases.take(keys, self._regardless)
        if self._regardless:
            self._regardless.difference_update(keys)
        if not (taken.elsewhere or taken.ended):
            return nodes
        return self._sorted(active, nodes, taken)

    def _sorted(self, active: Active, nodes: list[Node], taken: Taken) -> list[Node]:
        ours: list[Node] = []
        theirs: list[Node] = []
        for node in nodes:
            if not self._may_be_shared(active, node):
                ours.append(node)
            elif node.key in taken.elsewhere:
                theirs.append(node)
            elif node.key in taken.ended:
                active.reduction.look_up.append(node)
            else:
                ours.append(node)
        self._wait(active, theirs)
        return ours

    def _wait(self, active: Active, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._waiting.setdefault(node.key, []).append((active, node))
        if nodes and not active.ended:
            calls = tuple(node.call for node in nodes)
            self._telling.emit(CallsElsewhere(active.run.id, calls))

    def _may_be_shared(self, active: Active, node: Node) -> bool:
        """Whether others could use the result: remote calls have their own way."""
        definition = node.definition
        if not definition.cached or (active.audited and node.call in active.audited):
            return False
        name = definition.executor
        remote = self._remote.get(name)
        if remote is None:
            remote = self._remote[name] = active.budget.is_remote(name)
        return not remote

    def done(self, nodes: Iterable[Node]) -> None:
        """Calls of ours have ended, well or not; others hear of it at the next `tell`."""
        if self._leases is not None:
            self._over += [node.key for node in nodes]

    def tell(self) -> None:
        """Let others know what has ended."""
        if self._over and self._leases is not None:
            over, self._over = self._over, []
            self._leases.done(over)

    def handed_over(self, active: Active, node: Node) -> None:
        """A call of ours had not begun and is another session's now."""
        assert self._leases is not None
        node.state = State.ASKED
        self._leases.give([node.key])
        self._given[node.key] = time.monotonic() + _GRACE_S
        self._wait(active, [node])

    def drop(self, active: Active) -> None:
        """A run that is being stopped waits for nothing."""
        for key, waiting in list(self._waiting.items()):
            left = [(other, node) for other, node in waiting if other is not active]
            if left:
                self._waiting[key] = left
            else:
                self._forget(key)

    def look(self, *, busy: bool) -> None:
        """See what others have done; what is decided goes back to be looked up.

        *busy*: whether any call of ours is out.
        """
        if self._leases is None or self._resting:
            return
        news, now = self._leases.look(), time.monotonic()
        if news.ended:
            self._regardless.update(news.ended)  # a failure: it is not waited for again
        self._answered.update(key for key in news.running if key in self._asked)
        self._return([*news.ended, *news.loose])
        if self._given:
            self._return([key for key, until in self._given.items() if now > until])
        self._wanted |= set(news.wanted)
        if self._wanted:
            running = self._withdraw(self._wanted)
            self._leases.going(running)
            self._wanted.clear()
        if busy or not self._waiting:
            self._quiet = now
        elif now - self._quiet > _ASK_S:
            self._quiet = now
            self._ask(now)

    def rest(self) -> None:
        """Nothing is going on: others need not look at this session."""
        if self._leases is not None and not self._resting and not self._waiting:
            self._resting = True
            self._over.clear()
            self._leases.rest()

    def _ask(self, now: float) -> None:
        """We have nothing to do: ask for the calls that will begin last elsewhere."""
        assert self._leases is not None
        stuck = [k for k, until in self._asked.items() if now > until and k not in self._answered]
        if stuck:
            self._regardless.update(stuck)
            self._return(stuck)
        open_questions = [key for key in self._asked if key not in self._answered]
        if open_questions:
            return
        keys: list[bytes] = []
        for key in reversed(self._waiting):
            if key not in self._asked and key not in self._given:
                keys.append(key)
                if len(keys) == self._most:
                    break
        self._asked.update(dict.fromkeys(keys, now + _ANSWER_S))
        self._leases.ask(keys)

    def _return(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            for active, node in self._forget(key):
                active.reduction.look_up.append(node)

    def _forget(self, key: bytes) -> list[Waiting]:
        assert self._leases is not None
        self._given.pop(key, None)
        self._asked.pop(key, None)
        self._answered.discard(key)
        self._leases.leave((key,))
        return self._waiting.pop(key, [])
