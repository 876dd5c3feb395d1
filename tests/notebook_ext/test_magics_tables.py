"""`%graph`, `%runs` and `%tasks`: what can run, what has run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from IPython.utils.capture import capture_output
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        yield lab


def test_a_graph_runs_nothing_and_says_so(lab: ShellLab) -> None:
    told = lab.ok("%graph total([double(i) for i in range(1200)])")

    assert told.out.splitlines() == [
        "total(double(…) ×1,200) · 1,201 calls, nothing has run",
        "group   calls  runs on  after",
        "double  1,200  thread   –",
        "total   1      thread   double",
    ]
    assert lab.ticks() == []


def test_a_graph_is_a_picture_where_one_can_be_shown(lab: ShellLab) -> None:
    with capture_output() as said:
        lab.shell.run_cell("%graph total([double(1)])")
    (output,) = cast("list[Any]", said.outputs)
    data: dict[str, str] = output.data

    assert ElementTree.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    assert "data:image/svg+xml;base64," in data["text/html"]


def test_a_graph_is_saved(lab: ShellLab) -> None:
    assert lab.ok("%graph --save picture.svg total([double(1)])").out == "saved picture.svg\n"
    assert lab.ok("%graph --save graph.dot total([double(1)])").out == "saved graph.dot\n"

    assert ElementTree.parse(lab.folder / "picture.svg").getroot().tag.endswith("svg")
    assert (lab.folder / "graph.dot").read_text().count("->") == 1


def test_runs_are_listed_newest_first(lab: ShellLab) -> None:
    empty = repr(lab.ok("%runs").value)
    lab.ok("%evaluate double(1)")
    lab.ok("%evaluate [double(1), double(2)]")

    table = lab.ok("%runs").value
    assert empty == "no runs in this store yet"
    assert [row[3] for row in table.rows] == ["double(…) ×2", "double(1)"]
    assert [row[4:7] for row in table.rows] == [("1", "1", "0"), ("1", "0", "0")]
    html = table._repr_mimebundle_()["text/html"]  # pyright: ignore[reportPrivateUsage]  # IPython's protocol
    assert "<td" in html and "<script" not in html


def test_one_run_tells_why_its_tasks_ran(lab: ShellLab) -> None:
    lab.ok("%evaluate double(1)")
    lab.ok("%evaluate [double(1), double(2)]")
    newest = lab.ok("%runs").value.rows[0][0]

    told = lab.ok(f"%runs {newest[:5]}").value
    (row,) = told.rows
    assert (row[0], row[1], row[2], row[4]) == ("double", "1", "1", "args > x 1 -> 2 ×1")
    assert lab.ok("run = %evaluate --bg double(3)\nrun.wait(30)").value is True
    assert lab["run"].id in repr(lab.ok("%runs {run.id}").value)


def test_tasks_with_where_they_run_and_what_is_kept(lab: ShellLab) -> None:
    lab.ok("%%task --executor process --retries 2\ndef fit(x):\n    return x")
    lab.ok("%evaluate [double(1), double(2)]")

    rows = {row[0]: row for row in lab.ok("%tasks").value.rows}
    assert set(rows) == {"double", "total", "fit"}
    assert rows["fit"][1:3] == ("process", "retries=2") and rows["fit"][4] == "none yet"
    assert rows["double"][4].startswith("2 (")
    assert [row[0] for row in lab.ok("%tasks ou").value.rows] == ["double"]
    assert "no task has 'zz' in its name" in repr(lab.ok("%tasks zz").value)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%graph", "give an expression: %graph total(parts)"),
        ("%graph 3", "there is nothing to draw: this is a value, not an expression of tasks"),
        ("%graph --save a.png double(1)", "--save a.png: the name must end in .svg or .dot"),
        ("%graph --save no/where.svg double(1)", "--save no/where.svg: No such file or directory"),
        ("%graph --svae a.svg double(1)", "unknown option --svae; did you mean 'save'?"),
        ("%graph double(lambda: 1 / open)", ""),
        ("%runs nope", "no run 'nope' in this store: %runs lists them"),
        ("%runs a b c", "%runs takes one id, or two to compare, not 3"),
        ("%runs --last", "unknown option --last"),
        ("%tasks --all", "unknown option --all"),
    ],
)
def test_bad_arguments_are_one_red_line(lab: ShellLab, cell: str, message: str) -> None:
    if not message:
        lab.ok(cell)  # a literal without identity matters only once it is evaluated
        return
    assert message in lab.run(cell).red_line


# --- what is on record ----------------------------------------------------------------------------


def test_calls_are_listed_and_told(lab: ShellLab) -> None:
    lab.ok("%evaluate total([double(i) for i in range(3)])")
    table = lab.ok("%calls --task double").value
    assert [row[1] for row in table.rows] == ["double"] * 3
    told = lab.ok(f"%calls {table.rows[0][0]}")
    assert told.value is None
    assert "call " + table.rows[0][0] in told.out
    assert lab.ok("%calls --failed").value.title == "no such calls on record"
    assert "no id of a call" in lab.run("%calls nonsense").red_line


def test_two_runs_are_compared(lab: ShellLab) -> None:
    lab.ok("%evaluate total([double(i) for i in range(3)])")
    lab.ok("%evaluate total([double(i) for i in range(4)])")
    second, first = [row[0] for row in lab.ok("%runs").value.rows]
    table = lab.ok(f"%runs {first} {second}").value
    assert ("double", "3", "0", "1", "3", "1 call only in B") in table.rows
    assert "one id, or two" in lab.run("%runs a b c").red_line


def test_lineage_is_a_picture(lab: ShellLab) -> None:
    lab.ok("y = %evaluate total([double(i) for i in range(3)])")
    found = lab.ok("%lineage total([double(i) for i in range(3)])").value
    data: dict[str, str] = lab.shell.display_formatter.format(found)[0]
    assert ElementTree.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    assert "4 calls" in data["text/plain"] and "<details>" in data["text/html"]
    assert lab.ok("%lineage --save origin.dot y").out == "saved origin.dot\n"
    assert (lab.folder / "origin.dot").read_text().count("->") == 1
    assert "no call on record gave" in lab.run("%lineage 4711").red_line
    assert "must end in" in lab.run("%lineage --save origin.png y").red_line
