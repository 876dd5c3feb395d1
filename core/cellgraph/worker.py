"""Run one job where the function is: load the arguments, call, snapshot the result.

Shared by every executor. Knows the store and the value codecs, nothing of the scheduler.
"""

import time
import traceback
from collections.abc import Coroutine, Sized
from contextlib import suppress
from types import CoroutineType, TracebackType
from typing import Any, Final, cast

from cellgraph import reads
from cellgraph.codecs.payload import INLINE_BYTES
from cellgraph.collector import NOTHING, Collector, Kept, here, keeping, read_of
from cellgraph.executor import Function, Job, JobDone, JobFailed, Unreduced
from cellgraph.expression import EXPRESSIONS
from cellgraph.identity.values import snapshot
from cellgraph.inside import Handed, current_driver, enter
from cellgraph.places import S3, Read, Roots
from cellgraph.result import SCALARS, Apart, Inline, Result, Stored
from cellgraph.secret import refuse_stored
from cellgraph.stores.base import Store
from cellgraph.stores.shardfolders import named_in, taken_apart
from cellgraph.structure import leaves, rebuild
from cellgraph.taskvalue import TASKS

# A result that holds tasks is kept like one that holds calls: tasks are named by reference.
_LAZY: Final = EXPRESSIONS | TASKS
_COROUTINE: Final["type[CoroutineType[Any, Any, Any]]"] = CoroutineType
_SIZED: Final = cast("tuple[type[Sized], ...]", (tuple, list, dict, set, frozenset))
_NOWHERE: Final = Roots("/")
_APART: Final = frozenset({dict, list})
_OURS: Final = ("cellgraph", "cellgraph_executors", "cellgraph_notebook")


def run_job(job: Job, store: Store) -> JobDone | JobFailed:
    """Run *job* on this thread. Never raises for what the user's code does; lets
    KeyboardInterrupt and SystemExit of the process through only as a failure of the call."""
    started = time.time()
    clock = time.perf_counter()
    seen = NOTHING if job.roots is None else Collector(job.roots)
    if here.made:
        here.made = ()
    try:
        args = [load(a, store) for a in job.args]
        kwargs = {name: load(a, store) for name, a in job.kwargs.items()}
        driver = current_driver()
        if driver is not None:
            args, kwargs = driver.receive(job.function.func, args, kwargs)
        elif Handed.__subclasses__() and _any_handed(args, kwargs):  # none before one is loaded
            args, kwargs = _as_asked(job.function, args, kwargs)
        outer = enter(None if job.function.code.startswith(b"rule:") else job.function.name)
        reads.begin(seen)
        try:
            value = job.function.func(*args, **kwargs)
            if type(value) is _COROUTINE:
                value = asyncio_run(value)
        finally:
            enter(outer)
            reads.end(seen)
        if driver is not None:
            value = driver.deliver(value)
        check_length(job.function, value)
        outcome, rests_on = (
            (settle(value, store), ()) if seen is not NOTHING else _settle_afar(value, store)
        )
    except BaseException as error:  # a task may raise anything, SystemExit included
        elapsed = time.perf_counter() - clock
        trace = user_traceback(error)
        return JobFailed(job.id, started, elapsed, error, trace, reads.settle(seen))
    found = rests_on or reads.settle(seen)
    return JobDone(job.id, started, time.perf_counter() - clock, outcome, found)


def load(argument: object, store: Store) -> Any:
    """Return *argument* as the function may own it: fresh containers, private copies of leaves."""
    if type(argument) in SCALARS:
        return argument
    return rebuild(argument, lambda leaf: leaf.load(store), _is_result)


def _any_handed(args: list[Any], kwargs: dict[str, Any]) -> bool:
    return any(isinstance(a, Handed) for a in (*args, *kwargs.values()))


def _as_asked(
    function: Function, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Each Dataset as what the function's annotation names."""
    from cellgraph.datasets.edge import received

    return received(function.func, args, kwargs)


def check_length(function: Function, value: object) -> None:
    """Hold a task to its `nout`. An expression is held to it when it is reduced."""
    promised = function.nout
    if promised is None or type(value) in EXPRESSIONS:
        return
    found = len(value) if isinstance(value, _SIZED) else None
    if found != promised:
        returned = f"{found} values" if found is not None else type(value).__name__
        raise ValueError(
            f"{function.name} promises {promised} values (nout) and returned {returned}"
        )


def _is_result(kind: type) -> bool:
    return issubclass(kind, Result)


def asyncio_run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the body of an ``async def`` task to its end, on a loop of its own."""
    import asyncio

    return asyncio.run(coroutine)


def settle(value: object, store: Store) -> object:
    """Turn what a function returned into what the engine may keep: scalar, Result or Unreduced."""
    if type(value) in SCALARS:
        refuse_stored(value)
        if here.made and isinstance(value, str):
            _note_paths(value.encode(errors="replace"))
        return value
    if type(value) is Apart:
        return rebuild(value.value, lambda leaf: settle(leaf, store), _is_leaf)
    if next(leaves(value, _LAZY), None) is not None:
        return Unreduced(value)
    ref, payload = snapshot(value)
    refuse_stored(payload)
    if payload.nbytes <= INLINE_BYTES:
        return Inline(ref, payload)
    if here.made:
        _note_paths(payload.head, *(bytes(buffer.data) for buffer in payload.buffers))
    return Stored(ref, store.put_blob(payload), payload.nbytes)


def _note_paths(*parts: bytes) -> None:
    """A path in a text is all that a result may have of a dataset which its call wrote in the
    store. A small payload is in the record, where care sees it."""
    named = {key for part in parts for key in named_in(part)}
    for place in here.made:
        found = taken_apart(place.where)
        if found is not None and bytes.fromhex(found[1]) in named and here.keeping is not None:
            with suppress(OSError):  # the call has deleted it again
                here.keeping.append(Kept(place.where, place.content(folder=True), True))


def _settle_afar(value: object, store: Store) -> tuple[object, tuple[Read, ...]]:
    """The same where nobody asks what is read (another machine): what is in buckets still has to be
    there, and as it is now, for the result to hold."""
    with keeping() as files:
        outcome = settle(value, store)
    there = {file for file in files if file.path.startswith(S3)}
    return outcome, tuple(read_of("result", file, _NOWHERE) for file in sorted(there))


def _is_leaf(kind: type) -> bool:
    return kind not in _APART


def user_traceback(error: BaseException) -> str:
    """The frames below our own, as text: what the user wrote, and what it called."""
    tb = error.__traceback__
    while tb is not None and _is_ours(tb):
        tb = tb.tb_next
    if tb is None:  # the engine's own refusal: its words are all there is to say
        return "".join(traceback.format_exception_only(error))
    return "".join(traceback.format_exception(type(error), error, tb))


def _is_ours(tb: TracebackType) -> bool:
    name = tb.tb_frame.f_globals.get("__name__", "")
    return isinstance(name, str) and name.split(".")[0] in _OURS
