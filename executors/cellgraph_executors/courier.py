"""The parent's side of a call in a worker process: what is sent, and what comes back."""

import os
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellgraph.digest import digest
from cellgraph.errors import ExecutorError
from cellgraph.executor import Function, Job, JobDone, JobFailed
from cellgraph.identity.packages import origin_of_module
from cellgraph.stores.base import Store
from cellgraph_executors import pickling
from cellgraph_executors.faults import unpack_error
from cellgraph_executors.lending import lend, lent, take_back
from cellgraph_executors.packing import Packing
from cellgraph_executors.parcels import Answer, Code, Parcel, Surroundings, parcel


class Courier:
    """Packs functions and arguments, and unpacks answers. Thread-safe; one per executor."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._lent = lent(store)
        self._folder = folder
        self._lock = threading.Lock()
        self._codes: dict[bytes, tuple[Callable[..., Any], Code]] = {}
        self._packing = Packing(store)

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
        data = self._packing.arguments(job, lambda leaf: lend(leaf, self._store, self._lent))
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
