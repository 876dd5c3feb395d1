"""What Tab offers on the lines of our magics."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        lab["parts"] = [1]
        yield lab


def offered(lab: ShellLab, text: str) -> list[str]:
    """Return the whole text as each offer makes it."""
    with provisionalcompleter():
        found = list(lab.shell.Completer.completions(text, len(text)))
    return [text[: c.start] + c.text + text[c.end :] for c in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%task --ex", ["%%task --executor", "%%task --expires-after-s"]),
        ("%%task --executor pro", ["%%task --executor process"]),
        ("%%task --executor=pro", ["%%task --executor=process"]),
        ("%%task -e pro", ["%%task -e process"]),
        ("%%task --no-", ["%%task --no-cache"]),
        ("%%task --check ", ["%%task --check full", "%%task --check shallow"]),
        ("%%task --retries 2 --memory", ["%%task --retries 2 --memory-gib"]),
        ("%%task --retries 2 --retri", []),
        ("%evaluate --vi", ["%evaluate --view"]),
        ("%evaluate --view t", ["%evaluate --view table"]),
        ("y = %evaluate --fail=l", ["y = %evaluate --fail=late"]),
        ("a, b = %evaluate --fail k", ["a, b = %evaluate --fail keep"]),
        ("%%evaluate --b", ["%%evaluate --bg"]),
        ("x = 1\n%evaluate --def", ["x = 1\n%evaluate --definitions"]),
        ("%graph --s", ["%graph --save"]),
        ("%evaluate doub", ["%evaluate double"]),
        ("%evaluate --bg total(par", ["%evaluate --bg total(parts"]),
        ("%graph parts.app", ["%graph parts.append"]),
        ("%tasks tot", ["%tasks total"]),
    ],
)
def test_options_values_and_names(lab: ShellLab, text: str, expected: list[str]) -> None:
    assert offered(lab, text) == expected


def test_all_options_of_a_magic(lab: ShellLab) -> None:
    options = {text.split()[-1] for text in offered(lab, "%evaluate -")}
    limits = {"--max-cost", "--max-remote-calls"}
    choices = {"--definitions", "--fail", "--on", "--view"}
    assert options == {"-o", "--bg", "--cache", *choices, *limits}
    assert {"--returns", "--vcpus", "--accepts-failures"} < {
        text.split()[-1] for text in offered(lab, "%%task --")
    }


def test_ids_of_runs(lab: ShellLab) -> None:
    lab.ok("%evaluate double(1)")
    newest = lab.ok("%runs").value.rows[0][0]

    assert offered(lab, f"%runs {newest[:4]}") == [f"%runs {newest}"]


def test_executors_and_limits_of_the_session(lab: ShellLab) -> None:
    lab.ok(
        "import cellgraph as cg\nmany = {'type': 'thread', 'workers': 9}\n"
        "cg.configure(executors={'many': many}, limits={'database': 2});"
    )

    assert offered(lab, "%%task --executor ma") == ["%%task --executor many"]
    assert offered(lab, "%%task --limits dat") == ["%%task --limits database"]


@pytest.mark.parametrize("text", ["%timeit --ex", "%who doub", "evaluate --vi", "# %graph --sa"])
def test_other_lines_are_left_alone(lab: ShellLab, text: str) -> None:
    assert not [
        o for o in offered(lab, text) if o.split()[-1] in ("--executor", "--view", "--save")
    ]
