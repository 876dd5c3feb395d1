"""`%%task` over functions: which become tasks, with which options, and what is said about them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook

import cellgraph as cg


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        yield lab


def test_public_functions_become_tasks_and_evaluate(lab: ShellLab) -> None:
    told = lab.ok(CELL_OF_TASKS + "\ndef _plain(x):\n    return x\n\nlimit = 3\n")

    assert told.out == "double · task · new\ntotal · task · new\n"
    assert isinstance(lab["double"], cg.Task) and isinstance(lab["total"], cg.Task)
    assert lab["_plain"](7) == 7 and lab["limit"] == 3
    assert lab.ok("%evaluate total([double(i) for i in range(4)])").value == 12
    assert sorted(lab.ticks()) == ["double"] * 4 + ["total"]
    assert lab.ok("%evaluate total([double(i) for i in range(4)])").value == 12
    assert lab.ticks() == []


@pytest.mark.parametrize("names", ["double", "double,total", "total double", "double, total"])
def test_only_the_named_ones(lab: ShellLab, names: str) -> None:
    lab.ok(CELL_OF_TASKS.replace("%%task", f"%%task {names}"))

    made = {name for name in ("double", "total") if isinstance(lab[name], cg.Task)}
    assert made == set(names.replace(",", " ").split())


def test_a_private_function_may_be_named(lab: ShellLab) -> None:
    lab.ok("%%task _hidden\ndef _hidden(x):\n    return x + 1")

    assert lab.ok("%evaluate _hidden(1)").value == 2


DECORATED = """
%%task
import functools

def _twice(f):
    @functools.wraps(f)
    def g(x):
        return f(f(x))
    return g

@_twice
def inc(x):
    return x + 1

async def later(x):
    import asyncio
    await asyncio.sleep(0)
    return x
