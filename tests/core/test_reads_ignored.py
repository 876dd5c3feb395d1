"""Reads that do not count, and how they differ from those that do."""

import sys
from pathlib import Path

import pytest
from tests.core.support.file_lab import Project
from tests.core.support.rerun import is_reused, runs_again, twice


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
    assert twice(project) == "a"
    path.write_text("b")
    is_reused(project, "a")


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
    assert twice(project) == ["x"]


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
    assert twice(project) == "mine"
    project.write("out/part.txt", "somebody else's")
    is_reused(project, "mine")


def test_an_appended_log_does_not_count(project: Project) -> None:
    project.run("""
        @task
        def task():
            tick("task")
            with open("log.txt", "a") as file:
                file.write("ran")
            return 1
    """)
    assert twice(project) == 1


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
    assert twice(project) == "1"
    monkeypatch.setenv("LIBRARY_LEVEL", "2")
    is_reused(project, "1")
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
    assert twice(project) is False
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("TMPDIR", str(project.lab.folder))
    is_reused(project, False)


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
    assert twice(quick) is True
    monkeypatch.setenv("SOMETHING", "2")
    is_reused(quick, True)


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
    assert twice(quick) == {"APP_LEVEL": "1"}
    monkeypatch.setenv("APP_LEVEL", "2")
    runs_again(quick, {"APP_LEVEL": "2"}, "environment variable APP_LEVEL changed")


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
    twice(quick)
    quick.write("new.csv", "1")
    is_reused(quick, 1)


def test_the_modules_of_a_package_that_are_looked_for_count(quick: Project) -> None:
    quick.write("plugins/first.py", "")
    quick.run("""
        import pkgutil

        @task
        def task():
            tick("task")
            return sorted(module.name for module in pkgutil.iter_modules(["plugins"]))
    """)
    assert twice(quick) == ["first"]
    quick.write("plugins/second.py", "")
    runs_again(quick, ["first", "second"], "folder plugins lists other files")


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
    assert twice(quick) == 1
    quick.write("other_module.py", "VALUE = 1\n")
    is_reused(quick, 1)


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
