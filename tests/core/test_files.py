"""`File` and `Dir`: named by place and content, in arguments and in results."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import user_error
from tests.core.support.file_lab import Project

import cellgraph as cg
from cellgraph.filedigests import file_digest
from cellgraph.identity.values import reference

COUNT = """
@task
def size(file):
    tick("size")
    return len(file.read_text())
"""
MAKE = """
@task
def make(text):
    tick("make")
    file = cg.File("out/result.txt")
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_text(text)
    return file

@task
def shout(file):
    tick("shout")
    return file.read_text().upper()
"""


# --- arguments ------------------------------------------------------------------------------------


def test_a_file_is_named_by_its_content(project: Project) -> None:
    project.write("raw.csv", "1,2")
    project.run(COUNT)
    call = "size(cg.File('raw.csv'))"
    assert project.evaluate(call) == 3
    assert project.ran() == {"size": 1}
    os.utime(project.folder / "raw.csv")
    assert project.evaluate(call) == 3
    assert project.ran() == {}
    project.write("raw.csv", "1,2,3")
    assert project.evaluate(call) == 5
    assert project.ran() == {"size": 1}


def test_an_edit_of_the_same_size_within_the_clock_tick_is_seen(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system whose clock ticks every two seconds."""
    exact, tick_ns = os.stat, 2 * 10**9

    def coarse(path: Any, **options: Any) -> os.stat_result:
        found = exact(path, **options)
        mtime, ctime = (t // tick_ns * tick_ns for t in (found.st_mtime_ns, found.st_ctime_ns))
        return os.stat_result(tuple(found), {"st_mtime_ns": mtime, "st_ctime_ns": ctime})

    path = quick.write("raw.csv", "0000")
    monkeypatch.setattr(os, "stat", coarse)
    for i in range(20):
        path.write_text(f"{i:04}")
        now = file_digest(str(path))
        path.write_text(f"{i + 5000:04}")
        assert file_digest(str(path)) != now


def test_an_edit_that_keeps_size_and_mtime_is_seen(quick: Project) -> None:
    path = quick.write("raw.csv", "1111")
    quick.run(COUNT.replace("len(file.read_text())", "file.read_text()"))
    long_ago = (1_600_000_000, 1_600_000_000)
    os.utime(path, long_ago)
    assert quick.evaluate("size(cg.File('raw.csv'))") == "1111"
    path.write_text("2222")
    os.utime(path, long_ago)
    assert quick.evaluate("size(cg.File('raw.csv'))") == "2222"


def test_a_large_file_is_remembered_between_sessions(quick: Project) -> None:
    path = quick.write("large.bin", "")
    path.write_bytes(os.urandom(9 << 20))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    whole = file_digest(str(path))
    assert whole == file_digest(str(path))
    path.write_bytes(os.urandom(9 << 20))
    assert file_digest(str(path)) != whole


def test_two_places_are_two_files(quick: Project) -> None:
    quick.write("a.txt", "same")
    quick.write("b.txt", "same")
    assert reference(cg.File("a.txt")) != reference(cg.File("b.txt"))
    assert reference(cg.File("a.txt")) == reference(cg.File(quick.folder / "a.txt"))
    assert reference(cg.File("a.txt")) == reference(cg.File(f"file://{quick.folder}/a.txt"))


def test_a_file_in_a_container_counts(quick: Project) -> None:
    quick.write("a.txt", "one")
    quick.run("""
        @task
        def sizes(given):
            tick("sizes")
            return [f.size_bytes for f in given["files"]]
    """)
    call = "sizes({'files': (cg.File('a.txt'),)})"
    assert quick.evaluate(call) == [3]
    assert quick.evaluate(call) == [3]
    quick.write("a.txt", "three")
    assert quick.evaluate(call) == [5]
    assert quick.ran() == {"sizes": 2}


def test_a_file_as_a_global_counts(project: Project) -> None:
    project.write("a.txt", "one")
    project.run("""
        SOURCE = cg.File("a.txt")

        @task
        def read():
            tick("read")
            return SOURCE.read_text()
    """)
    assert project.evaluate("read()") == "one"
    assert project.evaluate("read()") == "one"
    project.write("a.txt", "two")
    assert project.evaluate("read()") == "two"
    assert project.ran() == {"read": 2}


def test_a_folder_is_named_by_names_and_contents(project: Project) -> None:
    project.write("raw/a.txt", "a")
    project.write("raw/deep/b.txt", "b")
    project.run("""
        @task
        def joined(folder):
            tick("joined")
            return "".join(p.read_text() for p in folder.glob("**/*.txt"))
    """)
    call = "joined(cg.Dir('raw'))"
    assert project.evaluate(call) == "ab"
    assert project.evaluate(call) == "ab"
    assert project.ran() == {"joined": 1}
    for change, result in (
        (lambda: project.write("raw/deep/b.txt", "B"), "aB"),
        (lambda: project.write("raw/c.txt", "c"), "acB"),
        (lambda: (project.folder / "raw/c.txt").rename(project.folder / "raw/0.txt"), "caB"),
        ((project.folder / "raw/0.txt").unlink, "aB"),
    ):
        change()
        assert project.evaluate(call) == result
    assert project.ran() == {"joined": 3}  # what it was before has a record


def test_a_moved_project_hits_wholly(project: Project, tmp_path: Path) -> None:
    project.write("raw.csv", "1,2")
    project.run(COUNT + MAKE)
    call = "[size(cg.File('raw.csv')), shout(make('x'))]"
    first = project.evaluate(call)
    project.ran()
    project.move(tmp_path / "elsewhere")
    assert project.evaluate(call) == first
    assert project.ran() == {}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("cg.File('missing.csv')", ("missing.csv", "does not exist")),
        ("cg.Dir('missing')", ("missing", "does not exist")),
        ("cg.File('raw')", ("raw", "cg.Dir")),
        ("cg.Dir('raw/a.txt')", ("raw/a.txt", "cg.File")),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    quick: Project, value: str, words: tuple[str, str]
) -> None:
    quick.write("raw/a.txt", "a")
    quick.run(COUNT)
    error = user_error(quick.lab.failure(quick.nb.value(f"size({value})")))
    assert isinstance(error, cg.IdentityError)
    assert all(word in str(error) for word in words)
    assert quick.ran() == {}


