"""Attacks by way of single records and the values in them."""

import os
from typing import Any

import msgspec
import numpy as np
from tests.core.support import hostile
from tests.core.support.hostile import ALL, Attack, row

from cellgraph.codecs.payload import Payload
from cellgraph.identity.values import snapshot
from cellgraph.identity.wire import length
from cellgraph.records import Graph, Piece, ReadsRecord, Value, encode
from cellgraph.stores.s3.bundle import Place
from cellgraph.stores.s3.place import blob_name

# --- records ------------------------------------------------------------------------------------


@row("number", "words")
def records_are_swapped_in_place(a: Attack) -> None:
    (one, _), (two, _) = a.call("number"), a.call("words")
    for name in a.named("segments/"):
        data = a.objects[name]
        data = data.replace(one.key, b"-" * 32).replace(two.key, one.key)
        a.write(name, _same_footer(a.objects[name], data.replace(b"-" * 32, two.key)))


def _same_footer(old: bytes, new: bytes) -> bytes:
    end = len(old) - 56 - int.from_bytes(old[-56:-48], "little")
    return new[:end] + old[end:]


@row(number={"a": [2]})
def a_record_under_the_key_of_another(a: Attack) -> None:
    """As any forged value: nobody but a signature could tell."""
    (one, _), (two, _) = a.call("number"), a.call("words")
    a.forge([one._replace(stamp=one.stamp + 10**12, data=two.data)])


@row(number=666)
def a_self_consistent_record_in_a_safe_codec(a: Attack) -> None:
    ref, payload = snapshot(666)
    value = Value(Piece(ref, payload.head))
    a.replace("number", lambda r: msgspec.structs.replace(r, outcome=value))


@row()
def a_pickle_bomb(a: Attack) -> None:
    a.answer("number", hostile.pickled(a.bomb()))


@row()
def a_pickle_bomb_in_a_list(a: Attack) -> None:
    a.answer("words", b"[g\x01" + hostile.pickled(a.bomb()))


@row()
def a_pickle_bomb_in_an_array_of_objects(a: Attack) -> None:
    a.answer("small", hostile.object_array(hostile.pickled(a.bomb())))


@row()
def a_pickle_bomb_as_a_payload(a: Attack) -> None:
    payload = Payload(hostile.pickled(a.bomb() + bytes(5000)))
    data = _blob_bytes(payload)
    a.write(blob_name(payload.digest()), data)
    stamped, record = a.call("large")
    piece = Piece(b"s\x06forged", b"", (), payload.digest(), payload.nbytes)
    forged = msgspec.structs.replace(record, outcome=Value(piece))
    place = Place(payload.digest(), b"", 0, len(data))
    a.forge([stamped._replace(stamp=stamped.stamp + 10**12, data=encode(forged))], [place])


def _blob_bytes(payload: Payload) -> bytes:
    from cellgraph.stores.local.blobfile import parts

    return b"".join(bytes(part) for part in parts(payload)[0])


@row()
def a_class_that_has_to_be_imported(a: Attack) -> None:
    a.answer("number", hostile.table_of("c", "evil_module", "Evil", b"O\x00\x00\x00g\x00"))


@row()
def a_class_as_a_value(a: Attack) -> None:
    a.answer("number", hostile.table_of("c", "evil_module", "Evil", b"V\x00"))


@row()
def a_function_as_a_value(a: Attack) -> None:
    a.answer("number", hostile.table_of("f", "os", "system", b"V\x00"))


@row()
def an_exception_that_calls_its_class(a: Attack) -> None:
    a.answer("number", hostile.table_of("c", "builtins", "OSError", b"E\x00g\x02[g\x00N"))


@row()
def a_secret_instead_of_a_value(a: Attack) -> None:
    a.answer("number", hostile.kind_of("+cellgraph.secret", "env:AWS_SECRET_ACCESS_KEY"))


@row()
def lengths_without_bytes(a: Attack) -> None:
    a.answer("number", b"[0" + length(1 << 44))
    a.answer("words", b"s" + b"\xff" * 3000)


@row()
def an_array_larger_than_its_bytes(a: Attack) -> None:
    a.answer("small", hostile.kind_of("numpy.array", ("<f8", (1 << 40,), hostile.raw(b""))))


@row()
def text_beyond_its_buffer(a: Attack) -> None:
    offsets = np.array([0, 1 << 30], "i4").tobytes()
    state = ("string", (1, None, hostile.raw(offsets), hostile.raw(b"x")))
    a.answer("small", hostile.kind_of("pyarrow.array", state))


@row(*ALL)
def records_of_wrong_types(a: Attack) -> None:
    wrong = [[10, 1, 2], {"a": 1}, [10, "t", b"", b"", [0, 5], "", "soon", 0, ""], [999]]
    made: list[Any] = []
    for task, data in zip(("number", "words", "small", "large"), wrong, strict=True):
        stamped, _ = a.call(task)
        made.append(stamped._replace(data=msgspec.msgpack.encode(data)))
    deep = b"\x91" * 200_000 + b"\x90"
    made += [made[0]._replace(stamp=5, data=deep), made[0]._replace(stamp=6, data=b"\xdd\xff")]
    for name in a.named("segments/"):
        a.delete(name)
    a.forge(made)


@row()
def times_that_cannot_be(a: Attack) -> None:
    infinite = {"started": float("inf"), "elapsed_s": float("nan"), "log": "\x1b[2J"}
    a.replace("number", lambda r: msgspec.structs.replace(r, **infinite))


@row()
def parts_that_are_not_there(a: Attack) -> None:
    made: list[Any] = []
    for hole in (7, -5, "x"):
        head = hostile.kind_of("+cellgraph.hole", hole)
        leaf = Piece(b"i", b"i" + bytes(8))
        value = Value(Piece(b"s\x01h", head), (leaf,))
        stamped, record = a.call("words")
        forged = encode(msgspec.structs.replace(record, outcome=value))
        made.append(stamped._replace(stamp=stamped.stamp + 10**12 + len(made), data=forged))
    a.forge(made)


@row()
def an_expression_that_calls_what_the_attacker_likes(a: Attack) -> None:
    nodes: list[object] = [("c", 1, {}, (), {}), 0]
    payload = snapshot(nodes)[1]
    graph = Graph(Piece(b"s\x01g", payload.head))
    a.replace("number", lambda r: msgspec.structs.replace(r, outcome=graph))


@row()
def reads_of_places_that_never_end(a: Attack) -> None:
    stamped, record = a.call("number")
    for kind, name in (("file", "/dev/zero"), ("file", "a\0b"), ("listing", "x\0"), ("env", "a=")):
        key = os.urandom(32)
        reads = encode(ReadsRecord(((kind, name, bytes(32)),)))  # type: ignore[arg-type]  # as on the wire
        forged = encode(msgspec.structs.replace(record, reads=key))
        later = stamped._replace(stamp=stamped.stamp + 10**12, data=forged)
        a.forge([later, stamped._replace(key=key, data=reads)])
