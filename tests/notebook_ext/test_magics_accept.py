"""`%accept`: keep results across a change judged harmless."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notebook_ext.support.shell_lab import ShellLab, notebook


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok("%%task\ndef twice(x):\n    return 2 * x")
        lab.ok("%evaluate [twice(i) for i in range(5)]")
        yield lab


def test_results_are_kept_across_a_change(lab: ShellLab) -> None:
    lab.ok("%%task\ndef twice(x):\n    return x + x")
    said = repr(lab.ok("%accept --verify 3 twice").value)
    assert "5 results of twice" in said
    assert "3 run again, all equal" in said
    counts = lab.ok("%evaluate --bg [twice(i) for i in range(5)]").value
    counts.wait(60)
    assert (counts.counts.executed, counts.counts.reused) == (0, 5)
    assert "revoked" in repr(lab.ok("%accept --revoke twice").value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%accept twice", "no results of earlier code"),
        ("%accept twice(1)", "is not a task"),
        ("%accept", "give an expression"),
        ("%accept --verify often twice", "--verify often"),
        ("%accept --verfy 3 twice", "verify"),
    ],
)
def test_a_refusal_is_one_line(lab: ShellLab, line: str, told: str) -> None:
    said = lab.run(line)
    shown = said.out + said.err
    assert told in shown
    assert "Traceback" not in shown


def test_a_difference_names_the_call(lab: ShellLab) -> None:
    lab.ok("%%task\ndef twice(x):\n    return 2 * x if x < 4 else 0")
    said = lab.run("%accept twice")
    assert "twice(4) gives another value now" in said.out + said.err
