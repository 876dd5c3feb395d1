"""Undeclared reads: what a call reads beside its arguments decides whether its result is reused."""

import os
import sys
from pathlib import Path

import pytest
from tests.core.support.file_lab import Project

import cellgraph as cg

FIRST_OR_HIT = {"task": 1}


def _twice(project: Project, call: str = "task()") -> object:
    """Evaluate twice; the second time nothing may run."""
    value = project.evaluate(call)
    assert project.ran() == FIRST_OR_HIT
    assert project.evaluate(call) == value
    assert project.ran() == {}
    return value


def _runs_again(project: Project, value: object, reason: str, call: str = "task()") -> None:
    """Evaluate after a change: it runs, and the reason is said."""
    assert project.evaluate(call) == value
    assert project.ran() == FIRST_OR_HIT
    assert project.reasons == [reason]


def _is_reused(project: Project, value: object, call: str = "task()") -> None:
    assert project.evaluate(call) == value
    assert project.ran() == {}


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
    assert _twice(project) == "1,2"
    os.utime(project.folder / "data/raw.csv")
    _is_reused(project, "1,2")
    project.write("data/raw.csv", "3,4")
    _runs_again(project, "3,4", "file data/raw.csv changed")
    project.write("data/raw.csv", "1,2")
    _is_reused(project, "1,2")


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
    assert _twice(project) == "1,2"
    (project.folder / "data/raw.csv").unlink()
    _runs_again(project, "nothing", "file data/raw.csv is gone")


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
    assert _twice(project) == "default"
    project.write("settings.ini", "mine")
    _runs_again(project, "mine", "file settings.ini is there now")
    (project.folder / "settings.ini").unlink()
    _is_reused(project, "default")


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
    assert _twice(quick) == ["a.csv"]
    quick.write("data/a.csv", "content does not matter")
    _is_reused(quick, ["a.csv"])
    quick.write("data/b.csv", "")
    _runs_again(quick, ["a.csv", "b.csv"], "folder data lists other files")


def test_an_environment_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THRESHOLD", raising=False)
    project.run("""
        @task
        def task():
            tick("task")
            return os.environ.get("THRESHOLD", "none")
    """)
    assert _twice(project) == "none"
    monkeypatch.setenv("UNRELATED", "1")
    _is_reused(project, "none")
    monkeypatch.setenv("THRESHOLD", "0.5")
    _runs_again(project, "0.5", "environment variable THRESHOLD is set now")
    monkeypatch.setenv("THRESHOLD", "0.7")
    _runs_again(project, "0.7", "environment variable THRESHOLD changed")
    monkeypatch.setenv("THRESHOLD", "0.5")
    _is_reused(project, "0.5")


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
    value = _twice(quick)
    monkeypatch.setenv("LEVEL", "2")
    quick.evaluate("task()")
    assert quick.ran() == {"task": 1}
    monkeypatch.setenv("LEVEL", "1")
    _is_reused(quick, value)


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
    assert _twice(project, "task(5)") == 10
    project.write("scale.txt", "3")
    _runs_again(project, 15, "file scale.txt changed", "task(5)")


def test_a_file_made_in_the_body(project: Project) -> None:
    project.write("raw.txt", "a")
    project.run("""
        @task
        def task():
            tick("task")
            return cg.File("raw.txt").read_text()
    """)
    assert _twice(project) == "a"
    project.write("raw.txt", "b")
    _runs_again(project, "b", "file raw.txt changed")


def test_a_file_that_only_might_be_there(quick: Project) -> None:
    quick.run("""
        @task
        def task():
            tick("task")
            return cg.File("flag").exists()
    """)
    assert _twice(quick) is False
    quick.write("flag", "")
    _runs_again(quick, True, "file flag is there now")


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
    assert _twice(quick) == 0
    with sqlite3.connect(quick.folder / "results.db") as db:
        db.execute("insert into t values (1)")
    db.close()
    _runs_again(quick, 1, "file results.db changed")


# --- what libraries open in compiled code ---------------------------------------------------------