"""


def test_async_and_decorated_functions(lab: ShellLab) -> None:
    lab.ok(DECORATED)

    assert lab.ok("%evaluate [inc(1), later(5)]").value == [3, 5]


def test_what_a_change_means_for_stored_results(lab: ShellLab) -> None:
    lab.ok("def scale(x):\n    return 10 * x")
    cell = "%%task\n\ndef use(x):\n    return scale(x)"
    lab.ok(cell)
    lab.ok("%evaluate [use(i) for i in range(3)]")

    assert lab.ok(cell).out == "use · task · unchanged, 3 results valid\n"
    assert lab.ok(cell.replace("\n\n", "\n\n# why\n")).out.endswith("3 results valid\n")
    lab.ok("def scale(x):\n    return 100 * x")
    told = lab.ok(cell).out
    assert told.startswith("use · task · changed helper scale() line 2: 3 results no longer apply")
    assert lab.ok("%evaluate use(1)").value == 100
    lab.ok("def scale(x):\n    return x")
    told = lab.ok(cell).out
    assert told.startswith("use · task · changed helper scale() line 2: 1 result no longer applies")


def test_the_options_of_a_task(lab: ShellLab) -> None:
    lab.ok(
        "%%task --executor process -n other --cpu 2 --memory-gib=1.5 --retries 2 --timeout-s 60 "
        "--retry-on (OSError, ValueError) --version 1.10 --no-cache --limits db,net --ignore note "
        "--accepts-failures --tags {'team': 'blue and red'} --nout 2 --expires-after-s 9\n"
        "def work(x, note=''):\n    return x, x"
    )

    said = lab["work"].own
    assert (said.executor, said.name, said.vcpus, said.memory_gib) == ("process", "other", 2, 1.5)
    assert (said.retries, said.timeout_s, said.expires_after_s, said.nout) == (2, 60, 9, 2)
    assert (said.retry_on, said.version, said.cache) == ((OSError, ValueError), "1.10", False)
    assert (said.limits, said.ignore) == ({"db": 1, "net": 1}, ("note",))
    assert (said.accepts_failures, said.tags) == (True, {"team": "blue and red"})


def test_options_may_use_names_of_the_notebook(lab: ShellLab) -> None:
    lab.ok("class Busy(Exception):\n    pass\n\nteam = {'a': 'b'}")
    lab.ok("%%task --retry-on Busy --tags team --limits {'db': 2}\ndef work():\n    return 1")

    said = lab["work"].own
    assert (said.retry_on, said.tags, said.limits) == ((lab["Busy"],), {"a": "b"}, {"db": 2})


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%task --retri 2\ndef f(): ...", "unknown option --retri; did you mean 'retries'?"),
        ("%%task --retries x\ndef f(): ...", "retries='x': expected a whole number, 0 or more"),
        ("%%task --retries\ndef f(): ...", "--retries needs a value"),
        ("%%task --tags {'a'\ndef f(): ...", "--tags: \"{'a'\" is not closed: } is missing"),
        ("%%task --retry-on Nope\ndef f(): ...", "--retry-on Nope: NameError: name 'Nope' is not"),
        ("%%task --check half\ndef f(): ...", "check='half': expected one of full, shallow"),
        ("%%task --name a\ndef f(): ...\ndef g(): ...", "--name a: the cell makes 2 tasks"),
        ("%%task g\ndef f(): ...", "the cell defines no function 'g'; it has: f"),
        ("%%task f!\ndef f(): ...", "f! is not the name of a function; options come first"),
        ("%%task f --retries 2\ndef f(): ...", "--retries is not the name of a function; options"),
        ("%%task\nx = 1", "the cell defines no public function: write `def name(...):`"),
        ("%%task\ndef _f(): ...", "or `%%task --returns a,b` to make the cell itself one cached"),
        ("%%task --ignore y\ndef f(x): ...", "ignore='y': f has no such argument"),
        (
            "%%task\ndef d(f): ...\n@d\ndef f(): ...",
            "d decorates f, so it cannot be a task: call it",
        ),
        ("%%task\nimport cellgraph as cg\n@cg.task\ndef f(): ...", "f has @task already"),
    ],
)
def test_bad_arguments_are_one_red_line(lab: ShellLab, cell: str, message: str) -> None:
    assert message in lab.run(cell).red_line


def test_the_last_line_is_the_value_of_the_cell(lab: ShellLab) -> None:
    cell = "%%task\ndef f(x):\n    return x\n\nf(3)"

    assert repr(lab.ok(cell).value) == "f(3)"
    assert lab.ok(cell + ";  # quiet").value is None
    assert lab.ok(cell.replace("f(3)", "y = f(3)")).value is None


def test_an_error_while_the_cell_runs_shows_the_cell_alone(lab: ShellLab) -> None:
    told = lab.run("%%task\n\ndef f(x):\n    return x\n\nf(1, 2, 3)")

    assert isinstance(told.error, TypeError)
    assert "Cell In[2], line 6" in told.out
    assert "cellgraph_notebook" not in told.out and "run_cell_magic" not in told.out


@pytest.mark.parametrize("blank", ["", "\n\n"])
def test_a_syntax_error_says_the_line_of_the_cell(lab: ShellLab, blank: str) -> None:
    told = lab.run(f"%%task\n{blank}def f(:\n    pass")

    assert f"Cell In[2], line {2 + len(blank)}\n    def f(:\n" in told.out
    assert "Traceback" not in told.out and ".py" not in told.out


def test_the_functions_keep_their_source(lab: ShellLab) -> None:
    import inspect

    lab.ok(CELL_OF_TASKS)

    assert inspect.getsource(lab["double"].func).startswith("def double(x):")
    assert inspect.getsourcelines(lab["double"].func)[1] == 2, "counted as the notebook counts"


def test_tasks_under_another_cell_magic(lab: ShellLab) -> None:
    lab.ok(f"%%capture said\n{CELL_OF_TASKS.strip()}")

    assert lab.ok("%evaluate double(4)").value == 8


def test_a_future_import_holds_for_the_cell_and_later_ones(lab: ShellLab) -> None:
    lab.ok(
        "%%task\nfrom __future__ import annotations\n\ndef f(x: Nowhere) -> Missing:\n    return x"
    )

    assert lab.ok("%evaluate f(2)").value == 2
    assert lab.ok("def g(x: AlsoMissing): ...\ng").error is None


def test_options_of_the_executor_are_options_of_the_cell(lab: ShellLab) -> None:
    lab.ok("%%task --executor glue --worker-type G.1X --workers 2\ndef f(x):\n    return x")
    assert dict(lab["f"].declared.extra) == {"worker_type": "G.1X", "workers": 2}
    told = lab.run("%%task --worker-type G.1X\ndef f(x):\n    return x")
    assert "unknown option --worker-type" in told.red_line
