"""What crosses the border to a worker process and back, and what is said of what cannot.

Most of it needs a real `__main__`, so the tests are small scripts of other interpreters.
"""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest

from cellgraph.errors import ExecutorError
from cellgraph.executor import Function, Job, JobFailed, Resources
from cellgraph.stores.memory import MemoryStore
from cellgraph.testing.executor_lab import CollectingHost, eventually, held, user_code
from cellgraph_executors.process import ProcessExecutor

# What every script begins with. It has no `if __name__ == "__main__"`.
_PRELUDE = """
import sys
from pathlib import Path
from cellgraph.digest import digest
from cellgraph.executor import Function, Job, JobDone, Resources, Unreduced
from cellgraph.stores.local import LocalStore
from cellgraph.testing.executor_lab import CollectingHost, held, result_of
from cellgraph_executors.process import ProcessExecutor

with open("main-ran", "a") as log:
    log.write("x")

store = LocalStore(Path("store"))
host = CollectingHost(store)
executor = ProcessExecutor(workers=1)
executor.start(host)
ids = iter(range(1, 1000))

def answer(func, *args, code=None):
    function = Function(func.__name__, func, code or digest(repr(func).encode()))
    job = Job(next(ids), function, args, {}, Resources())
    executor.submit([job])
    return host.wait([job.id])[job.id]

def run(func, *args, code=None):
    return result_of(answer(func, *args, code=code), store)
"""
_END = "\nexecutor.close()\nstore.close()\nprint('all well')\n"


def script(folder: Path, body: str, *, name: str = "script.py") -> subprocess.CompletedProcess[str]:
    """Run *body* in an interpreter of its own."""
    path = folder / name
    path.write_text(_PRELUDE + textwrap.dedent(body) + _END)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all well\n")
    return done


def test_a_script_without_main_guard_runs_once(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        FACTOR = 3
        def helper(x): return x * FACTOR
        def scaled(x):
            import __main__
            return helper(x), __name__, hasattr(__main__, "executor")
        assert run(scaled, 2) == (6, "__main__", False)
        """,
    )
    assert (tmp_path / "main-ran").read_text() == "x"
    assert done.stderr == ""


def test_classes_of_the_script_travel_both_ways(tmp_path: Path) -> None:
    script(
        tmp_path,
        """
        import enum
        from dataclasses import dataclass

        class Mode(enum.Enum):
            FAST = 1
            SLOW = 2

        @dataclass
        class Point:
            x: float
            mode: Mode

        class Far(Exception):
            def __init__(self, point):
                super().__init__(f"{point} is too far")
                self.point = point

        def move(point):
            assert isinstance(point, Point) and point.mode is Mode.FAST
            if point.x > 10:
                raise Far(point)
            return Point(point.x + 1, point.mode)

        def only_passes_on(thing):
            return thing

        one = Point(1.0, Mode.FAST)
        moved = answer(move, held(one))
        assert result_of(moved, store) == Point(2.0, Mode.FAST)
        assert type(result_of(moved, store)) is Point
        # as an argument again, in the stored form, to code that does not name the class
        assert run(only_passes_on, moved.outcome) == Point(2.0, Mode.FAST)
        assert run(only_passes_on, held(moved.outcome.load(store))).mode is Mode.FAST
        assert run(move, moved.outcome).x == 3.0
        far = answer(move, held(Point(11.0, Mode.FAST)))
        assert type(far.error) is Far and type(far.error.point) is Point, far
        assert "raise Far(point)" in far.traceback and "script.py" in far.traceback
        # the classes here are still the ones defined above, not overwritten by what came back
        assert Far.__init__.__globals__ is globals()
        """,
    )


def test_a_returned_expression_names_the_tasks_it_was_sent_with(tmp_path: Path) -> None:
    script(
        tmp_path,
        """
        import cellgraph as cg

        @cg.task
        def double(x): return 2 * x

        def build(n):
            return [double(i) for i in range(n)] + [n]

        def pass_on(task):
            return task(21)

        outcome = answer(build, 3).outcome
        assert type(outcome) is Unreduced
        calls = outcome.expression
        assert len(calls) == 4 and calls[3] == 3
        assert all(call._task is double for call in calls[:3])
        assert [call._args for call in calls[:3]] == [(0,), (1,), (2,)]
        passed = answer(pass_on, held(double)).outcome
        assert passed.expression._task is double
        """,
    )


def test_edited_modules_are_imported_afresh(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("RATE = 1\ndef rate(): return RATE\n")
    script(
        tmp_path,
        """
        import importlib, os, time
        import helpers

        def use(): return helpers.rate()
        def pid(): return os.getpid()

        assert run(use, code=digest(b"1")) == 1
        first = run(pid)
        Path("helpers.py").write_text("RATE = 20\\ndef rate(): return RATE\\n")
        importlib.reload(helpers)
        assert run(use, code=digest(b"2")) == 20
        assert run(pid) != first
        second = run(pid)
        assert run(use, code=digest(b"2")) == 20
        assert run(pid) == second
        """,
    )


def test_functions_of_modules_are_imported(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Item:\n    price: float\n"
        "def double(item):\n    assert isinstance(item, Item)\n    return Item(2 * item.price)\n"
    )
    script(
        tmp_path,
        """
        import shop
        assert run(shop.double, held(shop.Item(2.0))) == shop.Item(4.0)
        """,
    )


def test_the_death_of_the_parent_ends_its_workers(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        _PRELUDE
        + textwrap.dedent(
            """
            import os, time
            def nap(path):
                Path(path).write_text(str(os.getpid()))
                time.sleep(600)
            executor.submit([Job(1, Function("nap", nap, b"nap"), ("pid",), {}, Resources())])
            while not Path("pid").exists() or not Path("pid").read_text():
                time.sleep(0.01)
            print(executor.folder, flush=True)
            time.sleep(600)
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().strip())
        worker = int((tmp_path / "pid").read_text())
        assert psutil.pid_exists(worker)
        assert folder.is_dir()
        os.kill(parent.pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(worker))
    eventually(lambda: not folder.exists())


