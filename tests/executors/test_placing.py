"""Files of this machine that a call receives are there, under the same names, where it runs."""

from pathlib import Path
from typing import Any

import pytest

from cellgraph import Dir, File
from cellgraph.errors import ExecutorError, LostValue
from cellgraph.executor import Function, Job, JobDone, JobFailed, Resources
from cellgraph.identity.values import reference, snapshot
from cellgraph.result import Held, Inline
from cellgraph.stores.memory import MemoryStore
from cellgraph.worker import run_job
from cellgraph_executors import pickling
from cellgraph_executors.placing import Carried, carry, target_of, work_folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "data" / "parts" / "deep").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (folder / "data" / "in.csv").write_text("a,b\n1,2\n")
    (folder / "data" / "parts" / "x.txt").write_text("x")
    (folder / "data" / "parts" / "deep" / "y.sh").write_text("echo y\n")
    (folder / "data" / "parts" / "deep" / "y.sh").chmod(0o755)
    monkeypatch.chdir(folder)
    return folder


def carried(value: object, store: MemoryStore) -> Any:
    sent = carry(Held(reference(value), value), store)
    return pickling.load(pickling.dump(sent))  # as it travels in a manifest


def text_of(file: File) -> str:
    return file.read_text()


def passed_on(file: File) -> File:
    return file


def size_of_first(files: list[File]) -> int:
    return files[0].size_bytes


def call(func: Any, argument: Any, store: MemoryStore) -> JobDone | JobFailed:
    """Run *func* as a worker does, in a folder of its own."""
    job = Job(1, Function("f", func, b"code"), (argument,), {}, Resources())
    with work_folder():
        return run_job(job, store)


def outcome(event: JobDone | JobFailed, store: MemoryStore) -> Any:
    assert isinstance(event, JobDone), event
    found: Any = event.outcome
    return found.load(store) if hasattr(found, "load") else found


def test_files_in_containers_and_folders_are_there(project: Path) -> None:
    store = MemoryStore()
    sent = carried({"table": File("data/in.csv"), "parts": [Dir("data/parts")]}, store)
    assert isinstance(sent, Carried)
    assert [file.name for file in sent.files] == ["data/in.csv", "data/parts"]
    assert all(store.has_blob(blob) for blob in sent.blobs())

    def f(given: Any) -> Any:
        below = given["parts"][0]
        program = below / "deep" / "y.sh"
        assert program.stat().st_mode & 0o100
        here = str(Path.cwd().resolve())
        assert str(given["table"].path).startswith(here)
        return given["table"].read_text(), [str(p.name) for p in below.glob("**/*")]

    done = call(f, sent, store)
    assert outcome(done, store) == ("a,b\n1,2\n", ["deep", "y.sh", "x.txt"])


def test_a_file_that_is_returned_is_the_same_value(project: Path) -> None:
    store = MemoryStore()
    here = reference(File("data/in.csv"))
    done = call(passed_on, carried(File("data/in.csv"), store), store)
    assert isinstance(done, JobDone)
    result: Any = done.outcome
    assert result.ref == here


def test_a_file_in_a_stored_result_travels_too(project: Path) -> None:
    store = MemoryStore()
    ref, payload = snapshot([File("data/in.csv")])
    sent = carry(Inline(ref, payload), store)
    assert isinstance(sent, Carried)
    assert outcome(call(size_of_first, sent, store), store) == 8


def test_values_without_files_stay_as_they_are() -> None:
    store = MemoryStore()
    for value in ([1, 2], "cellgraph.file"):
        ref, payload = snapshot(value)
        for leaf in (Inline(ref, payload), Held(ref, value)):
            assert carry(leaf, store) is leaf


def test_a_file_of_another_folder_keeps_its_path(project: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    outside = tmp_path / "elsewhere" / "in.txt"
    outside.parent.mkdir()
    outside.write_text("outside")
    sent = carried(File(outside), store)
    outside.unlink()
    assert outcome(call(text_of, sent, store), store) == "outside"
    assert outside.read_text() == "outside"


def test_nothing_is_overwritten(project: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    outside = tmp_path / "in.txt"
    outside.write_text("one")
    sent = carried(File(outside), store)
    outside.write_text("two")
    event = call(text_of, sent, store)
    assert isinstance(event, JobFailed)
    assert isinstance(event.error, ExecutorError)
    assert "is on this machine already, with another content" in str(event.error)
    assert outside.read_text() == "two"


def test_a_lost_content_is_named(project: Path) -> None:
    sent = carried(File("data/in.csv"), MemoryStore())
    event = call(passed_on, sent, MemoryStore())
    assert isinstance(event, JobFailed)
    assert isinstance(event.error, LostValue)
    assert "the content of data/in.csv is not in the store" in str(event.error)


@pytest.mark.parametrize("name", ["file:///etc/passwd", "file:///x", "file:///tmp/../usr/bin/x"])
def test_places_of_the_system_are_refused(name: str) -> None:
    with pytest.raises(ExecutorError, match="copy it below the project"):
        target_of(name)
