"""Machines that share a bucket: requests, compaction, and who pushes what."""

import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.errors import ConfigError
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.s3.catalog import MAX_SEGMENTS, SMALL_BYTES, to_merge
from cellgraph.stores.s3.tier import Tier
from cellgraph.testing.store_samples import contents, key_of, sample_payload

CALM = Pace(flush_s=3600, refresh_s=0)


@cg.task
def leaf(i: int) -> str:
    return f"{i:06d}" * 170


@cg.task
def changed_leaf(i: int) -> str:
    return f"{i:06d}" * 171


@cg.task
def total(parts: list[str]) -> int:
    return sum(len(part) for part in parts)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def uri(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    point_at(server, monkeypatch, tmp_path)
    server.forget_requests()
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def on_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """From now on sessions run on the machine with this name: it has a cache folder of its own."""
    return lambda name: monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


def executed(uri: str, expression: Any) -> int:
    """Evaluate in a session of its own; return how many calls had to run."""
    with cg.Session(store=uri) as session:
        run = session.submit(expression)
        run.result()
        return run.counts.executed


def drill(
    server: S3Server, uri: str, on_machine: Callable[[str], None], calls: int, sessions: int
) -> tuple[int, int]:
    """Requests of a fresh machine: nothing changed, and one leaf of *calls* changed."""
    on_machine("writer")
    for part in range(sessions):
        some = range(part * calls // sessions, (part + 1) * calls // sessions)
        assert executed(uri, [leaf(i) for i in some]) == len(some)
    assert executed(uri, total([leaf(i) for i in range(calls)])) == 1
    on_machine("reader")
    server.forget_requests()
    assert executed(uri, total([leaf(i) for i in range(calls)])) == 0
    unchanged = len(server.requests)
    on_machine("another reader")
    server.forget_requests()
    others: list[Any] = [leaf(i) for i in range(calls - 1)]
    assert executed(uri, total([*others, changed_leaf(1)])) == 2
    return unchanged, len(server.requests)


@pytest.mark.parametrize("sessions", [1, 12])
def test_a_warm_start_elsewhere_takes_few_requests(
    server: S3Server, uri: str, on_machine: Callable[[str], None], sessions: int
) -> None:
    unchanged, one_changed = drill(server, uri, on_machine, 300, sessions)
    assert unchanged <= 10
    assert one_changed <= 12


@pytest.mark.slow
@pytest.mark.parametrize("sessions", [1, 50])
def test_ten_thousand_calls_elsewhere(
    server: S3Server, uri: str, on_machine: Callable[[str], None], sessions: int
) -> None:
    unchanged, one_changed = drill(server, uri, on_machine, 10_000, sessions)
    assert unchanged <= 10
    assert one_changed <= 100


def test_whoever_finds_a_record_finds_its_payload(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a process that has just looked, while another one on its machine takes the record in."""
    here, payload = tmp_path / "here", sample_payload(1)
    patient = S3Store(uri, cache=here, pace=Pace(flush_s=3600, refresh_s=3600))
    assert patient.get_many([key_of(1)]) == {}  # it asks no more
    writer = S3Store(uri, cache=tmp_path / "there", pace=CALM)
    writer.put_blob(payload)
    writer.append([Entry(key_of(1), 1, b"x")])
    writer.close()
    found: list[bool] = []
    take_in = Tier.take_in

    def and_read(tier: Tier, name: str, data: bytes) -> None:
        take_in(tier, name, data)
        while not patient.get_many([key_of(1)]):  # files of others are looked for now and then
            time.sleep(0.01)
        found.append(patient.get_blob(payload.digest()) is not None)

    monkeypatch.setattr(Tier, "take_in", and_read)
    taker = S3Store(uri, cache=here, pace=CALM)
    assert taker.get_many([key_of(1)])
    assert found == [True]
    taker.close()
    patient.close()


def test_runs_of_others_are_seen(uri: str, on_machine: Callable[[str], None]) -> None:
    on_machine("a")
    executed(uri, leaf(1))
    on_machine("b")
    with cg.Session(store=uri) as session:
        assert len(session.runs()) == 1


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"s3": {"kms_kee": "x"}}, "kms_kee.*kms_key"),
        ({"s3": {"requester_pays": "yes"}}, "requester_pays.*bool"),
        ({"s3": {"tier_gib": 0}}, "tier_gib"),
        ({"profile": "nobody"}, "nobody"),
    ],
)
def test_bad_settings(uri: str, said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cg.Session(store=uri, **said)


def test_settings_of_a_bucket_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="region"):
        cg.Session(store=tmp_path, region="eu-west-1")


def test_no_boto3_without_a_bucket() -> None:
    code = """
        import sys, tempfile
        import cellgraph as cg
        with cg.Session(store=tempfile.mkdtemp()) as session:
            session.evaluate([1])
        print(sorted({"boto3", "botocore", "diskcache"} & set(sys.modules)))
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "[]\n"


# --- compaction ---------------------------------------------------------------------------------


def flushes(uri: str, tmp_path: Path, many: int, pace: Pace = CALM) -> list[Entry]:
    """What *many* sessions wrote, each on a machine of its own that has seen what came before."""
    written: list[Entry] = []
    for number in range(many):
        store = S3Store(uri, cache=tmp_path / f"machine {number % 3}", pace=pace)
        store.get_many([key_of("look")])
        entries = [Entry(key_of(number, i), i, b"%d" % number) for i in range(3)]
        entries.append(Entry(key_of("same"), 9, b"%d" % number))
        store.append(entries)
        store.put_blob(sample_payload(number, (9000,)))
        written += entries
        store.close()
    return written


def check_all(uri: str, cache: Path, written: list[Entry], many: int) -> None:
    store = S3Store(uri, cache=cache, pace=CALM)
    keys = [key_of(number, i) for number in range(many) for i in range(3)]
    assert len(store.get_many(keys)) == len(keys)
    newest = tuple(b"%d" % number for number in reversed(range(many)))[:16]
    assert store.get_many([key_of("same")]) == {key_of("same"): newest}
    assert sorted(store.scan()) == sorted(written), "no record is lost, and none comes twice"
    for number in range(many):
        payload = sample_payload(number, (9000,))
        assert contents(store.get_blob(payload.digest())) == contents(payload)
    store.close()


def test_many_flushes_become_few_objects(server: S3Server, uri: str, tmp_path: Path) -> None:
    written = flushes(uri, tmp_path, 9)
    server.forget_requests()
    check_all(uri, tmp_path / "fresh", written, 9)
    assert server.counted()["GET segments"] <= 4
    assert server.counted()["GET catalog"] == 1
    for number in range(3):  # tiers that hold what was merged, and some of the merged objects
        check_all(uri, tmp_path / f"machine {number}", written, 9)


def test_merged_objects_go_after_the_grace_period(
    server: S3Server, uri: str, tmp_path: Path
) -> None:
    written = flushes(uri, tmp_path, 10, Pace(flush_s=3600, refresh_s=0, grace_s=0))
    left = server.keys(f"{tmp_path.name}/segments/")
    assert len(left) == 5, "of 10 flushes and 3 merged objects, those merged last or not at all"
    check_all(uri, tmp_path / "fresh", written, 10)


def test_a_reader_that_meets_a_merged_object_reads_the_catalog_again(
    server: S3Server, uri: str, tmp_path: Path
) -> None:
    written = flushes(uri, tmp_path, 3)
    told: list[str] = []

    def merge_first(method: str, path: str) -> None:
        """Between the reader's listing and its first fetch, others merge and delete."""
        if method == "GET" and "/segments/" in path and not told:
            told.append(path)
            before = server.keys(f"{tmp_path.name}/segments/")
            merger = S3Store(uri, cache=tmp_path / "merger", pace=CALM)
            merger.get_many([key_of("look")])
            extra = [Entry(key_of(3, i), i, b"3") for i in range(3)]
            extra.append(Entry(key_of("same"), 9, b"3"))
            merger.append(extra)
            merger.put_blob(sample_payload(3, (9000,)))
            merger.close()
            written.extend(extra)
            for key in before:
                server.delete(key)

    server.fault = merge_first
    try:
        check_all(uri, tmp_path / "reader", written, 4)
    finally:
        server.fault = lambda method, path: None
    assert told


def test_two_that_merge_at_once(server: S3Server, uri: str, tmp_path: Path) -> None:
    written = flushes(uri, tmp_path, 3)
    refused: list[str] = []

    def too_late(method: str, path: str) -> tuple[int, str] | None:
        if method == "PUT" and "/catalog/" in path and not refused:
            refused.append(path)
            return 412, "PreconditionFailed"
        return None

    server.fault = too_late
    store = S3Store(uri, cache=tmp_path / "loser", pace=CALM)
    store.get_many([key_of("look")])
    extra = [Entry(key_of(3, i), i, b"3") for i in range(3)] + [Entry(key_of("same"), 9, b"3")]
    store.append(extra)
    store.put_blob(sample_payload(3, (9000,)))
    store.close()
    server.fault = lambda method, path: None
    assert refused
    assert len(server.keys(f"{tmp_path.name}/segments/")) == 4, "the loser's object is gone again"
    check_all(uri, tmp_path / "fresh", written + extra, 4)


def test_what_is_merged() -> None:
    small = {f"1/00/small{i}": 1000 for i in range(3)}
    large = {f"1/00/large{i:03d}": SMALL_BYTES for i in range(MAX_SEGMENTS)}
    assert to_merge(small | large, 3) == []
    assert to_merge(small | {"1/00/one": 5} | large, 3) == ["1/00/one", *small]
    assert to_merge(small | {"1/00/one": 5}, 3, ["1/00/one"]) == []
    more = large | {"1/00/large999": SMALL_BYTES}
    assert to_merge(more, 3) == sorted(more)[:16], "as many of the oldest as fit into one object"


# --- who pushes what ----------------------------------------------------------------------------

KILLED = """
import sys, time
from pathlib import Path
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.testing.store_samples import key_of, sample_payload
store = S3Store(sys.argv[1], cache=Path(sys.argv[2]), pace=Pace(flush_s=3600))
store.get_many([key_of("look")])
store.put_blob(sample_payload(1))
store.put_blob(sample_payload(2, (2_000_000,)))
store.append([Entry(key_of(i), i % 5, b"%d" % i) for i in range(200)])
store.write_file("runs/killed", b"run")
print("done", flush=True)
time.sleep(600)
"""


def test_kill_9_before_the_push(server: S3Server, uri: str, tmp_path: Path) -> None:
    run = [sys.executable, "-c", KILLED, uri, str(tmp_path / "a")]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        process.kill()
    assert not server.keys(f"{tmp_path.name}/segments/")
    # The next session on that machine pushes it, though it writes nothing itself.
    S3Store(uri, cache=tmp_path / "a", pace=CALM).close()
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert len(other.get_many([key_of(i) for i in range(200)])) == 200
    for payload in (sample_payload(1), sample_payload(2, (2_000_000,))):
        assert contents(other.get_blob(payload.digest())) == contents(payload)
    assert other.read_file("runs/killed") == b"run"
    other.close()
    pushed = len(server.keys(f"{tmp_path.name}/"))
    S3Store(uri, cache=tmp_path / "a", pace=CALM).close()
    assert len(server.keys(f"{tmp_path.name}/")) == pushed, "and only once"


WRITER = """
import os, sys
from pathlib import Path
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.testing.store_samples import key_of, sample_payload
uri, cache, me = sys.argv[1:]
pace = Pace(flush_s=0.05, flush_bytes=20_000, refresh_s=0, grace_s=0)
for number in range(10_000):
    if number % 40 == 0:
        store = S3Store(uri, cache=Path(cache), pace=pace)
        store.get_many([key_of("look")])
    payload = sample_payload(number, (5000, 1_100_000 if number % 20 == 0 else 0))
    store.put_blob(payload)
    store.append([Entry(key_of(me, number), number % 3, payload.digest())])
    os.write(1, f"{number}\\n".encode())
    if number % 40 == 39:
        store.close()
"""


@pytest.mark.slow
def test_kill_9_again_and_again(uri: str, tmp_path: Path) -> None:
    dice = random.Random(20261123)
    expected: dict[bytes, int] = {}
    for me in range(25):
        cache = tmp_path / f"machine {me % 2}"
        run = [sys.executable, "-c", WRITER, uri, str(cache), str(me)]
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(dice.randrange(1, 150))]
            time.sleep(dice.random() * 0.2)
            process.kill()
            said += [line for line in process.stdout.readlines() if line.endswith("\n")]
        expected |= {key_of(str(me), int(line)): int(line) for line in said}
    for machine in range(2):
        S3Store(uri, cache=tmp_path / f"machine {machine}", pace=CALM).close()
    other = S3Store(uri, cache=tmp_path / "another", pace=CALM)
    found = other.get_many(list(expected))
    assert found.keys() == expected.keys(), "no finished result is lost"
    for key, number in expected.items():
        payload = sample_payload(number, (5000, 1_100_000 if number % 20 == 0 else 0))
        assert found[key] == (payload.digest(),)
        assert contents(other.get_blob(payload.digest())) == contents(payload)
    other.close()
    assert not list(tmp_path.rglob("quarantine/*"))


def test_two_sessions_on_one_machine(server: S3Server, uri: str, tmp_path: Path) -> None:
    one, two = (S3Store(uri, cache=tmp_path / "a", pace=CALM) for _ in range(2))
    for number, store in enumerate((one, two)):
        store.append([Entry(key_of(number, i), i, b"x") for i in range(10)])
        store.put_blob(sample_payload(1))
    deadline = time.monotonic() + 20
    while not one.get_many([key_of(1, 0)]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    third = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    third.close()
    assert not server.keys(f"{tmp_path.name}/segments/"), "what lives pushes for itself"
    one.close()
    two.close()
    assert len(server.keys(f"{tmp_path.name}/segments/")) == 2
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert len(list(other.scan())) == 20
    assert contents(other.get_blob(sample_payload(1).digest())) == contents(sample_payload(1))
    other.close()


def test_what_waits_is_pushed_after_a_while(server: S3Server, uri: str, tmp_path: Path) -> None:
    store = S3Store(uri, cache=tmp_path / "a", pace=Pace(flush_s=0.1))
    store.append([Entry(key_of(1), 0, b"x")])
    deadline = time.monotonic() + 20
    while not server.keys(f"{tmp_path.name}/segments/"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    store.close()
