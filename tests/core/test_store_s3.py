"""The store in a bucket: the contract of stores, and how it lies there."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.s3server import BUCKET, S3Server, point_at, serving

from cellgraph.errors import ConfigError, StoreError
from cellgraph.stores.base import Entry, Store
from cellgraph.stores.s3 import Access, Pace, S3Store
from cellgraph.testing.store_contract import PersistentStoreContract
from cellgraph.testing.store_samples import contents, key_of, sample_payload

# Nothing is pushed but by `flush` and `close`; every miss looks at the bucket.
CALM = Pace(flush_s=3600, refresh_s=0)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def uri(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A prefix of its own for each test."""
    point_at(server, monkeypatch, tmp_path)
    server.forget_requests()
    return f"s3://{BUCKET}/{tmp_path.name}"


class TestS3Store(PersistentStoreContract):
    @pytest.fixture
    def store(self, uri: str, tmp_path: Path) -> Iterator[S3Store]:
        self.cache = tmp_path / "cache"
        store = S3Store(uri, cache=self.cache)
        yield store
        store.close()

    def reopen(self, store: Store) -> S3Store:
        assert isinstance(store, S3Store)
        store.close()
        return S3Store(store.uri, cache=self.cache)

    @pytest.mark.slow  # some two hundred stores are opened; the other tests of the contract are not
    def test_like_a_dict_over_reopening(self, store: Store) -> None:
        super().test_like_a_dict_over_reopening(store)


def folders(server: S3Server, uri: str) -> set[str]:
    prefix = uri.removeprefix(f"s3://{BUCKET}/") + "/"
    return {key.removeprefix(prefix).partition("/")[0] for key in server.keys(prefix)}


def test_layout(server: S3Server, uri: str, tmp_path: Path) -> None:
    store = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    store.append([Entry(key_of(i), i % 7, b"x" * 50) for i in range(100)])
    store.append([Entry(key_of("one zone"), 3, b"y")])
    small = [sample_payload(i, (10_000,)) for i in range(20)]
    large = sample_payload(99, (2_000_000, 5))
    for payload in (*small, large):
        store.put_blob(payload)
    store.write_file("runs/20260101-ab.json", b"{}")
    assert folders(server, uri) == {"format.json"}, "nothing is pushed call by call"
    assert store.flush()
    counted = server.counted()
    assert counted["PUT segments"] == 1, "one object per flush and session, however many tasks"
    assert counted["PUT packs"] == 1 and counted["PUT blobs"] == 1 and counted["PUT runs"] == 1
    assert folders(server, uri) == {"format.json", "segments", "packs", "blobs", "runs"}
    store.append([Entry(key_of("alone"), 0xAB, b"z")])
    store.close()
    prefix = uri.removeprefix(f"s3://{BUCKET}/")
    names = [key.split("/")[-2] for key in server.keys(f"{prefix}/segments/")]
    assert sorted(names) == ["ab", "mixed"]
    facts = json.loads(server.read(f"{prefix}/format.json"))
    assert facts["format"] == 1 and facts["digest"] == "blake3-256"
    blob = large.digest().hex()
    assert server.keys(f"{prefix}/blobs/") == [f"{prefix}/blobs/{blob[:2]}/{blob}"]


def test_another_machine_has_everything(uri: str, tmp_path: Path) -> None:
    first = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    entries = [Entry(key_of(i % 150), i % 150 % 7, b"%d" % i) for i in range(300)]
    for at in range(0, 300, 50):
        first.append(entries[at : at + 50])
    payloads = [sample_payload(1), sample_payload(2, (2_000_000,)), sample_payload(3, ())]
    payloads += [sample_payload(i, (8000, i)) for i in range(10, 15)]
    for payload in payloads:
        first.put_blob(payload)
    first.write_file("runs/one", b"1")
    first.close()
    second = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    keys = [key_of(i) for i in range(150)]
    found = second.get_many(keys)
    assert found == {key_of(i): (b"%d" % (i + 150), b"%d" % i) for i in range(150)}
    assert sorted(second.scan()) == sorted(entries)
    for payload in payloads:
        assert second.has_blob(payload.digest())
        assert contents(second.get_blob(payload.digest())) == contents(payload)
    assert second.list_files("runs") == ["runs/one"]
    assert second.read_file("runs/one") == b"1"
    second.append([Entry(key_of(0), 0, b"later")])
    second.write_file("runs/one", b"2")
    second.close()
    third = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    assert third.get_many([key_of(0)]) == {key_of(0): (b"later", b"150", b"0")}
    assert third.list_files("runs") == ["runs/one"]
    assert third.read_file("runs/one") == b"2", "a newer state is fetched when it was listed"
    third.close()


def test_open_sessions_see_each_other(uri: str, tmp_path: Path) -> None:
    here, there = (S3Store(uri, cache=tmp_path / name, pace=CALM) for name in "ab")
    for i in range(3):
        assert there.get_many([key_of(i)]) == {}
        here.append([Entry(key_of(i), i, b"x")])
        assert here.flush()
        deadline = time.monotonic() + 20
        while not there.get_many([key_of(i)]):
            assert time.monotonic() < deadline, "records of the other session never came"
            time.sleep(0.02)
    here.close()
    there.close()


