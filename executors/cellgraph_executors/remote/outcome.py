"""What a child says of its calls: one small object, values inline or by digest. Pure.

Whoever collects it never carries the bytes of a large value, and unpickles nothing but what has no
other form: the user's exceptions, and expressions that a body returned.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.errors import CallTimeout, EnvironmentChanged, ExecutorError, HostLost, OutOfMemory
from cellgraph.executor import JobDone, JobFailed, Unreduced
from cellgraph.graphs import Hole
from cellgraph.identity.values import restore, snapshot
from cellgraph.places import Read
from cellgraph.result import SCALARS, Inline, Result, Stored
from cellgraph.stores.s3.bundle import Place
from cellgraph.structure import rebuild
from cellgraph_executors import pickling
from cellgraph_executors.faults import PackedError, pack_error, unpack_error

_OURS: Final = {
    kind.__name__: kind for kind in (CallTimeout, EnvironmentChanged, HostLost, OutOfMemory)
}
_HOLES: Final = frozenset({Hole})
LOG_CHARS: Final = 16_384


class Value(msgspec.Struct, array_like=True, frozen=True, tag="v"):
    """A value: inline, or in an object of its own of `size` bytes."""

    ref: bytes
    head: bytes
    buffers: tuple[bytes, ...] = ()
    blob: bytes = b""
    nbytes: int = 0
    size: int = 0


class Container(msgspec.Struct, array_like=True, frozen=True, tag="c"):
    """A container whose leaves were stored each by itself; `skeleton` has holes for them."""

    skeleton: Value
    leaves: tuple[Value, ...]


class Expression(msgspec.Struct, array_like=True, frozen=True, tag="x"):
    """An expression that the body returned, pickled; its tasks are references."""

    data: bytes


class Raised(msgspec.Struct, array_like=True, frozen=True, tag="e"):
    """An exception. `problem`: it is the worker's own, of this class of `cellgraph.errors`."""

    data: bytes
    reason: str
    kind: str
    bases: tuple[str, ...]
    text: str
    traceback: str
    problem: str = ""


class Ended(msgspec.Struct, array_like=True, frozen=True):
    """How one call ended. `at`: its place among the calls of the child."""

    at: int
    started: float
    elapsed_s: float
    what: Value | Container | Expression | Raised
    reads: tuple[Read, ...] = ()
    out: str = ""  # the end of what it printed
    err: str = ""


class Outcome(msgspec.Struct, array_like=True, frozen=True):
    """What became of (some of) the calls of one child."""

    child: int
    attempt: int
    began: float  # when the worker started, seconds since the epoch
    ended: float
    log: str  # name of the log stream, if the worker knows it
    calls: tuple[Ended, ...]
    described: str = ""  # the environment, where it was asked for or is another one


_decoder = msgspec.msgpack.Decoder(Outcome)


def encode(outcome: Outcome) -> bytes:
    """The bytes of an outcome."""
    return msgspec.msgpack.encode(outcome)


def decode(data: bytes) -> Outcome:
    """Undo `encode`. Raises ExecutorError."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ExecutorError(f"what a child wrote cannot be read: {error}") from error


def ended(
    at: int, event: JobDone | JobFailed, out: str, err: str, size_of: Callable[[bytes], int]
) -> Ended:
    """On the worker: what is said of a call. *size_of* knows the objects of payloads."""
    what: Value | Container | Expression | Raised
    if isinstance(event, JobFailed):
        what = raised(event.error, event.traceback)
    else:
        try:
            what = _said(event.outcome, size_of)
        except Exception as error:  # pickling runs the user's code
            where = pickling.culprit(event.outcome, "its result")
            text = f"returned what cannot be sent from its machine: {where} ({error})"
            what = raised(ExecutorError(text), "")
    reads = tuple(event.reads)
    return Ended(
        at, event.started, event.elapsed_s, what, reads, out[-LOG_CHARS:], err[-LOG_CHARS:]
    )


def raised(error: BaseException, traceback: str) -> Raised:
    """On the worker: an exception as it travels."""
    packed = pack_error(error)
    ours = isinstance(error, ExecutorError)
    return Raised(*packed, traceback, type(error).__name__ if ours else "")


def _said(outcome: object, size_of: Callable[[bytes], int]) -> Value | Container | Expression:
    if isinstance(outcome, Unreduced):
        return Expression(pickling.dump_for_home(outcome.expression))
    if isinstance(outcome, Result) or type(outcome) in SCALARS:
        return _value(outcome, size_of)
    leaves: list[Value] = []

    def hole(leaf: Result) -> Hole:
        leaves.append(_value(leaf, size_of))
        return Hole(len(leaves) - 1)

    skeleton = rebuild(outcome, hole, lambda kind: issubclass(kind, Result))
    return Container(_value(skeleton, size_of), tuple(leaves))


def _value(outcome: object, size_of: Callable[[bytes], int]) -> Value:
    if isinstance(outcome, Stored):
        return Value(outcome.ref, b"", (), outcome.blob, outcome.nbytes, size_of(outcome.blob))
    if isinstance(outcome, Inline):
        ref, payload = outcome.ref, outcome.payload
    else:
        ref, payload = snapshot(outcome)
    return Value(ref, payload.head, tuple([bytes(b.data) for b in payload.buffers]))


def event_of(ended: Ended, job: int, task: str) -> tuple[JobDone | JobFailed, tuple[Place, ...]]:
    """Where it is collected: what to report for *job*, and payloads that belong to the store."""
    started, elapsed_s, what = ended.started, ended.elapsed_s, ended.what
    if isinstance(what, Raised):
        if what.problem:
            kind: type[ExecutorError] = _OURS.get(what.problem, ExecutorError)
            text = what.text if task in what.text else f"{task}: {what.text}"
            error: BaseException = kind(text)
        else:
            error = unpack_error(PackedError(*_packed(what)))
        return JobFailed(job, started, elapsed_s, error, what.traceback, ended.reads), ()
    try:
        outcome, places = _outcome_of(what)
    except Exception as error:  # unpickling runs the user's code
        problem = f"the result of {task} cannot be read back: {type(error).__name__}: {error}"
        return JobFailed(job, started, elapsed_s, ExecutorError(problem), ""), ()
    return JobDone(job, started, elapsed_s, outcome, ended.reads), places


def _packed(what: Raised) -> Sequence[Any]:
    return what.data, what.reason, what.kind, what.bases, what.text


def _outcome_of(what: Value | Container | Expression) -> tuple[object, tuple[Place, ...]]:
    if isinstance(what, Expression):
        return Unreduced(pickling.load(what.data)), ()
    if isinstance(what, Value):
        return _one(what)
    made = [_one(leaf) for leaf in what.leaves]
    skeleton = restore(_payload(what.skeleton))

    def filled(hole: Hole) -> object:
        return made[hole.at][0]

    outcome = rebuild(skeleton, filled, _HOLES.__contains__)
    return outcome, tuple(place for _, places in made for place in places)


def _one(what: Value) -> tuple[object, tuple[Place, ...]]:
    if what.blob:
        place = Place(what.blob, b"", 0, what.size)
        return Stored(what.ref, what.blob, what.nbytes), (place,)
    payload = _payload(what)
    if what.ref == what.head and not what.buffers:
        value = restore(payload)  # small
        if type(value) in SCALARS:
            return value, ()
    made: Result = Inline(what.ref, payload)
    return made, ()


def _payload(what: Value) -> Payload:
    return Payload(what.head, tuple([Buffer.of(b) for b in what.buffers]))