READERS = {
    "pq.read_table": "len(pq.read_table('data/t.parquet'))",
    "bound before": "len(read_table('data/t.parquet'))",
    "pq metadata": "pq.read_metadata('data/t.parquet').num_rows",
    "dataset": "ds.dataset('data').to_table().num_rows",
    "csv": "pc.read_csv('data/t.csv').num_rows",
    "feather": "feather.read_table('data/t.feather').num_rows",
    "pandas parquet": "len(pd.read_parquet('data/t.parquet'))",
    "pandas csv": "len(pd.read_csv('data/t.csv'))",
    "pandas folder": "len(pd.read_parquet('data'))",
}
TABLES = """
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.feather as feather
import pyarrow.parquet as pq
from pyarrow.parquet import read_table

def store(rows):
    os.makedirs("data", exist_ok=True)
    table = pa.table({"a": list(range(rows))})
    if NAME.endswith("parquet"):
        pq.write_table(table, NAME)
    elif NAME.endswith("csv"):
        pc.write_csv(table, NAME)
    else:
        feather.write_feather(table, NAME)
"""


@pytest.mark.parametrize("reader", READERS)
def test_a_table_that_is_read_in_compiled_code(quick: Project, reader: str) -> None:
    reading = READERS[reader]
    kind = next((k for k in ("csv", "feather") if f"t.{k}" in reading), "parquet")
    quick.run(f"NAME = 'data/t.{kind}'\n" + TABLES)
    quick.nb["store"](3)
    quick.run(f"""
        @task
        def task():
            tick("task")
            return {reading}
    """)
    assert _twice(quick) == 3
    quick.nb["store"](4)
    assert quick.evaluate("task()") == 4
    assert quick.ran() == {"task": 1}
    assert quick.reasons == [f"file data/t.{kind} changed"]


@pytest.mark.parametrize(
    "reading",
    [
        "len(pl.read_parquet('t.parquet'))",
        "len(pl.scan_parquet('t.parquet').collect())",
        "len(pl.read_parquet('t.par*'))",
        "len(pl.read_csv('t.csv'))",
    ],
)
def test_a_table_that_polars_reads(quick: Project, reading: str) -> None:
    pl = pytest.importorskip("polars")

    def store(rows: int) -> None:
        table = pl.DataFrame({"a": list(range(rows))})
        table.write_parquet("t.parquet")
        table.write_csv("t.csv")

    store(3)
    quick.run(f"""
        import polars as pl

        @task
        def task():
            tick("task")
            return {reading}
    """)
    assert _twice(quick) == 3
    store(4)
    assert quick.evaluate("task()") == 4
    assert quick.ran() == {"task": 1}


def test_a_library_that_the_call_itself_imports(quick: Project) -> None:
    """In another interpreter, where pyarrow is not loaded before the body runs."""
    cells = """
        import sys

        @cg.task
        def rows():
            tick("rows")
            import pyarrow.parquet as pq
            return pq.read_metadata("t.parquet").num_rows

        with cg.Session(store=store) as session:
            print("pyarrow" in sys.modules, session.evaluate(rows()))
    """
    import pandas as pd

    table = quick.lab.folder / "t.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(table)
    (quick.lab.folder / "cellgraph.toml").touch()
    assert quick.lab.python(cells) == "False 1"
    pd.DataFrame({"a": [1, 2]}).to_parquet(table)
    assert quick.lab.python(cells) == "False 2"
    assert quick.lab.python(cells) == "False 2"
    assert quick.ran() == {"rows": 2}


# --- what does not count --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [".hidden/state.txt", ".env", "__pycache__/x.txt"])
def test_hidden_files_do_not_count(project: Project, name: str) -> None:
    path = project.write(name, "a")
    project.run(f"""
        @task
        def task():
            tick("task")
            with open({name!r}) as file:
                return file.read()
    """)
    assert _twice(project) == "a"
    path.write_text("b")
    _is_reused(project, "a")


def test_temporary_files_do_not_count(project: Project) -> None:
    project.run("""
        import tempfile

        @task
        def task():
            tick("task")
            with tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "x"), "w") as file:
                    file.write("x")
                return sorted(os.listdir(folder))
    """)
    assert _twice(project) == ["x"]


def test_what_the_call_wrote_does_not_count(project: Project) -> None:
    project.run("""
        @task
        def task():
            tick("task")
            os.makedirs("out", exist_ok=True)
            with open("out/part.tmp", "w") as file:
                file.write("mine")
            os.replace("out/part.tmp", "out/part.txt")
            with open("out/part.txt") as file:
                return file.read()
    """)
    assert _twice(project) == "mine"
    project.write("out/part.txt", "somebody else's")
    _is_reused(project, "mine")


