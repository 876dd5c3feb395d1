"""The floor: the least honest Python work for what a run must do, as a yardstick.

It does: lazy nodes, iterative reduction, dynamic tasks, canonical argument keys with the task's
source in them, equal calls reduced once, a crash-consistent cache. It does not: executors, events,
provenance, retries, errors, files, code identity beyond the function's own text.
"""

import inspect
import pickle
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final

from benchmarks.peers.floor_store import FloorStore, Row

FRONTIER: Final = 1000  # calls looked up in one statement
PLAIN: Final = frozenset((int, float, str, bool, bytes, type(None)))
HASH_BYTES: Final = 16


class Node:
    """One lazy call."""

    __slots__ = ("args", "body", "done", "key", "outs", "pending", "seen", "task", "tasks", "value")

    def __init__(self, task: "FloorTask", args: tuple[Any, ...]) -> None:
        self.task = task
        self.args = args
        self.done = self.seen = False
        self.pending = 0
        self.outs: list[Node] = []
        self.body: Node | None = None  # what the call returned, when that is a call again
        self.tasks: frozenset[bytes] = frozenset()  # every task of the recorded subtree
        self.key = b""
        self.value: Any = None


class FloorTask:
    """A function whose calls are nodes."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func
        text = inspect.getsource(func) + func.__name__
        self.hash = blake2b(text.encode(), digest_size=HASH_BYTES).digest()

    def __call__(self, *args: Any) -> Node:
        return Node(self, args)


def _children(args: tuple[Any, ...]) -> Iterator[Node]:
    for arg in args:
        kind = arg.__class__
        if kind is Node:
            yield arg
        elif kind is list:
            for item in arg:
                if type(item) is Node:
                    yield item


def _force(arg: Any) -> Any:
    kind = arg.__class__
    if kind is Node:
        return arg.value
    if kind is list:
        return [item.value if type(item) is Node else item for item in arg]
    return arg


def _encode(value: Any) -> str:
    kind = value.__class__
    if kind in PLAIN:
        return repr(value)
    if kind is list or kind is tuple:
        return kind.__name__ + "(" + ",".join([_encode(item) for item in value]) + ")"
    return "#" + blake2b(pickle.dumps(value, 5)).hexdigest()


class FloorEngine:
    """Reduces nodes, nothing else."""

    def __init__(self, store: FloorStore) -> None:
        self._store = store
        self._known: set[bytes] = set()
        self._memo: dict[bytes, tuple[Any, frozenset[bytes]]] = {}
        self._ready: list[Node] = []

    def task(self, func: Callable[..., Any]) -> FloorTask:
        """Make *func* a task of this engine."""
        task = FloorTask(func)
        self._known.add(task.hash)
        return task

    def run(self, root: Node) -> Any:
        """Return the value of *root*."""
        self._admit(root)
        while self._ready:
            batch, self._ready = self._ready[:FRONTIER], self._ready[FRONTIER:]
            self._step(batch)
        return root.value

    def _step(self, batch: list[Node]) -> None:
        looked_up: list[tuple[Node, list[Any]]] = []
        for node in batch:
            if node.body is not None:
                self._expanded(node, node.body)
                continue
            args = [_force(arg) for arg in node.args]
            text = ",".join([_encode(arg) for arg in args])
            node.key = blake2b(node.task.hash + text.encode(), digest_size=20).digest()
            looked_up.append((node, args))
        if not looked_up:
            return
        hits = self._store.get_many([n.key for n, _ in looked_up if n.key not in self._memo])
        for node, args in looked_up:
            memo = self._memo.get(node.key)
            if memo is not None:
                self._resolve(node, *memo)
                continue
            row = hits.get(node.key)
            if row is None or not self._replay(node, row):
                self._execute(node, args)

    def _execute(self, node: Node, args: list[Any]) -> None:
        value = node.task.func(*args)
        if type(value) is Node:
            node.body, node.pending = value, 1
            value.outs.append(node)
            self._admit(value)
        else:
            self._finish(node, value, frozenset())

    def _expanded(self, node: Node, body: Node) -> None:
        """Finish a call whose body was a call: its record holds while every task below does."""
        tasks = {body.task.hash} | body.tasks
        for child in _children(body.args):
            tasks |= {child.task.hash} | child.tasks
        self._finish(node, body.value, frozenset(tasks))

    def _replay(self, node: Node, row: Row) -> bool:
        """Answer *node* from *row* unless a task of its subtree has changed."""
        hashes = [row.tasks[at : at + HASH_BYTES] for at in range(0, len(row.tasks), HASH_BYTES)]
        if not self._known.issuperset(hashes):
            return False
        self._resolve(node, self._store.load(row), frozenset(hashes))
        return True

    def _finish(self, node: Node, value: Any, tasks: frozenset[bytes]) -> None:
        self._memo[node.key] = (value, tasks)
        self._store.put(node.key, value, b"".join(sorted(tasks)))
        self._resolve(node, value, tasks)

    def _resolve(self, node: Node, value: Any, tasks: frozenset[bytes]) -> None:
        node.value, node.tasks, node.done = value, tasks, True
        for out in node.outs:
            out.pending -= 1
            if not out.pending:
                self._ready.append(out)

    def _admit(self, root: Node) -> None:
        stack = [root]
        root.seen = True
        while stack:
            node = stack.pop()
            for child in _children(node.args):
                if child.done:
                    continue
                node.pending += 1
                child.outs.append(node)
                if not child.seen:
                    child.seen = True
                    stack.append(child)
            if not node.pending:
                self._ready.append(node)
