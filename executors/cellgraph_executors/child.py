"""What runs inside a worker process. Imported there by name; nothing here runs in the parent."""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.executor import Usage
from cellgraph.stores.base import Store
from cellgraph_executors.advancing import Teller
from cellgraph_executors.blas import ProcessBlasLimit
from cellgraph_executors.faults import pack_error
from cellgraph_executors.lending import Lent, hand_over, open_lent
from cellgraph_executors.logs import Redirect
from cellgraph_executors.metering import Meter
from cellgraph_executors.parcels import Answer, Code, Parcel, Request, Surroundings, parcel


class Setup(NamedTuple):
    """What a worker process is told once."""

    folder: str  # for parcels and logs, removed with the executor
    store: Lent


class Household:
    """What a worker process keeps from call to call."""

    def __init__(self, setup: Setup) -> None:
        self.folder = Path(setup.folder)
        self.redirect = Redirect()
        self.teller = Teller()
        self.blas = ProcessBlasLimit(os.environ)
        self.blas.set(1)
        self.lent = setup.store
        self._store = open_lent(setup.store)
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._reserved = set(ProcessBlasLimit.VARIABLES)

    def store(self) -> Store:
        """The store for the next call."""
        if not self.lent.folder:  # what the last call left is not kept
            self._store = open_lent(self.lent)
        return self._store

    def function(self, code_id: bytes, code: Code | None) -> Callable[..., Any]:
        """Return the function, unpickling it if it comes with this call."""
        if code is not None:
            from cellgraph_executors import pickling

            pickling.install_texts(code.texts)
            function, classes = pickling.load(code.parcel.open(keep=True))
            pickling.install_classes(classes)
            self._functions[code_id] = function
        return self._functions[code_id]

    def move(self, to: Surroundings) -> None:
        """Take over what the parent's folder, environment and import path are now."""
        os.chdir(to.folder)
        for name in set(os.environ) - set(to.environ) - self._reserved:
            del os.environ[name]
        for name, value in to.environ.items():
            if name not in self._reserved:
                os.environ[name] = value
        sys.path[:] = to.path


# A process of its own exists for this one object; pebble calls plain functions.
_household: Final[list[Household]] = []


def set_up(setup: Setup) -> int:
    """Prepare this process; return its pid."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # pebble ignores it by now
    threading.Thread(target=_end_with_parent, args=(setup.folder,), daemon=True).start()
    _household.append(Household(setup))
    importlib.import_module("cellgraph.worker")  # now rather than in the first call

    return os.getpid()


def run(request: Request) -> Parcel:
    """Carry out one call; return a pickled `Answer`. Raises nothing."""
    home = _household[0]
    answer = _run(home, request)
    home.redirect.flush()
    return parcel(pickle.dumps(answer), home.folder)


def _run(home: Household, request: Request) -> Answer:
    started = time.time()
    try:
        home.redirect.to(request.logs)
        home.teller.at(request.logs, request.job_id)
        home.blas.set(request.vcpus)
        if request.surroundings is not None:
            home.move(request.surroundings)
    except Exception as error:  # a folder that is gone, say
        return _problem(request, started, f"cannot be started in another process: {error}")
    return _call(home, request)


def _call(home: Household, request: Request) -> Answer:
    from cellgraph.executor import Function, Job, Resources
    from cellgraph.inside import listen
    from cellgraph.worker import run_job
    from cellgraph_executors import pickling

    listen(home.teller.hear)
    started = time.time()
    try:
        func = home.function(request.code_id, request.code)
        args, kwargs, classes = pickling.load(request.arguments.open())
        pickling.install_classes(classes)
    except Exception as error:  # unpickling runs the user's code and imports their modules
        text = f"cannot be set up in another process: {type(error).__name__}: {error}"
        return _problem(request, started, text)
    store = home.store()
    function = Function(request.name, func, request.code_id)
    job = Job(request.job_id, function, args, kwargs, Resources(), request.roots)
    meter = Meter()
    event = run_job(job, store)
    return _answer(home, request, event, store, meter.usage())


def _answer(home: Household, request: Request, event: Any, store: Store, usage: Usage) -> Answer:
    from cellgraph.executor import JobFailed
    from cellgraph_executors import pickling

    if isinstance(event, JobFailed):
        packed = pack_error(event.error)
        return Answer(
            event.started, event.elapsed_s, None, packed, "", event.traceback, event.reads
        )
    try:
        data = pickling.dump(hand_over(event.outcome, store, home.lent))
    except Exception as error:  # pickling runs the user's code
        where = pickling.culprit(event.outcome, "its result")
        text = f"returned what cannot be sent from its process: {where} cannot be pickled ({error})"
        return _problem(request, event.started, text)
    return Answer(event.started, event.elapsed_s, data, None, "", "", event.reads, usage)


def _problem(request: Request, started: float, text: str) -> Answer:
    trace = traceback.format_exc()
    return Answer(started, time.time() - started, None, None, f"{request.name} {text}", trace)


def _end_with_parent(folder: str) -> None:
    """End this process when its parent is gone, whatever a call is doing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
