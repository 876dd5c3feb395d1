"""Attacks by way of names, catalogs and small objects."""

import json
import os

from tests.core.support.hostile import ALL, LATER, Attack, row

from cellgraph.stores.s3.bundle import build

JUNK = 25


# --- names, catalogs, small objects ---------------------------------------------------------------


@row()
def names_that_lead_elsewhere(a: Attack) -> None:
    stamped, _ = a.call("number")
    names = (
        "../../escaped.seg", "/etc/escaped.seg", "1/00/../../../escaped.seg", "30000/mixed/.seg",
        "30000/mixed/é.seg", "3/00/" + "a" * 900 + ".seg", "30000/zz/20520220T000000-0123456789-0",
    )  # fmt: skip
    for name in names:
        a.write(f"segments/{name}", build(LATER, [stamped], []))
    for name in (
        "../escaped",
        ".escaped",
        "a/b",
        "x" * 900,
        "é\u202e.json",
        "\\..\\escaped",
        "a b",
    ):
        a.write(f"runs/{name}", b"{}")
        a.write(f"pins/{name}", b"{}")


@row()
def many_pages_of_objects_of_nobody(a: Attack) -> None:
    os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "10"  # on a page; taken back by the fixture
    for i in range(JUNK):
        a.write(f"segments/0/{i}", b"")


@row()
def an_old_catalog_as_the_newest(a: Attack) -> None:
    a.write("catalog/0000009999.json", b'{"position": "0", "segments": [], "replaced": []}')


@row(*ALL)
def a_catalog_that_hides_everything(a: Attack) -> None:
    """As if it had been deleted: what an attacker could do, too."""
    names = [name.removeprefix("segments/") for name in a.named("segments/")]
    said = {"position": "0", "replaced": [{"name": name, "at": 4e9} for name in names]}
    a.write("catalog/0000000001.json", json.dumps(said).encode())


@row()
def a_catalog_of_what_is_not_there(a: Attack) -> None:
    segments = [{"name": LATER, "size": -5}, {"name": "../../x", "size": 1, "covers": ["/etc"]}]
    said = {"position": "0", "segments": segments}
    a.write("catalog/0000000001.json", json.dumps(said).encode())


@row()
def catalogs_of_garbage(a: Attack) -> None:
    for i, data in enumerate((b"", b"[" * 100_000, b'{"position": "../"}', b'{"position": 7}')):
        a.write(f"catalog/000000000{i}.json", data)


@row()
def jobs_and_outcomes_of_nobody(a: Attack) -> None:
    """Nobody reads them who has no remote executor; else see `test_batch_signed`."""
    for i, data in enumerate((b"", a.bomb(), b"\x9f" * 1000, b"\xdd\xff\xff\xff\xff")):
        a.write(f"pending/20260101T000000-{i:010}", data)
        a.write(f"arrays/20260101T000000-{i:010}/manifest", data)
        a.write(f"arrays/20260101T000000-{i:010}/out/0", data)
        a.write(f"arrays/../escaped/out/{'9' * 30}", data)


@row()
def runs_and_pins_of_garbage(a: Attack) -> None:
    stamp = "20260101T000000.000000Z"
    whole = json.dumps({"id": 1, "tasks": [{"name": "<script>"}], "started": "x"}).encode()
    for i, data in enumerate((b"", b"[" * 100_000, b"7", b"{}", whole, b"\xff\xfe", b"null")):
        a.write(f"runs/{stamp}-0000000{i}.json", data)
        a.write(f"pins/0000000{i}.json", data)
