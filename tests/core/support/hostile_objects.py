"""Attacks by way of payloads and objects of records."""

import os

import msgspec
from tests.core.support import hostile
from tests.core.support.hostile import ALL, LATER, Attack, row

from cellgraph.stores.s3.bundle import Place, build

# --- payloads -----------------------------------------------------------------------------------


@row()
def nothing(a: Attack) -> None: ...


@row("small")
def a_pack_is_altered(a: Attack) -> None:
    (name,) = a.named("packs/")
    a.write(name, bytes([a.objects[name][0] ^ 1]) + a.objects[name][1:])


@row("large")
def a_large_payload_is_altered(a: Attack) -> None:
    (name,) = a.named("blobs/")
    a.write(name, a.objects[name][:-1] + b"\xff")


@row("large")
def a_large_payload_is_cut(a: Attack) -> None:
    (name,) = a.named("blobs/")
    a.write(name, a.objects[name][: len(a.objects[name]) // 2])


@row("small", "large")
def payloads_change_places(a: Attack) -> None:
    (pack,), (blob,) = a.named("packs/"), a.named("blobs/")
    a.write(pack, a.objects[blob])
    a.write(blob, a.objects[pack])


@row("small", "large")
def payloads_are_deleted(a: Attack) -> None:
    for name in (*a.named("packs/"), *a.named("blobs/")):
        a.delete(name)


@row("small")
def places_lead_elsewhere(a: Attack) -> None:
    (small,) = [p for p in a.places() if p.pack]
    late_s = 2**40  # it says it is newer than what others said
    lies = [(small.pack, 7, 20, late_s), (b"", 0, 10, late_s)]
    a.forge([], [Place(small.digest, *lie) for lie in lies])


@row()
def places_are_beyond_all_numbers(a: Attack) -> None:
    (small,) = [p for p in a.places() if p.pack]
    numbers = [(2**63, 1), (0, 2**64 - 1), (-1, 5), (0, 0), (0, -1)]
    a.forge([], [Place(small.digest, small.pack, *pair) for pair in numbers])


# --- objects of records -------------------------------------------------------------------------


@row(*ALL)
def segments_are_renamed(a: Attack) -> None:
    for i, name in enumerate(a.named("segments/")):
        a.delete(name)
        a.write(f"segments/{LATER[:-5]}{i}.seg", a.objects[name])


@row(*ALL)
def segments_are_cut(a: Attack) -> None:
    for name in a.named("segments/"):
        a.write(name, a.objects[name][:-100])


@row()
def segments_are_there_twice(a: Attack) -> None:
    for i, name in enumerate(a.named("segments/")):
        a.write(f"segments/{LATER[:-5]}{i}.seg", a.objects[name])


@row()
def segments_of_garbage(a: Attack) -> None:
    for i, data in enumerate((b"", b"x", os.urandom(9000), bytes(200))):
        a.write(f"segments/{LATER[:-5]}{i}.seg", data)


@row(*ALL)
def all_bytes_of_records_are_changed(a: Attack) -> None:
    for name in a.named("segments/"):
        data = bytearray(a.objects[name])
        first = min(b for _, _, part in a.bundles()[name].sections for b in [len(part)])
        data[60:first] = bytes(b ^ 1 for b in data[60:first])
        for at in range(0, len(data) - 4096, 40):
            data[at] ^= 1
        end = len(data) - 56 - int.from_bytes(data[-56:-48], "little")
        data[:end] = bytes(b ^ 1 for b in data[:end])
        a.write(name, bytes(data))


@row()
def footers_of_wrong_types(a: Attack) -> None:
    pack = msgspec.msgpack.encode
    said: list[object] = [
        {"sections": 1},
        [[["zone", 0, 1]], b"", []],
        [[[0, 0, 2**63]], b"", []],
        [[[0, 5, 1]], b"", []],
        [[[0, 0, 1], [0, 0, 1]], b"", []],
        [[[999, 0, 1]], b"", []],
        [[], b"", [[b"short", b"", 0, 1]]],
        [[], b"", [[bytes(32), b"odd", 0, 1]]],
    ]
    deep = b"\x91" * 100_000 + b"\x90"
    for i, data in enumerate([*map(pack, said), deep, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff"]):
        name = f"{LATER[:-5]}{i}.seg"
        a.write(f"segments/{name}", hostile.footer(name, b"body", data))


@row()
def a_stamp_beyond_all_time(a: Attack) -> None:
    stamped, _ = a.call("number")
    a.forge([stamped._replace(stamp=2**64 - 1, data=b"")])


@row()
def an_object_with_the_name_of_a_local_writer(a: Attack) -> None:
    stamped, _ = a.call("point")
    name = "30000/mixed/20520220T000000-0123456789ab-0.seg"
    a.write(f"segments/{name}", build(name, [stamped], []))
