"""`%%task --returns`: the cell itself as one cached step."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        yield lab


STEP = """
%%task --returns mean, text
tick("step")
mean = sum(numbers) / len(numbers)
text = f"{mean:.1f}"
print("mean", text)
"""


def test_a_cell_runs_once_for_equal_inputs(lab: ShellLab) -> None:
    lab["numbers"] = [1, 2, 6]

    assert "cell_mean_text(numbers) · one cached step\nmean 3.0\n" in lab.ok(STEP).out
    assert (lab["mean"], lab["text"], lab.ticks()) == (3.0, "3.0", ["step"])

    lab["mean"] = "somebody else's"
    again = lab.ok(STEP).out
    assert "↺ from cache, shown when it ran:\nmean 3.0\n" in again
    assert (lab["mean"], lab.ticks()) == (3.0, [])

    lab["numbers"] = [1, 2, 3]
    lab.ok(STEP)
    assert (lab["text"], lab.ticks()) == ("2.0", ["step"])

    lab.ok(STEP.replace("/ len", "/ 2 / len"))
    assert (lab["text"], lab.ticks()) == ("1.0", ["step"])


def test_comments_layout_and_what_it_left_do_not_matter(lab: ShellLab) -> None:
    lab["numbers"] = [1, 2, 6]
    lab.ok(STEP)
    lab["unrelated"] = 1

    lab.ok(STEP.replace("mean = ", "# why\n\nmean  =  ") + "\n# the end\n")

    assert lab.ticks() == ["step"]


def test_lazy_inputs_are_evaluated_first(lab: ShellLab) -> None:
    lab.ok(CELL_OF_TASKS)
    lab.ok("numbers = [double(i) for i in range(3)]")

    told = lab.ok(STEP)
    assert "(numbers) · one cached step · waits for lazy inputs\nmean 2.0\n" in told.out
    assert sorted(lab.ticks()) == ["double", "double", "double", "step"]

    told = lab.ok(STEP)
    assert "↺ from cache, shown when it ran:\nmean 2.0\n" in told.out
    assert lab.ticks() == []

    # Other calls, equal values: the step itself is found.
    lab.ok("numbers = [double(i) for i in (0, 1)] + [4]")
    assert "↺ from cache" in lab.ok(STEP).out
    assert lab.ticks() == []


def test_an_input_is_the_steps_own_copy(lab: ShellLab) -> None:
    lab["df"], lab["notes"] = pd.DataFrame({"a": [1, 2]}), {"k": [1]}
    cell = (
        "%%task --returns wide\ntick('step')\ndf['b'] = df['a'] * 2\nnotes['k'].append(2)\n"
        "del notes\nwide = df"
    )

    for _ in range(2):
        lab.ok(cell)
        assert list(lab["wide"].columns) == ["a", "b"]
        assert list(lab["df"].columns) == ["a"] and lab["notes"] == {"k": [1]}
    assert lab.ticks() == ["step"]


def test_an_input_may_be_returned_changed(lab: ShellLab) -> None:
    lab["df"] = pd.DataFrame({"a": [1, 2]})
    before = lab["df"]
    lab.ok("%%task --returns df\ndf['b'] = 1")

    assert list(lab["df"].columns) == ["a", "b"] and list(before.columns) == ["a"]


def test_helpers_tasks_and_modules_count_as_code(lab: ShellLab) -> None:
    lab.ok(CELL_OF_TASKS)
    lab.ok("import math\n\ndef helper(x):\n    return x + shift\n\nshift = 1")
    cell = "%%task --returns y\ntick('step')\ny = [helper(math.floor(2.5)), double(4)]"

    lab.ok(cell)
    assert lab["y"] == [3, 8], "a call of a task in a step is evaluated"
    lab.ok(cell)
    assert lab.ticks() == ["step", "double"]
    lab["shift"] = 2
    lab.ok(cell)
    assert (lab["y"], lab.ticks()) == ([4, 8], ["step"])


def test_a_local_name_is_no_input(lab: ShellLab) -> None:
    lab["table"] = lab["i"] = "left over from another cell"
    cell = (
        "%%task --returns y\ntick('step')\ntable = [1, 2]\n"
        "def top(k=1):\n    return max(table) + k\n"
        "y = sum(i * top() for i in table)\nfor i in table:\n    y += i\n"
    )
    assert "cell_y() · one cached step" in lab.ok(cell).out
    lab["table"] = "something else"
    lab.ok(cell)

    assert (lab["y"], lab.ticks()) == (12, ["step"])
    assert lab["i"] == "left over from another cell" and "top" not in lab


def test_await_works(lab: ShellLab) -> None:
    lab.ok("%%task --returns y\nimport asyncio\ny = await asyncio.sleep(0, result=5)")

    assert lab["y"] == 5


def test_the_step_takes_the_options_of_a_task(lab: ShellLab) -> None:
    for _ in range(2):
        lab.ok("%%task --no-cache --name once --returns y\ntick('step')\ny = 1")

    assert lab.ticks() == ["step", "step"]
    assert "once" in str(lab.ok("%runs").value)


def test_a_failing_step_leaves_nothing_and_says_where(lab: ShellLab) -> None:
    lab["y"] = "before"
    told = lab.run("%%task --returns y\ny = 1\nprint('so far')\ny = 1 / 0")

    assert lab["y"] == "before"
    assert "Cell In[2], line 4 in cell_y\n    y = 1 / 0" in told.out
    assert "It printed:\nso far" in told.out
    assert "Traceback" not in told.out


def test_nothing_else_is_left_in_the_notebook(lab: ShellLab) -> None:
    before = {name for name in lab.shell.user_ns if not name.startswith("_")}
    lab.ok("%%task --returns y\nimport math\nx = 2\ny = x")

    assert {name for name in lab.shell.user_ns if not name.startswith("_")} - before == {"y"}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%task --returns\nx = 1", "--returns needs a value"),
        ("%%task --returns 3\nx = 1", "--returns takes names: --returns table,scores"),
        ("%%task --returns x y\nx = 1", "y: with --returns the cell itself is the task"),
        ("%%task --returns xs\nx = 1", "--returns xs: the cell assigns no such name; did you mean"),
        ("%%task --returns x\n\nfrom os import *\nx = 1", "line 3: `from os import *` cannot be"),
        ("%%task --returns x\nx = !ls", "line 2: magics and shell commands cannot be part of a"),
        ("%%task --returns x\n%pwd\nx = 1", "line 2: magics and shell commands cannot be part"),
        ("%%task --returns x\nglobal y\nx = y = 1", "`global y`: a cached step leaves nothing but"),
        ("%%task --returns x\ntick = tick('a')\nx = 1", "the cell uses tick (a function) and then"),
        ("%%task --returns x --nout 1\nx = 1", "--nout: a step gives as many values as --returns"),
        ("%%task --returns x --retri 1\nx = 1", "unknown option --retri"),
    ],
)
def test_bad_arguments_are_one_red_line(lab: ShellLab, cell: str, message: str) -> None:
    assert message in lab.run(cell).red_line
