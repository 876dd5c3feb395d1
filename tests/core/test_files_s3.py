"""`File` and `Dir` in buckets: named by what S3 says of them, read as copies, written whole."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import user_error
from tests.core.support.file_lab import Project
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.identity.values import reference
from cellgraph.mounts import VARIABLE, told


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def bucket(
    server: S3Server, quick: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    point_at(server, monkeypatch, tmp_path)
    server.forget_requests()
    return f"s3://{BUCKET}/{tmp_path.name}"


def key(bucket: str, name: str) -> str:
    return f"{bucket.removeprefix(f's3://{BUCKET}/')}/{name}"


def evaluate(project: Project, expr: Any, **options: Any) -> Any:
    with project.lab.session(executor=project.place) as session:
        return session.evaluate(expr, **options)


SIZE = """
@task
def size(file):
    tick("size")
    with open(file) as opened:
        return len(opened.read())
"""


def test_a_file_is_named_by_its_content(server: S3Server, quick: Project, bucket: str) -> None:
    quick.run(SIZE)
    server.write(key(bucket, "raw.csv"), b"1,2")
    call = quick.nb["size"](cg.File(f"{bucket}/raw.csv"))
    assert evaluate(quick, call) == 3
    assert evaluate(quick, call) == 3
    server.write(key(bucket, "raw.csv"), b"1,2")  # as it was
    assert evaluate(quick, call) == 3
    assert quick.ran() == {"size": 1}
    server.write(key(bucket, "raw.csv"), b"1,3")
    assert evaluate(quick, call) == 3
    assert quick.ran() == {"size": 1}
    with quick.lab.session() as session:
        server.write(key(bucket, "raw.csv"), b"1,4")
        reason = session.explain(call).reason
    assert reason == f"file {bucket}/raw.csv changed"


def test_it_is_downloaded_once(server: S3Server, quick: Project, bucket: str) -> None:
    server.write(key(bucket, "big.bin"), os.urandom(1 << 20))
    file = cg.File(f"{bucket}/big.bin")
    assert file.size_bytes == 1 << 20
    assert file.read_bytes() == file.path.read_bytes()
    sent = [p for m, p in server.requests if m == "GET" and "big.bin" in p]
    assert len(sent) == 1
    # a copy that somebody changed is not used
    file.path.chmod(0o644)
    file.path.write_bytes(b"x")
    assert len(file.read_bytes()) == 1 << 20


def test_scripts_read_and_write_buckets(server: S3Server, quick: Project, bucket: str) -> None:
    server.write(key(bucket, "raw/a b.txt"), b"1\n")
    server.write(key(bucket, "raw/sub/$(c).txt"), b"2\n")
    call = cg.script(
        """
        echo run >> "$ENGINE_TEST_TICKS"
        cat "$one" "$all"/* "$all"/sub/* > "$whole" 2> /dev/null || true
        echo 1 > "$parts/x.txt"; mkdir "$parts/y"; echo 2 > "$parts/y/z.txt"
        """,
        inputs={"one": cg.File(f"{bucket}/raw/a b.txt"), "all": cg.Dir(f"{bucket}/raw/")},
        outputs={"whole": f"{bucket}/out/whole.txt", "parts": cg.Dir(f"{bucket}/out/parts")},
    )
    value = evaluate(quick, call)
    assert value["whole"] == cg.File(f"{bucket}/out/whole.txt")
    assert server.read(key(bucket, "out/whole.txt")) == b"1\n1\n2\n"
    assert server.read(key(bucket, "out/parts/y/z.txt")) == b"2\n"
    assert sorted(p.name for p in value["parts"]) == ["x.txt", "y"]
    assert evaluate(quick, cg.script('cat "$p"/*.txt', inputs={"p": call["parts"]})) == "1\n"
    evaluate(quick, call)
    assert quick.ran() == {"run": 1}
    server.delete(key(bucket, "out/whole.txt"))
    evaluate(quick, call)
    assert quick.ran() == {"run": 1}
    assert server.read(key(bucket, "out/whole.txt")) == b"1\n1\n2\n"


def test_a_failed_script_writes_nothing(server: S3Server, quick: Project, bucket: str) -> None:
    call = cg.script('echo half > "$output"; exit 1', outputs=f"{bucket}/x.txt")
    with pytest.raises(cg.TaskError):
        evaluate(quick, call)
    assert server.keys(key(bucket, "")) == []


def test_a_python_task_writes_with_receive(server: S3Server, quick: Project, bucket: str) -> None:
    quick.run(f"""
        @task
        def make():
            tick("make")
            with open("draft.txt", "w") as file:
                file.write("made")
            there = cg.File("{bucket}/made.txt")
            there.receive("draft.txt")
            return there
        """)
    call = quick.nb.value("make()")
    assert evaluate(quick, call).read_text() == "made"
    evaluate(quick, call)
    assert quick.ran() == {"make": 1}
    server.write(key(bucket, "made.txt"), b"other")
    assert evaluate(quick, call).read_text() == "made"
    assert quick.ran() == {"make": 1}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("cg.File('s3://{bucket}/none').digest", "does not exist"),
        ("cg.Dir('s3://{bucket}/none').digest", "does not exist"),
        ("cg.File('s3://no-such-bucket-here/x').digest", "does not exist"),
        ("cg.File('s3://{bucket}')", "expected s3://bucket/key"),
        ("cg.File('s3:///x')", "expected s3://bucket/key"),
        ("cg.File('s3://{bucket}/x').open('w')", "receive"),
    ],
)
def test_what_cannot_be_says_so(quick: Project, bucket: str, call: str, words: str) -> None:
    with pytest.raises(cg.CellgraphError, match=words):
        quick.nb.value(call.replace("{bucket}", BUCKET))


def test_a_change_while_a_call_uses_it_is_not_believed(
    server: S3Server, quick: Project, bucket: str
) -> None:
    server.write(key(bucket, "a.txt"), b"1")
    call = cg.script('echo "$f"', inputs={"f": cg.File(f"{bucket}/a.txt")})

    def change(method: str, path: str) -> None:
        if method == "GET" and "a.txt" in path:
            server.fault = lambda method, path: None
            server.write(key(bucket, "a.txt"), b"22")

    server.fault = change
    with pytest.raises(cg.CellgraphError) as caught:
        evaluate(quick, call)
    assert "changed" in str(user_error(caught.value))


def test_a_mount_is_read_in_place_of_a_copy(
    server: S3Server,
    quick: Project,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, text in {"a.txt": "one", "b/c.txt": "three"}.items():
        server.write(key(bucket, name), text.encode())
    mount = tmp_path / "fsx" / "ns"
    (mount / "b").mkdir(parents=True)
    (mount / "a.txt").write_text("eno")  # as the file system has it: of the right size
    file, folder = cg.File(f"{bucket}/a.txt"), cg.Dir(f"{bucket}/b")
    named = reference([file, folder])
    monkeypatch.setenv(VARIABLE, told({bucket: str(mount), f"{bucket}/b/deep": "/nowhere"}))
    assert file.path == mount / "a.txt"
    assert file.read_text() == "eno"
    assert folder / "c.txt" == mount / "b" / "c.txt"
    assert cg.File(f"{bucket}/b/c.txt").read_text() == "three"  # not there yet: a copy
    (mount / "a.txt").write_text("an older and longer one")
    assert file.read_text() == "one"
    assert reference([file, folder]) == named
    monkeypatch.setenv(VARIABLE, "[")
    with pytest.raises(cg.ConfigError, match="expected JSON"):
        _ = file.path
