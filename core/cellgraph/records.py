"""What is stored under a key, as msgpack. Field order is the format: only ever add at the end.

Several kinds of record may stand under one key; the tag tells them apart. Durations in seconds,
times in seconds since the epoch, digests of 32 bytes.
"""

from typing import Any

import msgspec

from cellgraph.places import Read
from cellgraph.vouched import Refused


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """One value: inline (head and buffers) or, when `blob` is set, in a blob of `nbytes`."""

    ref: bytes  # identity encoding; empty when it equals the head
    head: bytes
    buffers: tuple[bytes, ...] = ()
    blob: bytes = b""
    nbytes: int = 0


class Value(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """A final value. With `leaves`, `piece` is a container whose holes are filled from them."""

    piece: Piece
    leaves: tuple[Piece, ...] = ()


class Graph(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """An expression: `piece` holds the list of its nodes (see `graphs`)."""

    piece: Piece


class CallRecord(msgspec.Struct, array_like=True, frozen=True, tag=10):
    """One reduction of one call, and where it came from."""

    task: str
    task_id: bytes
    args: bytes  # identity encoding of the bound arguments
    outcome: Value | Graph
    run: str
    started: float
    elapsed_s: float
    executor: str
    log: str = ""
    parent: bytes = b""  # key of the call whose body made this one
    reads: bytes = b""  # what it read beside its arguments: key of a `ReadsRecord`; empty: nothing
    cpu_s: float = 0.0  # where the executor isolates calls; 0: not measured
    peak_bytes: int = 0  # most memory its process held while it ran; 0: not measured


class Edge(msgspec.Struct, array_like=True, frozen=True):
    """A verified dependency: *reference*, resolved from *caller*, must have identity *callee*."""

    caller: bytes
    reference: str
    callee: bytes


class FinalRecord(msgspec.Struct, array_like=True, frozen=True, tag=11):
    """The final value of a whole expression, or of a call that reduced to one."""

    value: Value
    edges: tuple[Edge, ...]
    calls: int  # how many calls stand behind it, and how long they ran
    elapsed_s: float
    run: str
    reads: tuple[bytes, ...] = ()  # keys of the `ReadsRecord`s of all calls below


class CodeRecord(msgspec.Struct, array_like=True, frozen=True, tag=12):
    """The labelled tree of a task's code, once per task id."""

    task: str
    tree: bytes


class NameRecord(msgspec.Struct, array_like=True, frozen=True, tag=13):
    """A task id that a task name has stood for."""

    task_id: bytes
    at: float


class ReadsRecord(msgspec.Struct, array_like=True, frozen=True, tag=14):
    """What some call read beside its arguments: verified dependencies, sorted, each once."""

    reads: tuple[Read, ...]


class EpochRecord(msgspec.Struct, array_like=True, frozen=True, tag=15):
    """Results of a task were invalidated: all of them, or those of one call (by the key)."""

    task: str
    at: float
    token: bytes  # new each time; joins the identity of the task


class ForgottenRecord(msgspec.Struct, array_like=True, frozen=True, tag=16):
    """What stands under the same key and is older does not count."""

    at: float


class AcceptedRecord(msgspec.Struct, array_like=True, frozen=True, tag=17):
    """Results of the task id `old` count as those of the code it stands under."""

    task: str
    old: bytes
    at: float
    checked: int  # calls that were run again and gave the same value
    revoked: bool
    epoch: bytes  # of the task when it was said: an invalidation ends it
    change: str = ""  # what was judged harmless


class Outline(msgspec.Struct, array_like=True, frozen=True):
    """The labelled parts of a value, by digest: what `explain` compares. See `outline`."""

    kind: str  # "dict", "DataFrame", "ndarray"
    text: str  # a short repr of a scalar; empty for what has parts
    digest: bytes
    facts: tuple[tuple[str, str], ...] = ()  # ("dtype", "int32"), ("rows", "3")
    parts: tuple[tuple[str, "Outline"], ...] = ()  # label: "column 'price'", "[2]", "'depth'"
    blob: bytes = b""  # of a stored result: its parts are read when they are asked for


class OutlineRecord(msgspec.Struct, array_like=True, frozen=True, tag=20):
    """The outline of an argument that is no scalar, under the digest of its identity."""

    outline: Outline


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One call in a `CallsRecord`: its key, and the identity of each argument by its name."""

    key: bytes
    labels: tuple[str, ...]
    refs: tuple[bytes, ...]  # long ones by their digest


class CallsRecord(msgspec.Struct, array_like=True, frozen=True, tag=21):
    """Some of the calls of one task that a run had to run: where `explain` looks first."""

    task_id: bytes
    at: float
    rows: tuple[Row, ...]
    calls: int  # how many there were


class FailureRecord(msgspec.Struct, array_like=True, frozen=True, tag=22):
    """The last failure of a call: found by `get_call`, never by a lookup. Texts are cut."""

    call: bytes  # key of the call
    task: str
    task_id: bytes
    args: bytes
    run: str
    started: float
    elapsed_s: float
    executor: str
    error: str  # one line: "ValueError: no rows"
    traceback: str
    log: str
    attempts: int
    parent: bytes = b""


class Link(msgspec.Struct, array_like=True, frozen=True):
    """A call, and the calls whose values its arguments were made of, by the beginnings of keys."""

    call: bytes
    inputs: bytes  # one after the other, each as long as `call`


class LinksRecord(msgspec.Struct, array_like=True, frozen=True, tag=23):
    """Where the arguments of calls that a run had to run came from. Written when it has ended."""

    run: str
    links: tuple[Link, ...]


class EnvironmentRecord(msgspec.Struct, array_like=True, frozen=True, tag=24):
    """What calls find in an environment that is not this machine's: see `described`."""

    name: str  # "image science:2026-11"
    described: str
    at: float


Record = (
    CallRecord
    | FinalRecord
    | CodeRecord
    | NameRecord
    | ReadsRecord
    | EpochRecord
    | ForgottenRecord
    | AcceptedRecord
    | OutlineRecord
    | CallsRecord
    | FailureRecord
    | LinksRecord
    | EnvironmentRecord
)

_encoder = msgspec.msgpack.Encoder()
_decoder: Any = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """Return the bytes of *record*."""
    return _encoder.encode(record)


def decode(data: bytes) -> Record | None:
    """Return the record; None for a kind this version does not know, or one that is refused."""
    if type(data) is Refused:
        return None
    try:
        decoded: Record = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError):  # nested without end
        return None
    return decoded
