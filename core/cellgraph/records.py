"""What is stored under a key, as msgpack. Field order is the format: only ever add at the end.

Several kinds of record may stand under one key; the tag tells them apart. Durations in seconds,
times in seconds since the epoch, digests of 32 bytes.
"""

from typing import Any

import msgspec


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


class CodeRecord(msgspec.Struct, array_like=True, frozen=True, tag=12):
    """The labelled tree of a task's code, once per task id."""

    task: str
    tree: bytes


class NameRecord(msgspec.Struct, array_like=True, frozen=True, tag=13):
    """A task id that a task name has stood for."""

    task_id: bytes
    at: float


Record = CallRecord | FinalRecord | CodeRecord | NameRecord

_encoder = msgspec.msgpack.Encoder()
_decoder: Any = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """Return the bytes of *record*."""
    return _encoder.encode(record)


def decode(data: bytes) -> Record | None:
    """Return the record, or None for a kind this version does not know."""
    try:
        decoded: Record = _decoder.decode(data)
    except msgspec.ValidationError:
        return None
    return decoded
