"""The parent's side of a call in a worker process: what is sent, and what comes back."""

import os
import pickle
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cellgraph.codecs.payload import INLINE_BYTES
from cellgraph.digest import digest
from cellgraph.errors import CellgraphError, ExecutorError
from cellgraph.executor import Function, Job, JobDone, JobFailed
from cellgraph.identity.packages import origin_of_module
from cellgraph.identity.values import code_refs, snapshot
from cellgraph.result import Held, Inline, Result, Stored
from cellgraph.stores.base import Store
from cellgraph.structure import rebuild
from cellgraph.taskvalue import TASKS
from cellgraph_executors import pickling
from cellgraph_executors.faults import unpack_error
from cellgraph_executors.lending import lend, lent, take_back
from cellgraph_executors.parcels import Answer, Code, Parcel, Surroundings, parcel

_REMEMBERED: Final = 1024


class Courier:
    """Packs functions and arguments, and unpacks answers. Thread-safe; one per executor."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._lent = lent(store)
        self._folder = folder
        self._lock = threading.Lock()
        self._codes: dict[bytes, tuple[Callable[..., Any], Code]] = {}
        # ref of a value the user passed in -> how it travels
        self._travelling: OrderedDict[bytes, Result] = OrderedDict()
        self._classes_of: dict[bytes, tuple[str, ...]] = {}  # blob -> qualified names in __main__

    def code(self, function: Function) -> Code:
        """Return *function* by value, pickled once. Raises ExecutorError naming what cannot be."""
        with self._lock:
            known = self._codes.get(function.code)
            # With `version=` one identity may stand for changed code: that is sent again.
            if known is None or known[0] is not function.func:
                known = self._codes[function.code] = (function.func, self._pack_code(function))
            return known[1]

    def arguments(self, job: Job) -> Parcel:
        """Return what *job* is called with. Raises ExecutorError naming what cannot be sent."""
        classes: dict[type, None] = {}

        def convert(leaf: Result) -> object:
            sent = self._travelling_form(leaf)
            for cls in self._needed_classes(sent):
                classes[cls] = None
            return lend(sent, self._store, self._lent)

        args = [rebuild(a, convert, _is_result) for a in job.args]
        kwargs = {name: rebuild(a, convert, _is_result) for name, a in job.kwargs.items()}
        try:
            data, parts = pickling.dump_with_parts((args, kwargs, ()))
            classes |= parts.classes
            if classes:
                data = pickling.dump((args, kwargs, pickling.tagged(classes)))
        except Exception as error:  # pickling runs the user's code, which may raise anything
            raise self._unsendable(job, args, kwargs, error) from error
        return parcel(data, self._folder)

    def event(self, job: Job, sent: Parcel) -> JobDone | JobFailed:
        """Return an answer as the engine wants it."""
        answer: Answer = pickle.loads(sent.open())
        started, elapsed = answer.started, answer.elapsed_s
        if answer.outcome is not None:
            try:
                outcome = pickling.load(answer.outcome)
            except Exception as error:  # unpickling runs the user's code
                problem = f"the result of {job.function.name} cannot be read back: {error}"
                return JobFailed(job.id, started, elapsed, ExecutorError(problem), "")
            outcome = take_back(outcome, self._store)
            return JobDone(job.id, started, elapsed, outcome, answer.reads, answer.usage)
        if answer.error is not None:
            raised = unpack_error(answer.error)
            return JobFailed(job.id, started, elapsed, raised, answer.traceback, answer.reads)
        return JobFailed(job.id, started, elapsed, ExecutorError(answer.problem), answer.traceback)

    def _pack_code(self, function: Function) -> Code:
        name = function.name
        try:
            data, parts = pickling.dump_with_parts(function.func)
            data = pickling.dump((function.func, pickling.tagged(parts.classes)))
        except Exception as error:  # pickling runs the user's code, which may raise anything
            part = pickling.culprit(function.func, f"function `{name}`")
            raise ExecutorError(
                f"{name} cannot be sent to another process: {part} cannot be pickled ({error}). "
                "Make it inside the function, or use executor='thread'"
            ) from error
        texts = pickling.cell_texts(parts.files)
        return Code(digest(function.code + data), name, parcel(data, self._folder), texts)

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


def surroundings() -> Surroundings:
    """What a function sees of this process now."""
    return Surroundings(os.getcwd(), dict(os.environ), list(sys.path))  # noqa: PTH109 - a text


def user_modules() -> dict[str, tuple[int, int]]:
    """The files of the user's modules that are loaded: name -> (mtime_ns, size).

    A worker imports these itself; when one has changed, a worker that has it must go.
    """
    found: dict[str, tuple[int, int]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or origin_of_module(module).kind != "user":
            continue
        try:
            status = os.stat(file)  # noqa: PTH116 - a plain string, for every module
        except OSError:
            continue
        found[name] = (status.st_mtime_ns, status.st_size)
    return found


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