def test_a_hit_asks_nobody(server: S3Server, uri: str, tmp_path: Path) -> None:
    S3Store(uri, cache=tmp_path / "a").close()
    store = S3Store(uri, cache=tmp_path / "a", pace=Pace(flush_s=3600, refresh_s=3600))
    store.append([Entry(key_of(i), 1, b"x") for i in range(1000)])
    payload = sample_payload(1)
    store.put_blob(payload)
    store.get_many([key_of("miss")])
    server.forget_requests()
    for i in range(1000):
        assert store.get_many([key_of(i), key_of("miss", i)])
        assert store.has_blob(payload.digest())
        assert not store.has_blob(key_of("no blob", i))
        assert store.get_blob(payload.digest()) is not None
        assert store.get_blob(key_of("no blob", i)) is None
    assert not server.requests
    store.close()


def test_the_first_of_a_pack_is_read_by_range_and_then_the_rest(
    server: S3Server, uri: str, tmp_path: Path
) -> None:
    first = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    payloads = [sample_payload(i, (20_000,)) for i in range(30)]
    for payload in payloads:
        first.put_blob(payload)
    first.append([Entry(key_of("k"), 0, b"x")])
    first.close()
    second = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert second.get_many([key_of("k")])
    server.forget_requests()
    for payload in payloads:
        assert contents(second.get_blob(payload.digest())) == contents(payload)
    assert server.counted() == {"GET packs": 2}
    second.close()


def test_what_is_there_is_not_pushed_again(server: S3Server, uri: str, tmp_path: Path) -> None:
    payload = sample_payload(1)
    for name in "ab":
        store = S3Store(uri, cache=tmp_path / name, pace=CALM)
        store.get_many([key_of("k")])
        store.put_blob(payload)
        store.append([Entry(key_of("k", name), 0, b"x")])
        store.close()
    assert server.counted()["PUT packs"] == 1
    # Seen longer ago than half the grace period: it may be collected, so it is put again.
    store = S3Store(uri, cache=tmp_path / "b", pace=Pace(flush_s=3600, grace_s=0))
    store.put_blob(payload)
    store.close()
    assert server.counted()["PUT packs"] == 2


def test_the_tier_keeps_to_its_size_and_never_drops_what_is_not_pushed(
    uri: str, tmp_path: Path
) -> None:
    store = S3Store(uri, cache=tmp_path / "a", pace=CALM, tier_bytes=1_000_000)
    payloads = [sample_payload(i, (100_000,)) for i in range(30)]
    for payload in payloads:
        store.put_blob(payload)
    files = list((tmp_path / "a").rglob("blobs/??/*"))
    assert len(files) == 30
    store.append([Entry(key_of("k"), 0, b"x")])
    assert store.flush()
    store.close()
    left = [path for path in (tmp_path / "a").rglob("blobs/??/*") if path.exists()]
    assert sum(path.stat().st_size for path in left) <= 1_200_000
    again = S3Store(uri, cache=tmp_path / "a", pace=CALM, tier_bytes=1_000_000)
    for payload in payloads:
        assert again.has_blob(payload.digest())
        assert contents(again.get_blob(payload.digest())) == contents(payload)
    again.close()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (b'{"format": 2, "digest": "blake3-256", "store": "x"}', "newer Cellgraph.*upgrade"),
        (b'{"format": 1, "digest": "sha512", "store": "%032d"}' % 0, "sha512.*upgrade"),
        (b"{", "damaged.*Nothing was changed"),
        (b'{"format": 1, "digest": "blake3-256", "store": "../../x"}', "damaged"),
    ],
)
def test_a_format_it_does_not_know_is_refused_and_left_alone(
    server: S3Server, uri: str, tmp_path: Path, facts: bytes, message: str
) -> None:
    prefix = uri.removeprefix(f"s3://{BUCKET}/")
    server.write(f"{prefix}/format.json", facts)
    with pytest.raises(StoreError, match=message):
        S3Store(uri, cache=tmp_path / "a")
    assert server.counted() == {"GET format.json": 1}
    assert server.keys(f"{prefix}/") == [f"{prefix}/format.json"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("bad", ["s3://", "s3:///x", "s3://B_/x", "s3://team/a/../b"])
def test_a_bad_uri_is_refused(bad: str, uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="store="):
        S3Store(bad, cache=tmp_path)


def test_an_unknown_profile_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"profile='nobody'.*list-profiles"):
        S3Store(uri, cache=tmp_path, access=Access(profile="nobody"))


def test_requester_pays_and_kms_go_with_every_request(
    server: S3Server, uri: str, tmp_path: Path
) -> None:
    access = Access(requester_pays=True, kms_key="alias/team", region="eu-west-1")
    store = S3Store(uri, cache=tmp_path / "a", access=access, pace=CALM)
    store.append([Entry(key_of(1), 0, b"x")])
    store.put_blob(sample_payload(1))
    large = sample_payload(2, (20_000_000,))  # in several parts
    store.put_blob(large)
    store.close()
    other = S3Store(uri, cache=tmp_path / "b", access=access, pace=CALM)
    assert other.get_many([key_of(1)])
    assert contents(other.get_blob(large.digest())) == contents(large)
    other.close()
    assert server.headers
    for method, path, headers in server.headers:
        assert headers.get("HTTP_X_AMZ_REQUEST_PAYER") == "requester", (method, path)
        begins = method == "PUT" and "partNumber" not in path
        if begins or path.endswith("?uploads"):
            assert headers["HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION"] == "aws:kms", (method, path)
            key = headers["HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID"]
            assert key == "alias/team"
    assert sum("partNumber" in path for _, path, _ in server.headers) >= 3