def test_other_storage_is_refused_at_once() -> None:
    with pytest.raises(cg.ConfigError, match="gs://bucket/key"):
        cg.File("gs://bucket/key")


def test_a_result_that_is_not_there_is_the_calls_failure(project: Project) -> None:
    project.run("""
        @task
        def promise():
            return cg.File("never.txt")
    """)
    error = user_error(project.lab.failure(project.nb.value("promise()")))
    assert isinstance(error, cg.IdentityError)
    assert "never.txt" in str(error)


# --- results --------------------------------------------------------------------------------------


def test_a_result_that_is_gone_runs_its_producer_again(project: Project) -> None:
    project.run(MAKE)
    assert project.evaluate("shout(make('x'))") == "X"
    assert project.evaluate("shout(make('x'))") == "X"
    assert project.ran() == {"make": 1, "shout": 1}
    (project.folder / "out/result.txt").unlink()
    assert project.evaluate("shout(make('x'))") == "X"
    assert project.ran() == {"make": 1}  # the content is what it was: the wave stops
    assert project.reasons == ["result file out/result.txt is gone"]
    assert (project.folder / "out/result.txt").read_text() == "x"


def test_a_result_that_was_changed_runs_its_producer_again(project: Project) -> None:
    project.run(MAKE)
    assert project.evaluate("make('x')").read_text() == "x"
    project.write("out/result.txt", "tampered with")
    assert project.evaluate("make('x')").read_text() == "x"
    assert project.ran() == {"make": 2}
    assert project.reasons == ["result file out/result.txt changed"]


def test_a_folder_as_a_result(project: Project) -> None:
    project.run("""
        @task
        def split(n):
            tick("split")
            for i in range(n):
                path = cg.Dir("parts").path / f"{i}.txt"
                path.parent.mkdir(exist_ok=True)
                path.write_text(str(i))
            return cg.Dir("parts")
    """)
    assert [p.name for p in project.evaluate("split(2)")] == ["0.txt", "1.txt"]
    assert project.evaluate("split(2)") == cg.Dir("parts")
    assert project.ran() == {"split": 1}
    (project.folder / "parts/1.txt").unlink()
    assert [p.name for p in project.evaluate("split(2)")] == ["0.txt", "1.txt"]
    assert project.ran() == {"split": 1}


def test_a_result_spoilt_before_its_consumer_starts_is_made_again(quick: Project) -> None:
    quick.run(
        MAKE
        + """
@task
def spoil(file):
    tick("spoil")
    cg.File("out/result.txt").path.write_text("spoilt")

@task
def after(file, gate):
    tick("after")
    return file.read_text()

@task
def whole():
    file = make("x")
    return after(file, spoil(file))
"""
    )
    assert quick.evaluate("whole()") == "x"
    assert quick.ran()["make"] == 2


def test_a_consumer_that_changes_its_file_is_not_kept(project: Project) -> None:
    project.run(
        MAKE
        + """
@task
def stamp(file):
    tick("stamp")
    file.path.write_text("stamped")
    return 1
"""
    )
    project.write("raw.txt", "x")
    assert project.evaluate("stamp(cg.File('raw.txt'))") == 1
    assert any("raw.txt changed while stamp read it" in text for text in project.notices)
    project.write("raw.txt", "x")
    assert project.evaluate("stamp(cg.File('raw.txt'))") == 1
    assert project.ran() == {"stamp": 2}


def test_a_file_that_changes_between_naming_and_running_is_not_kept(quick: Project) -> None:
    quick.write("raw.csv", "old")
    quick.run(
        COUNT.replace("@task", "@cg.task")
        + """
@cg.task
def hold():
    tick("hold")
    while not os.path.exists("go"):
        time.sleep(0.01)
"""
    )
    with quick.lab.session(executors={"thread": {"workers": 1}}) as session:
        run = session.submit(quick.nb.value("[hold(), size(cg.File('raw.csv'))]"))
        while "hold" not in quick.lab.log.read_text():
            time.sleep(0.01)
        quick.write("raw.csv", "changed")
        quick.write("go", "")
        assert run.result() == [None, 7]
    quick.ran()
    quick.write("raw.csv", "old")
    assert quick.evaluate("size(cg.File('raw.csv'))") == 3
    assert quick.ran() == {"size": 1}


# --- as a value -----------------------------------------------------------------------------------


def test_a_file_is_usable_as_a_path(quick: Project) -> None:
    path = quick.write("a.txt", "one\n")
    file = cg.File("a.txt")
    assert file.path == path
    assert os.fspath(file) == str(file) == str(path)
    assert (file.read_text(), file.read_bytes(), file.size_bytes) == ("one\n", b"one\n", 4)
    assert file.exists() and not cg.File("b.txt").exists()
    with file.open() as opened:
        assert opened.readline() == "one\n"
    assert file == cg.File(path) and hash(file) == hash(cg.File(path))
    assert file != cg.File("b.txt") and file != "a.txt"
    assert repr(file) == "File('a.txt')"
    assert file.name == "a.txt" and len(file.digest) == 64


def test_a_file_elsewhere_has_a_uri(quick: Project, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.txt"
    path.write_text("x")
    assert cg.File(path).name == f"file://{path}"
