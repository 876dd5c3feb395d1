"""A bucket that is away, refuses, is damaged or lies."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.events import Event, Notice
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Access, Pace, S3Store
from cellgraph.testing.store_samples import contents, key_of, sample_payload

CALM = Pace(flush_s=3600, refresh_s=0)
EAGER = Pace(flush_s=0.05, refresh_s=0, retry_s=0.1)
DEADLINE_S = 30


@pytest.fixture(scope="module")
def shared_server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(shared_server: S3Server) -> Iterator[S3Server]:
    yield shared_server
    shared_server.fault = lambda method, path: None


@pytest.fixture
def uri(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    point_at(server, monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "machine"))
    server.forget_requests()
    return f"s3://{BUCKET}/{tmp_path.name}"


@cg.task
def double(i: int) -> int:
    return 2 * i


@cg.task
def text(i: int) -> bytes:
    return bytes([i % 256]) * 20_000


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def notices(session: cg.Session) -> list[str]:
    """Texts of the notices of *session*, from now on."""
    said: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Notice):
            said.append(event.text)

    session.bus.subscribe(note)
    return said


def one_entry(*parts: object) -> Entry:
    return Entry(key_of(*parts), 1, b"x")


def in_bucket(server: S3Server, tmp_path: Path) -> list[str]:
    return server.keys(f"{tmp_path.name}/segments/")


# --- away ---------------------------------------------------------------------------------------


def test_an_offline_start_with_a_warm_tier(server: S3Server, uri: str, tmp_path: Path) -> None:
    with cg.Session(store=uri) as session:
        assert session.evaluate([double(i) for i in range(20)])[3] == 6
    pushed = in_bucket(server, tmp_path)
    server.stop()
    try:
        with cg.Session(store=uri) as session:
            said = notices(session)
            run = session.submit([double(i) for i in range(25)])
            assert run.result()[24] == 48
            assert run.counts.executed == 5
            session.evaluate([double(i) for i in range(30)])
        assert len(said) == 1 and "cannot be reached" in said[0] and uri in said[0]
    finally:
        server.start()
    assert in_bucket(server, tmp_path) == pushed
    with cg.Session(store=uri):
        pass
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert len(list(other.scan())) > 30
    other.close()


def test_an_offline_start_without_a_tier(server: S3Server, uri: str, tmp_path: Path) -> None:
    said: list[str] = []
    server.stop()
    try:
        store = S3Store(uri, cache=tmp_path / "a", pace=CALM, say=said.append)
        assert store.get_many([key_of(1)]) == {}
        store.append([one_entry(1)])
        store.put_blob(sample_payload(1))
        assert not store.flush()
        assert store.list_files("runs") == []
        store.close()
    finally:
        server.start()
    assert len(said) == 1
    S3Store(uri, cache=tmp_path / "a", pace=CALM).close()
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert other.get_many([key_of(1)])
    assert contents(other.get_blob(sample_payload(1).digest())) == contents(sample_payload(1))
    other.close()


@pytest.mark.parametrize("dies", ["refuses connections", "answers 503"])
def test_a_server_that_dies_in_the_middle(
    server: S3Server, uri: str, tmp_path: Path, dies: str
) -> None:
    said: list[str] = []
    store = S3Store(uri, cache=tmp_path / "a", pace=EAGER, say=said.append)
    store.append([one_entry("before")])
    assert store.flush()
    if dies == "answers 503":
        server.fault = lambda method, path: (503, "SlowDown")
    else:
        server.stop()
    for i in range(20):
        assert store.get_many([key_of("miss", i)]) == {}
        store.append([one_entry(i)])
        store.put_blob(sample_payload(i))
        assert store.get_many([key_of(i)])
    assert not store.flush()
    assert len(said) == 1 and "pushed when it answers again" in said[0]
    if dies == "answers 503":
        server.fault = lambda method, path: None
    else:
        server.start()
    until(lambda: len(in_bucket(server, tmp_path)) >= 2)
    until(store.flush)
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert len(other.get_many([key_of(i) for i in range(20)])) == 20
    assert other.has_blob(sample_payload(19).digest())
    other.close()
    other = S3Store(uri, cache=tmp_path / "c", pace=CALM)
    other.append([one_entry("of others")])
    other.close()
    until(lambda: store.get_many([key_of("of others")]))
    store.close()
    assert len(said) == 1


def test_no_record_is_seen_before_its_payload(server: S3Server, uri: str, tmp_path: Path) -> None:
    def no_payloads(method: str, path: str) -> tuple[int, str] | None:
        return (503, "SlowDown") if method == "PUT" and "/packs/" in path else None

    server.fault = no_payloads
    store = S3Store(uri, cache=tmp_path / "a", pace=EAGER, say=logging.debug)
    store.put_blob(sample_payload(1))
    store.append([one_entry(1)])
    assert not store.flush()
    assert not in_bucket(server, tmp_path)
    server.fault = lambda method, path: None
    until(store.flush)
    assert len(in_bucket(server, tmp_path)) == 1
    store.close()


# --- refused ------------------------------------------------------------------------------------


def test_who_may_only_read_computes_on(server: S3Server, uri: str, tmp_path: Path) -> None:
    S3Store(uri, cache=tmp_path / "a").close()

    def read_only(method: str, path: str) -> tuple[int, str] | None:
        return None if method == "GET" else (403, "AccessDenied")

    server.fault = read_only
    said: list[str] = []
    store = S3Store(uri, cache=tmp_path / "b", pace=CALM, say=said.append)
    store.append([one_entry(1)])
    store.write_file("runs/x", b"1")
    assert not store.flush()
    assert not store.flush()
    assert store.get_many([key_of(1), key_of(2)])
    assert len(said) == 1 and "refuses to be written" in said[0]
    store.close()


def test_a_bucket_that_does_not_exist(uri: str, tmp_path: Path) -> None:
    said: list[str] = []
    store = S3Store("s3://nobodys-bucket/x", cache=tmp_path / "a", pace=CALM, say=said.append)
    store.append([one_entry(1)])
    assert store.get_many([key_of(1)])
    store.close()
    assert any("nobodys-bucket does not exist" in each for each in said)


AWS_CONFIG = """
[profile lab]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
sso_account_id = 111111111111
sso_role_name = dev
region = us-east-1
"""


def test_expired_credentials_pause_and_resume(
    server: S3Server, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3Store(uri, cache=tmp_path / "a").close()
    monkeypatch.setenv("HOME", str(tmp_path))  # where tokens of `aws sso login` are looked for
    (tmp_path / "aws-config").write_text(AWS_CONFIG)
    said: list[str] = []
    access = Access(profile="lab")
    store = S3Store(uri, cache=tmp_path / "a", access=access, pace=EAGER, say=said.append)
    store.append([one_entry(1)])
    assert store.get_many([key_of(1), key_of(2)]) == {key_of(1): (b"x",)}
    assert not store.flush()
    assert len(said) == 1 and "aws sso login --profile lab" in said[0]
    (tmp_path / "aws-config").write_text("[profile lab]\nregion = us-east-1\n")
    (tmp_path / "aws-credentials").write_text(
        "[lab]\naws_access_key_id = again\naws_secret_access_key = again\n"
    )
    until(lambda: in_bucket(server, tmp_path))
    store.close()
    assert len(said) == 1


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"])
def test_credentials_that_the_server_refuses(
    server: S3Server, uri: str, tmp_path: Path, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "cellgraph")
    server.fault = lambda method, path: (403, code)
    said: list[str] = []
    store = S3Store(uri, cache=tmp_path / "a", pace=EAGER, say=said.append)
    store.append([one_entry(1)])
    assert not store.flush()
    server.fault = lambda method, path: None
    until(lambda: in_bucket(server, tmp_path))
    store.close()
    assert len(said) == 1 and code in said[0] and "renewed: aws sso login" in said[0]
    everything = caplog.text + "".join(said)
    assert "testing-secret" not in everything and "AWS4-HMAC" not in everything


def test_a_newer_format_met_later_is_left_alone(server: S3Server, uri: str, tmp_path: Path) -> None:
    said: list[str] = []
    server.fault = lambda method, path: (503, "SlowDown")
    store = S3Store(uri, cache=tmp_path / "a", pace=EAGER, say=said.append)
    store.append([one_entry(1)])
    server.write(f"{tmp_path.name}/format.json", b'{"format": 9}')
    server.fault = lambda method, path: None
    until(lambda: any("newer Cellgraph" in each for each in said))
    store.close()
    assert server.keys(f"{tmp_path.name}/") == [f"{tmp_path.name}/format.json"]


# --- damaged ------------------------------------------------------------------------------------


def spoil(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("where", ["record", "footer", "empty", "short"])
def test_a_damaged_object_is_a_miss(server: S3Server, uri: str, tmp_path: Path, where: str) -> None:
    writer = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    writer.append([Entry(key_of(i), 1, b"x" * 100) for i in range(3)])
    writer.close()
    [name] = in_bucket(server, tmp_path)
    raw = server.read(name)
    damaged = {"record": spoil(raw, 80), "footer": spoil(raw, -60 % len(raw))}
    server.write(name, damaged.get(where, raw[:-9] if where == "short" else b""))
    reader = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    found = reader.get_many([key_of(i) for i in range(3)])
    assert len(found) == (2 if where == "record" else 0)
    assert set(found.values()) <= {(b"x" * 100,)}
    assert list((tmp_path / "b").rglob("quarantine/*"))
    reader.append([Entry(key_of(i), 1, b"x" * 100) for i in range(3)])
    reader.close()
    other = S3Store(uri, cache=tmp_path / "c", pace=CALM)
    assert len(other.get_many([key_of(i) for i in range(3)])) == 3
    other.close()


@pytest.mark.parametrize("kind", ["packs", "blobs"])
@pytest.mark.parametrize("how", ["spoiled", "gone"])
def test_a_damaged_payload_is_computed_again(
    server: S3Server,
    uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    how: str,
) -> None:
    call = text(1) + (b"" if kind == "packs" else b"x" * 2_000_000)
    with cg.Session(store=uri) as session:
        expected = session.evaluate(call)
    for name in server.keys(f"{tmp_path.name}/{kind}/"):
        if how == "gone":
            server.delete(name)
        else:
            raw = server.read(name)
            server.write(name, spoil(raw, len(raw) - 9))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    with cg.Session(store=uri) as session:
        assert session.evaluate(call) == expected
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a third"))
    with cg.Session(store=uri) as session:
        run = session.submit(call)
        assert run.result() == expected
        assert run.counts.executed == 0, "what was computed again is in the bucket"


@pytest.mark.parametrize("content", [b"", b"{", b'{"position": "x"}', b"[]"])
def test_a_damaged_catalog_costs_no_record(
    server: S3Server, uri: str, tmp_path: Path, content: bytes
) -> None:
    writer = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    writer.append([one_entry(1)])
    writer.close()
    server.write(f"{tmp_path.name}/catalog/0000000007.json", content)
    reader = S3Store(uri, cache=tmp_path / "b", pace=CALM, say=logging.debug)
    assert reader.get_many([key_of(1)])
    reader.close()


def test_names_that_lead_elsewhere_are_passed_over(
    server: S3Server, uri: str, tmp_path: Path
) -> None:
    S3Store(uri, cache=tmp_path / "a").close()
    for name in (
        "segments/20000/../../../evil.seg",
        "segments/20000/zz/20260101T000000-0123456789-0.seg",
        "segments/20000/mixed/evil",
        "runs/../../evil",
        "runs/deep/er",
        "runs/.hidden",
    ):
        server.write(f"{tmp_path.name}/{name}", b"evil")
    store = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert store.get_many([key_of(1)]) == {}
    assert store.list_files("runs") == []
    store.close()
    assert not list(tmp_path.rglob("*evil*"))