def test_ending_without_closing_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        _PRELUDE
        + textwrap.dedent(
            """
            import os
            def pid(): return os.getpid()
            print(run(pid), executor.folder, flush=True)
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(path)], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    pid, folder = done.stdout.split()
    eventually(lambda: not psutil.pid_exists(int(pid)))
    assert not Path(folder).exists()
    assert done.stderr == ""


# --- what cannot travel --------------------------------------------------------------------------

_STUBBORN = """
import threading
lock = threading.Lock()
table = {"inner": [1, lock]}

def uses_global(): return table
def add(a, b=1): return a + b
def returns_function(): return (lambda: lock)

class Odd(ValueError):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

class Holds(KeyError):
    def __init__(self):
        super().__init__("held")
        self.lock = threading.Lock()

def raises_odd(): raise Odd("this", "that")
def raises_holds(): raise Holds()
"""


@pytest.fixture
def failure() -> "type[_Failures]":
    return _Failures


class _Failures:
    @staticmethod
    def of(name: str, *args: object) -> JobFailed:
        host = CollectingHost(MemoryStore())
        executor = ProcessExecutor(workers=1)
        executor.start(host)
        function = Function(name, user_code(_STUBBORN)[name], name.encode())
        executor.submit([Job(1, function, args, {}, Resources())])
        answer = host.wait([1])[1]
        executor.close()
        assert isinstance(answer, JobFailed), answer
        return answer


def test_a_function_that_cannot_be_sent(failure: type[_Failures]) -> None:
    answer = failure.of("uses_global")
    assert type(answer.error) is ExecutorError
    text = str(answer.error)
    assert "uses_global cannot be sent to another process" in text
    assert "the global `table` of function `uses_global`['inner'][1]" in text
    assert "_thread.lock" in text
    assert "executor='thread'" in text


def test_an_argument_that_cannot_be_sent(failure: type[_Failures]) -> None:
    class Handle:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    from cellgraph.result import Held

    answer = failure.of("add", 1, {"deep": [Held(b"handle", Handle())]})
    assert type(answer.error) is ExecutorError
    text = str(answer.error)
    assert "add cannot be called in another process" in text
    assert "argument 2['deep'][0]" in text
    assert ".lock" in text


def test_an_exception_that_cannot_be_rebuilt(failure: type[_Failures]) -> None:
    answer = failure.of("raises_odd")
    assert type(answer.error) is ValueError
    assert str(answer.error) == "Odd: this and that"
    assert "a stand-in" in answer.error.__notes__[0]
    assert 'raise Odd("this", "that")' in answer.traceback
    assert not answer.by_executor


def test_an_exception_that_cannot_be_pickled(failure: type[_Failures]) -> None:
    answer = failure.of("raises_holds")
    assert type(answer.error) is KeyError
    assert "held" in str(answer.error)
    assert "_thread.lock" in answer.error.__notes__[0]


def test_a_result_that_cannot_be_kept(failure: type[_Failures]) -> None:
    answer = failure.of("returns_function")
    assert "lambda" in str(answer.error) or "lock" in str(answer.error)
    assert held([1]).load(MemoryStore()) == [1]
