"""Which cells a target needs, and what is refused, with cell and line."""

import pytest

from cellgraph.errors import ExportError
from cellgraph.exported.declared import parameters_in
from cellgraph_notebook.export.checks import check
from cellgraph_notebook.export.reading import Code, Params, Shown, Tasks, cell_of
from cellgraph_notebook.export.slicing import Slice, slice_back


def sliced(target: str, *sources: str) -> Slice:
    return slice_back([cell_of(n, source) for n, source in enumerate(sources, 1)], target)


def runs(target: str, *sources: str) -> list[int]:
    return [cell.piece.cell for cell in sliced(target, *sources).cells]


@pytest.mark.parametrize(
    ("sources", "needed"),
    [
        (["a = 1", "b = 2", "c = a"], [1, 3]),
        (["a = 1", "a = a + 1", "c = a"], [1, 2, 3]),
        (["a = 1", "a = 2", "c = a"], [2, 3]),
        (["a = 1", "c = a", "a = 2"], [1, 2]),  # what is read at once was assigned before
        (["def f():\n    return k", "k = 1", "c = f", "k = 2"], [1, 3, 4]),  # a body runs later
        (["rows = []", "rows.append(1)\n0", "rows", "c = rows"], [1, 2, 4]),
        (["d = {}", "d['x'] = 1", "c = d"], [1, 2, 3]),
        (["import m", "m.random.seed(0)\n0", "m.abs(1)\nx = 1", "c = m.x"], [1, 2, 4]),
        (["a = 1", "a.head()", "c = a"], [1, 3]),  # a last line shows something
        # a last line that changes something counts, one that is a view does not
        (["d = {}", "d.drop(columns='x', inplace=True)", "c = d"], [1, 2, 3]),
        (["d = {}", "d.hist(inplace=True)", "c = d"], [1, 2, 3]),
        (["m = {}", "m.fit(1, 2)", "c = m"], [1, 2, 3]),
        (["m = {}", "h = m.fit(1, 2)", "c = m"], [1, 2, 3]),
        (["m = {}", "m.fit(1).score(2)", "c = m"], [1, 2, 3]),
        (["rows = []", "rows.append(2)", "c = rows"], [1, 2, 3]),
        (["rows = []", "x = rows.pop()", "c = rows"], [1, 2, 3]),
        (["rows = []", "y = rows.copy()", "c = rows"], [1, 3]),
        (["import numpy as np", "np.random.seed(0)", "c = np.random.rand()"], [1, 2, 3]),
        (["from random import seed, random", "seed(0)", "c = random()"], [1, 2, 3]),
        (["import random", "rows = []", "random.shuffle(rows)\n0", "c = rows"], [1, 2, 3, 4]),
        (["import random", "rows = []", "random.shuffle(x=rows)", "c = rows"], [1, 2, 3, 4]),
        (["def fill(r): ...", "rows = []", "fill([rows])", "c = rows"], [1, 2, 3, 4]),
        (["rows = []", "def f():\n    rows.append(1)", "n = f()", "c = rows"], [1, 2, 3, 4]),
        (["n = 1", "def f():\n    global n\n    n = 2", "f()", "c = n"], [1, 2, 3, 4]),
        (
            ["r = []", "def f(r):\n    r.append(1)\n    q = r\n    q.pop()", "f([])", "c = r"],
            [1, 4],
        ),
        (["a = []", "print(a)", "display(a)", "len(a)", "c = a"], [1, 5]),
        (["d = {}", "d.plot('x', figsize=(3, 4));", "d.info()\nd.head()", "c = d"], [1, 4]),
        (["ax = {}", "x = 1", "ax.plot(x)", "c = ax"], [1, 2, 3, 4]),
        (["%%task\ndef t(x): ...", "x = 1", "t(x)", "c = t(x)"], [1, 2, 4]),  # a call is lazy
        (
            ["import cellgraph as cg", "%%task\ndef t(): ...", "x = t()", "cg.plan(x)", "c = x"],
            [2, 3, 5],
        ),
        (
            ["import m", "def g():\n    return m", "class C(g()):\n    x = 1", "c = C"],
            [1, 2, 3, 4],
        ),
        (["a, b = 1, 2", "if a:\n    c = b"], [1, 2]),
        (["%matplotlib inline\nimport m", "c = m.x"], [1, 2]),
        (["x = 1", "%%evaluate -o y\nx", "c = y"], [1, 2, 3]),
        (["x = 1", "y = %evaluate x", "c = y"], [1, 2, 3]),
        (["x = 1", "%evaluate -o y x", "c = y"], [1, 2, 3]),
        (["%%params\nn: int = 3", "c = n"], [1, 2]),
    ],
)
def test_the_cells_that_a_target_needs(sources: list[str], needed: list[int]) -> None:
    assert runs("c", *sources) == needed


