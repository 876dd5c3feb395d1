"""`%explain` and `%plan`: what is shown, that nothing runs, what can be asked wrongly."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook

from cellgraph.explaining import Explanation
from cellgraph.planning import Plan


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        yield lab


def test_explain_names_what_decided(lab: ShellLab) -> None:
    first = lab.ok("%explain double(2)").value
    assert isinstance(first, Explanation) and first.reason == "first run"
    lab.ok("%evaluate double(2)")
    assert lab.ok("%explain double(2)").value.verdict == "HIT"
    assert lab.ok('%explain {"x": double(3), "$y": "{y}"}').value.reason == "args > x 2 -> 3"
    assert lab.ticks() == ["double"]


def test_plan_counts_and_runs_nothing(lab: ShellLab) -> None:
    lab.ok("%evaluate double(2)")
    found = lab.ok("%plan [double(i) for i in range(5)]").value
    assert isinstance(found, Plan) and (found.hits, found.runs) == (1, 4)
    assert lab.ok("%plan --no-cache double(2)").value.runs == 1
    assert lab.ticks() == ["double"]


def test_limits_are_options_of_evaluate(lab: ShellLab) -> None:
    assert lab.ok("%evaluate --max-cost 0 --max-remote-calls 0 double(2)").value == 4
    assert "expected a number" in lab.run("%evaluate --max-cost much double(2)").err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%explain", "give an expression: %explain"),
        ("%explain double(", "cannot read"),
        ("%explain --nope double(1)", "unknown option --nope"),
        ("%plan --fial late double(1)", "did you mean 'fail'"),
        ("%plan --fail soon double(1)", "soon"),
    ],
)
def test_wrong_questions_are_one_line(lab: ShellLab, line: str, said: str) -> None:
    told = lab.run(line)
    assert said in told.err + told.out and "Traceback" not in told.out


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("%plan --f", "--fail"),
        ("%plan --fail l", "late"),
        ("%explain dou", "double"),
        ("%plan [dou", "double"),
        ("%evaluate --max", "--max-remote-calls"),
    ],
)
def test_options_and_names_are_completed(lab: ShellLab, text: str, offer: str) -> None:
    with provisionalcompleter():
        found = [c.text for c in lab.shell.Completer.completions(text, len(text))]
    assert offer in found


def test_each_has_help(lab: ShellLab) -> None:
    for magic in ("explain", "plan"):
        assert "nothing runs" in lab.shell.find_line_magic(magic).__doc__
