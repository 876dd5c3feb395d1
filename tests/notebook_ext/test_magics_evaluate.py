"""`%evaluate` and `%%evaluate`: the value, how it is shown, and what can be asked wrongly."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook

import cellgraph as cg


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        yield lab


def test_the_value_is_shown_bound_or_returned(lab: ShellLab) -> None:
    assert lab.ok("%evaluate double(2)").value == 4
    assert lab.ok("y = %evaluate double(3)").value is None
    assert lab["y"] == 6
    assert lab.ok("%evaluate -o z double(4)").value is None
    assert lab["z"] == 8
    assert lab.ok("%evaluate --out=z double(5)").error is None
    assert lab["z"] == 10


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('{"x": double(1), \'$y\': "{y}"}', {"x": 2, "$y": "{y}"}),
        ("[double(i) for i in range(3)]", [0, 2, 4]),
        ("double(3) - 1 if True else None", 5),
        ("-double(3)", -6),
        ("-- -double(3)", -6),
        ("(double(1),\n double(2))", (2, 4)),
        ("7", 7),
    ],
)
def test_python_is_taken_as_it_stands(lab: ShellLab, expression: str, value: object) -> None:
    if "\n" in expression:
        assert lab.ok(f"%%evaluate\n{expression}").value == value
    else:
        assert lab.ok(f"%evaluate {expression}").value == value


def test_a_cell_is_run_and_its_last_expression_evaluated(lab: ShellLab) -> None:
    told = lab.ok("%%evaluate -o result\nparts = [double(i) for i in range(3)]\n\ntotal(parts)")

    assert told.value is None and lab["result"] == 6
    assert len(lab["parts"]) == 3


def test_in_the_background(lab: ShellLab) -> None:
    run = lab.ok("run = %evaluate --bg double(21)\nrun").value

    assert run.result(timeout=30) == 42 and run.status == "done"


def test_what_fails_stops_only_what_it_must(lab: ShellLab) -> None:
    lab.ok("%%task\ndef bad(x):\n    raise ValueError(f'no {x}')")

    told = lab.run("%evaluate [double(1), bad(2)]")
    assert isinstance(told.error, cg.TaskError)
    assert told.out.count("ValueError: no 2") == 2  # what failed; and at the end of its frames
    assert "Cell In[3], line 3 in bad\n    raise ValueError" in told.out
    assert "cellgraph" not in told.out and "Traceback" not in told.out

    kept = lab.ok("%evaluate --fail keep [double(1), bad(2)]").value
    assert kept[0] == 2 and isinstance(kept[1], cg.Failure)
    assert lab.ticks() == ["double"]


def test_without_the_cache(lab: ShellLab) -> None:
    for _ in range(2):
        assert lab.ok("%evaluate --no-cache double(2)").value == 4
    assert lab.ticks() == ["double", "double"]


@pytest.mark.parametrize("view", ["plain", "table"])
def test_the_view_is_asked_for_one_run(
    lab: ShellLab, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLGRAPH_DISPLAY", "plain")
    told = lab.ok(f"%evaluate --view {view} double(8)")

    assert told.value == 16
    assert ("1 of 1" in told.err) == (view == "plain")
    assert ("double(8) · done" in told.out) == (view == "table")
    assert os.environ["CELLGRAPH_DISPLAY"] == "plain"


def test_prints_of_tasks_are_seen_and_in_order(lab: ShellLab) -> None:
    lab.ok(
        "%%task\ndef chat(x):\n    import sys\n    print('out', x)\n"
        "    print('err', x, file=sys.stderr)\n    return x + 1"
    )
    told = lab.ok("%evaluate -o y chat(chat(chat(0)))")

    assert told.out.splitlines() == ["out 0", "out 1", "out 2"]
    assert [line for line in told.err.splitlines() if line.startswith("err")] == [
        "err 0",
        "err 1",
        "err 2",
    ]


def test_an_error_in_the_expression_is_the_users_own(lab: ShellLab) -> None:
    told = lab.run("%evaluate double(missing)")

    assert isinstance(told.error, NameError)
    assert "Cell In[3], line 1" in told.out and "cellgraph_notebook" not in told.out


def test_an_error_in_the_cell_says_its_line(lab: ShellLab) -> None:
    told = lab.run("%%evaluate\nx = 1\ny = x / 0\ndouble(y)")

    assert isinstance(told.error, ZeroDivisionError)
    assert "Cell In[3], line 3" in told.out and "cellgraph_notebook" not in told.out


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%evaluate", "give an expression: %evaluate total(parts)"),
        ("%evaluate double(", "cannot read 'double(': '(' was never closed"),
        ("%evaluate x = 1", "cannot read 'x = 1': invalid syntax"),
        ("%evaluate --fial late double(1)", "unknown option --fial; did you mean 'fail'?"),
        ("%evaluate --fail later double(1)", "'later': expected one of late, fast, keep"),
        ("%evaluate --view tabel double(1)", "--view tabel: expected one of graph, table, plain"),
        ("%evaluate --definitions new double(1)", "'new': expected one of live, built"),
        ("%evaluate -o 3x double(1)", "-o 3x: expected a variable name"),
        ("%evaluate double(1) --bg", "--bg: options come before the expression"),
        ("%evaluate --bg", "give an expression"),
        ("%%evaluate double(1)\n2", "double(1): with %%evaluate the expression stands in the cell"),
        ("%%evaluate\nx = 1", "the last line of an %%evaluate cell is the expression to evaluate"),
    ],
)
def test_bad_arguments_are_one_red_line(lab: ShellLab, cell: str, message: str) -> None:
    assert message in lab.run(cell).red_line