def test_an_appended_log_does_not_count(project: Project) -> None:
    project.run("""
        @task
        def task():
            tick("task")
            with open("log.txt", "a") as file:
                file.write("ran")
            return 1
    """)
    assert _twice(project) == 1


def test_a_variable_that_a_library_reads_does_not_count(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "helping_library.py").write_text(
        "import os\n\ndef level():\n    return os.environ.get('LIBRARY_LEVEL', 'none')\n"
    )
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.setenv("LIBRARY_LEVEL", "1")
    project.run("""
        import helping_library

        @task
        def task():
            tick("task")
            return helping_library.level()
    """)
    assert _twice(project) == "1"
    monkeypatch.setenv("LIBRARY_LEVEL", "2")
    _is_reused(project, "1")
    del sys.modules["helping_library"]


def test_the_users_own_variables_do_not_count(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("""
        @task
        def task():
            tick("task")
            return [os.environ.get(n) is None for n in ("HOME", "PATH", "TMPDIR", "AWS_REGION")][1]
    """)
    assert _twice(project) is False
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("TMPDIR", str(project.lab.folder))
    _is_reused(project, False)


@pytest.mark.parametrize("copying", ["{**os.environ}", "dict(os.environ)", "os.environ.copy()"])
def test_a_copy_of_the_environment_does_not_count(
    quick: Project, monkeypatch: pytest.MonkeyPatch, copying: str
) -> None:
    monkeypatch.setenv("SOMETHING", "1")
    quick.run(f"""
        @task
        def task():
            tick("task")
            return len({copying}) > 0
    """)
    assert _twice(quick) is True
    monkeypatch.setenv("SOMETHING", "2")
    _is_reused(quick, True)


def test_a_loop_over_the_environment_counts(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_LEVEL", "1")
    quick.run("""
        @task
        def task():
            tick("task")
            return {k: v for k, v in os.environ.items() if k.startswith("APP_")}
    """)
    assert _twice(quick) == {"APP_LEVEL": "1"}
    monkeypatch.setenv("APP_LEVEL", "2")
    _runs_again(quick, {"APP_LEVEL": "2"}, "environment variable APP_LEVEL changed")


def test_a_search_for_installed_packages_does_not_count(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a kernel: the working directory is searched too.
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    quick.run("""
        import importlib, importlib.metadata

        @task
        def task():
            tick("task")
            importlib.invalidate_caches()
            importlib.metadata.version("numpy")
            return 1
    """)
    _twice(quick)
    quick.write("new.csv", "1")
    _is_reused(quick, 1)


def test_the_modules_of_a_package_that_are_looked_for_count(quick: Project) -> None:
    quick.write("plugins/first.py", "")
    quick.run("""
        import pkgutil

        @task
        def task():
            tick("task")
            return sorted(module.name for module in pkgutil.iter_modules(["plugins"]))
    """)
    assert _twice(quick) == ["first"]
    quick.write("plugins/second.py", "")
    _runs_again(quick, ["first", "second"], "folder plugins lists other files")


def test_modules_that_are_imported_do_not_count_as_files(quick: Project) -> None:
    quick.write("side_module.py", "VALUE = 1\n")
    quick.run("""
        import sys

        @task
        def task():
            tick("task")
            sys.path.insert(0, os.getcwd())
            try:
                __import__("colorsys")
                return 1
            finally:
                sys.path.pop(0)
    """)
    assert _twice(quick) == 1
    quick.write("other_module.py", "VALUE = 1\n")
    _is_reused(quick, 1)


def test_other_threads_and_the_engine_itself_are_not_watched(quick: Project) -> None:
    """What is read outside of calls while one runs changes nothing."""
    quick.write("read_by_test.txt", "a")
    quick.run("""
        import time

        @task
        def task():
            tick("task")
            time.sleep(0.2)
            return 1
    """)
    with quick.lab.session() as session:
        run = session.submit(quick.nb.value("task()"))
        (quick.folder / "read_by_test.txt").read_text()
        assert run.result() == 1
    quick.write("read_by_test.txt", "b")
    assert quick.evaluate("task()") == 1
    assert quick.ran() == {"task": 1}


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
