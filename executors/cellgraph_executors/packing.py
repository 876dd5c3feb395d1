"""The arguments of a call as bytes, for a worker that is another process or another machine."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from cellgraph.codecs.payload import INLINE_BYTES
from cellgraph.errors import CellgraphError, ExecutorError
from cellgraph.executor import Job
from cellgraph.identity.values import code_refs, snapshot
from cellgraph.result import Held, Inline, Result, Stored
from cellgraph.stores.base import Store
from cellgraph.structure import rebuild
from cellgraph.taskvalue import TASKS
from cellgraph_executors import pickling

_REMEMBERED: Final = 1024


class Packing:
    """Packs arguments. Thread-safe; one per executor."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        # ref of a value the user passed in -> how it travels
        self._travelling: OrderedDict[bytes, Result] = OrderedDict()
        self._classes_of: dict[bytes, tuple[str, ...]] = {}  # blob -> qualified names in __main__

    def arguments(self, job: Job, lend: Callable[[Result], object]) -> bytes:
        """Return what *job* is called with, pickled: (args, kwargs, classes to install).

        *lend* says in which form a value travels. Raises ExecutorError naming what cannot be sent.
        """
        classes: dict[type, None] = {}

        def convert(leaf: Result) -> object:
            sent = self._travelling_form(leaf)
            for cls in self._needed_classes(sent):
                classes[cls] = None
            return lend(sent)

        args = [rebuild(a, convert, _is_result) for a in job.args]
        kwargs = {name: rebuild(a, convert, _is_result) for name, a in job.kwargs.items()}
        try:
            data, parts = pickling.dump_with_parts((args, kwargs, ()))
            classes |= parts.classes
            if classes:
                data = pickling.dump((args, kwargs, pickling.tagged(classes)))
        except Exception as error:  # pickling runs the user's code, which may raise anything
            raise self._unsendable(job, args, kwargs, error) from error
        return data

    def _travelling_form(self, leaf: Result) -> Result:
        """A value the user passed in goes through the store when it is large: the worker maps it.

        Values that hold tasks, and small ones of the user's classes, are pickled as they are.
        """
        if not isinstance(leaf, Held) or type(leaf.value) in TASKS:
            return leaf
        with self._lock:
            known = self._travelling.get(leaf.ref)
        if known is None:
            known = self._snapshot(leaf)
            with self._lock:
                self._travelling[leaf.ref] = known
                if len(self._travelling) > _REMEMBERED:
                    self._travelling.popitem(last=False)
        return known

    def _snapshot(self, leaf: Held) -> Result:
        try:
            ref, payload = snapshot(leaf.value)
        except CellgraphError:  # it has no stored form: perhaps it can be pickled
            return leaf
        if payload.nbytes > INLINE_BYTES:
            return Stored(ref, self._store.put_blob(payload), payload.nbytes)
        return leaf if code_refs(payload) else Inline(ref, payload)

    def _needed_classes(self, leaf: Result) -> list[type]:
        """The classes of `__main__` that decoding *leaf* in another process needs."""
        if isinstance(leaf, Inline):
            names = _main_names(leaf.payload)
        elif isinstance(leaf, Stored) and _main_has_classes():
            known = self._classes_of.get(leaf.blob)
            if known is None:
                payload = self._store.get_blob(leaf.blob)
                known = () if payload is None else _main_names(payload)
                self._classes_of[leaf.blob] = known
            names = known
        else:
            return []
        found = (_look_up(name) for name in names)
        return [cls for cls in found if isinstance(cls, type)]

    def _unsendable(
        self, job: Job, args: list[Any], kwargs: Mapping[str, Any], error: Exception
    ) -> ExecutorError:
        named = [(f"argument {i + 1}", a) for i, a in enumerate(args)]
        named += [(f"argument `{name}`", a) for name, a in kwargs.items()]
        where = "its arguments"
        for name, value in named:
            value = value.value if isinstance(value, Held) else value
            try:
                pickling.dump(value)
            except Exception:  # as above
                where = pickling.culprit(value, name)
                break
        return ExecutorError(
            f"{job.function.name} cannot be called in another process: {where} cannot be pickled "
            f"({error}). Pass what it is made from instead, or use executor='thread'"
        )


def _is_result(kind: type) -> bool:
    return issubclass(kind, Result)


def _main_names(payload: Any) -> tuple[str, ...]:
    return tuple(ref[2] for ref in code_refs(payload) if ref[1] == "__main__")


def _main_has_classes() -> bool:
    namespace = vars(sys.modules["__main__"])
    return any(
        isinstance(value, type) and value.__module__ == "__main__"
        for value in list(namespace.values())
    )


def _look_up(name: str) -> object:
    found: object = sys.modules["__main__"]
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