def test_cells_that_stay_out_say_why() -> None:
    sources = ("%load_ext cellgraph", "a = 1", "a = 2", "c = a", "b = 3", "%plan c", "print(c)")
    assert {left.cell: left.why for left in sliced("c", *sources).left} == {
        1: "it is for a reader: magics alone",
        2: "a: assigned again where it counts",
        5: "nothing needs b",
        6: "it is for a reader: magics alone",
        7: "it only shows something",
    }


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["c = 1"], "the target d reads d, which nothing defines"),
        (["x = 1\nd = missing(x)"], "cell 1 line 2 reads missing, which nothing defines"),
        (
            ["d = late", "late = 1"],
            "cell 1 line 1 reads late, which only cell 2, below it, assigns",
        ),
        (["d = = 1"], "cell 1 line 1: invalid syntax"),
    ],
)
def test_a_name_that_nothing_defines_is_refused_with_cell_and_line(
    sources: list[str], said: str
) -> None:
    with pytest.raises(ExportError) as caught:
        sliced("d", *sources)
    assert said in str(caught.value)


def test_a_target_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ExportError, match="is no Python expression"):
        sliced("a = 1", "a = 1")


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("x = 1\nc = input('name?')", 2, "waits for a person"),
        ("import getpass\nc = getpass.getpass()", 2, "cg.Secret"),
        ("!pip install numpy\nc = 1", 1, "a shell command"),
        ("files = !ls\nc = 1", 1, "a shell command"),
        ("%cd ..\nc = 1", 1, "%cd works in a notebook only"),
        ("%%bash\nc=1", 1, "%%bash works in a notebook only"),
        ("%%task --returns c\nc = 1", 1, "make it a function"),
        ("api_token = 'x9K2mQ7vLp4Rt8Zw'\nc = api_token", 1, "looks like a credential"),
        ("c = 'AKIA' 'ABCDEFGHIJKLMNOP'", 1, "looks like a credential"),
    ],
)
def test_what_cannot_run_unattended_is_refused_with_its_line(
    source: str, line: int, said: str
) -> None:
    cell = cell_of(1, source)
    assert not isinstance(cell, Shown)
    with pytest.raises(ExportError) as caught:
        check(Slice((cell,), (), "c"), remote=False)
    assert f"cell 1 line {line}: " in str(caught.value)
    assert said in str(caught.value)


def test_what_stays_out_is_not_checked() -> None:
    check(sliced("c", "input('go on?')", "c = 1"), remote=True)


def test_a_local_path_is_refused_where_the_run_is_elsewhere() -> None:
    found = sliced("c", "import pandas as pd", "c = pd.read_csv('data/raw.csv')")
    check(found, remote=False)
    with pytest.raises(ExportError, match="is a path of this machine"):
        check(found, remote=True)
    check(sliced("c", "import pandas as pd", "c = pd.read_csv('s3://b/raw.csv')"), remote=True)


def test_a_text_that_holds_a_percent_sign_is_no_magic() -> None:
    (cell,) = sliced("c", 'c = """\n%time is short\n"""').cells
    assert "%time is short" in cell.piece.text


@pytest.mark.parametrize("line", ["n = n * 2  # still right?", "n = [n, 2][1]  #?", "n = 2 # n?"])
def test_a_comment_that_asks_leaves_its_line_alone(line: str) -> None:
    (cell,) = sliced("n", f"n = 1\n{line}").cells
    assert line in cell.piece.text


@pytest.mark.parametrize(
    "line", ["c?", "c.head??", "?c", "??c.x", "%time?", "c['x']?", "  c ?", "c.*load*?"]
)
def test_a_question_is_for_a_reader(line: str) -> None:
    (cell,) = sliced("c", f"c = 1\n{line}").cells
    assert cell.piece.text == "c = 1\n"


def test_kinds_of_cells() -> None:
    tasks = cell_of(1, "%%task --executor process --retries 2 --retry-on OSError f\ndef f(): pass")
    assert isinstance(tasks, Tasks)
    assert tasks.tasks == ("f",)
    assert tasks.options == {"executor": "'process'", "retries": "2", "retry_on": "OSError"}
    assert isinstance(cell_of(1, "n = 1", ["parameters"]), Params)
    assert isinstance(cell_of(1, "n = 1"), Code)
    assert isinstance(cell_of(1, "%%evaluate\nf(1)"), Shown)


PARAMS = """\
from datetime import date
from typing import Literal

depth: int = 3
mode: Literal["fast", "exact"] = "fast"
scheduled: date = date(2026, 1, 1)
rate = 0.5
"""


def test_parameters_are_read_from_annotations() -> None:
    cell = cell_of(1, "%%params\n" + PARAMS)
    assert isinstance(cell, Params)
    found = {
        p.name: (p.kind, p.default, p.choices) for p in parameters_in(cell.piece.tree, "cell 1")
    }
    assert found == {
        "depth": ("int", "3", ()),
        "mode": ("str", "'fast'", ("fast", "exact")),
        "scheduled": ("date", "date(2026, 1, 1)", ()),
        "rate": ("float", "0.5", ()),
    }


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("n: int", "cell 1 line 2: parameter n has no default"),
        ("n: int = 'x'", "cell 1 line 2: parameter n='x': expected int"),
        ("print(1)", "cell 1 line 2: a parameters cell holds"),
    ],
)
def test_a_wrong_parameters_cell_is_refused(source: str, said: str) -> None:
    cell = cell_of(1, "%%params\n" + source)
    assert isinstance(cell, Params)
    with pytest.raises(ExportError) as caught:
        parameters_in(cell.piece.tree, "cell 1")
    assert said in str(caught.value)
