"""Undeclared reads: what a call reads beside its arguments decides whether its result is reused."""

import os
from pathlib import Path

import pytest
from tests.core.support.file_lab import Project
from tests.core.support.rerun import is_reused, runs_again, twice

import cellgraph as cg

# --- what is seen ---------------------------------------------------------------------------------


def test_a_file_that_is_opened(project: Project) -> None:
    project.write("data/raw.csv", "1,2")
    project.run("""
        @task
        def task():
            tick("task")
            with open("data/raw.csv") as file:
                return file.read()
    """)
    assert twice(project) == "1,2"
    os.utime(project.folder / "data/raw.csv")
    is_reused(project, "1,2")
    project.write("data/raw.csv", "3,4")
    runs_again(project, "3,4", "file data/raw.csv changed")
    project.write("data/raw.csv", "1,2")
    is_reused(project, "1,2")


def test_a_file_that_is_gone(project: Project) -> None:
    project.write("data/raw.csv", "1,2")
    project.run("""
        from pathlib import Path

        @task
        def task():
            tick("task")
            try:
                return Path("data/raw.csv").read_text()
            except FileNotFoundError:
                return "nothing"
    """)
    assert twice(project) == "1,2"
    (project.folder / "data/raw.csv").unlink()
    runs_again(project, "nothing", "file data/raw.csv is gone")


def test_a_file_that_is_not_there_yet(project: Project) -> None:
    project.run("""
        @task
        def task():
            tick("task")
            try:
                with open("settings.ini") as file:
                    return file.read()
            except OSError:
                return "default"
    """)
    assert twice(project) == "default"
    project.write("settings.ini", "mine")
    runs_again(project, "mine", "file settings.ini is there now")
    (project.folder / "settings.ini").unlink()
    is_reused(project, "default")


@pytest.mark.parametrize(
    "listing",
    [
        "sorted(os.listdir('data'))",
        "sorted(e.name for e in os.scandir('data'))",
        "sorted(p.name for p in Path('data').iterdir())",
        "sorted(os.path.basename(p) for p in glob.glob('data/*'))",
    ],
)
def test_a_folder_that_is_listed(quick: Project, listing: str) -> None:
    quick.write("data/a.csv", "")
    quick.run(f"""
        import glob
        from pathlib import Path

        @task
        def task():
            tick("task")
            return {listing}
    """)
    assert twice(quick) == ["a.csv"]
    quick.write("data/a.csv", "content does not matter")
    is_reused(quick, ["a.csv"])
    quick.write("data/b.csv", "")
    runs_again(quick, ["a.csv", "b.csv"], "folder data lists other files")


def test_an_environment_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THRESHOLD", raising=False)
    project.run("""
        @task
        def task():
            tick("task")
            return os.environ.get("THRESHOLD", "none")
    """)
    assert twice(project) == "none"
    monkeypatch.setenv("UNRELATED", "1")
    is_reused(project, "none")
    monkeypatch.setenv("THRESHOLD", "0.5")
    runs_again(project, "0.5", "environment variable THRESHOLD is set now")
    monkeypatch.setenv("THRESHOLD", "0.7")
    runs_again(project, "0.7", "environment variable THRESHOLD changed")
    monkeypatch.setenv("THRESHOLD", "0.5")
    is_reused(project, "0.5")


@pytest.mark.parametrize(
    "reading", ["os.environ['LEVEL']", "os.getenv('LEVEL')", "str('LEVEL' in os.environ)"]
)
def test_each_way_to_ask_for_a_variable(
    quick: Project, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    monkeypatch.setenv("LEVEL", "1")
    quick.run(f"""
        @task
        def task():
            tick("task")
            return {reading}
    """)
    value = twice(quick)
    monkeypatch.setenv("LEVEL", "2")
    quick.evaluate("task()")
    assert quick.ran() == {"task": 1}
    monkeypatch.setenv("LEVEL", "1")
    is_reused(quick, value)


def test_a_file_that_only_a_helper_opens(project: Project) -> None:
    project.write("scale.txt", "2")
    project.run("""
        def scale():
            with open("scale.txt") as file:
                return int(file.read())

        @task
        def task(x):
            tick("task")
            return x * scale()
    """)
    assert twice(project, "task(5)") == 10
    project.write("scale.txt", "3")
    runs_again(project, 15, "file scale.txt changed", "task(5)")


def test_a_file_made_in_the_body(project: Project) -> None:
    project.write("raw.txt", "a")
    project.run("""
        @task
        def task():
            tick("task")
            return cg.File("raw.txt").read_text()
    """)
    assert twice(project) == "a"
    project.write("raw.txt", "b")
    runs_again(project, "b", "file raw.txt changed")


def test_a_file_that_only_might_be_there(quick: Project) -> None:
    quick.run("""
        @task
        def task():
            tick("task")
            return cg.File("flag").exists()
    """)
    assert twice(quick) is False
    quick.write("flag", "")
    runs_again(quick, True, "file flag is there now")


def test_a_data_root_outside_the_project(project: Project, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "raw.txt").write_text("a")
    project.run("""
        @task
        def task(path):
            tick("task")
            with open(path) as file:
                return file.read()
    """)
    call = f"task({str(data / 'raw.txt')!r})"
    assert project.evaluate(call, data_roots=[str(data)]) == "a"
    (data / "raw.txt").write_text("b")
    assert project.evaluate(call, data_roots=[str(data)]) == "b"
    assert project.reasons == [f"file {data / 'raw.txt'} changed"]


def test_a_database(quick: Project) -> None:
    import sqlite3

    with sqlite3.connect(quick.folder / "results.db") as db:
        db.execute("create table t (a)")
    db.close()
    quick.run("""
        import sqlite3

        @task
        def task():
            tick("task")
            db = sqlite3.connect("results.db")
            try:
                return db.execute("select count(*) from t").fetchone()[0]
            finally:
                db.close()
    """)
    assert twice(quick) == 0
    with sqlite3.connect(quick.folder / "results.db") as db:
        db.execute("insert into t values (1)")
    db.close()
    runs_again(quick, 1, "file results.db changed")


# --- what does not hold still ---------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_read_keeps_no_result(project: Project) -> None:
    project.write("count.txt", "1")
    project.run("""
        @task
        def task():
            tick("task")
            with open("count.txt") as file:
                n = int(file.read())
            with open("count.txt", "w") as file:
                file.write(str(n + 1))
            return n
    """)
    assert project.evaluate("task()") == 1
    assert any("count.txt changed while task read it" in text for text in project.notices)
    assert project.evaluate("task()") == 2
    assert project.ran() == {"task": 2}


def test_os_environ_stays_what_it_was(quick: Project) -> None:
    held, kind = os.environ, type(os.environ)
    quick.run("""
        @task
        def task():
            return os.environ.get("ANYTHING")
    """)
    quick.evaluate("task()")
    assert os.environ is held and type(os.environ) is kind
    os.environ["SET_BY_TEST"] = "1"
    assert os.environ.pop("SET_BY_TEST") == "1"
    with pytest.raises(KeyError, match="SET_BY_TEST"):
        os.environ["SET_BY_TEST"]
    assert cg.File("x").name == "x"
