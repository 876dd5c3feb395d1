"""Parameters of an exported run: their types, their choices, and where they go."""

import ast
from datetime import date
from typing import Any

import pytest

from cellgraph.errors import ExportError
from cellgraph.exported.flow import VALUE, with_values
from cellgraph.exported.params import Parameter, parse, read_all, read_said

KNOWN = (
    Parameter("depth", "int", "3", (), 1),
    Parameter("rate", "float", "0.5", (), 2),
    Parameter("mode", "str", "'fast'", ("fast", "exact"), 3),
    Parameter("day", "date", "date(2026, 1, 1)", (), 4),
    Parameter("on", "bool", "True", (), 5),
    Parameter("sizes", "list", "[1]", (), 6),
)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("depth", "7", 7),
        ("depth", 7, 7),
        ("rate", 2, 2.0),
        ("mode", "exact", "exact"),
        ("day", "2026-11-30", date(2026, 11, 30)),
        ("on", "no", False),
        ("sizes", "[2, 3]", [2, 3]),
    ],
)
def test_values_are_read_as_their_type_says(name: str, value: Any, read: Any) -> None:
    found = read_all(KNOWN, {name: value})[name]
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dpeth", 1, "no parameter 'dpeth'; did you mean 'depth'?"),
        ("depth", "many", "parameter depth='many': expected int"),
        ("depth", True, "expected int"),
        ("mode", "slow", "expected one of 'fast', 'exact'"),
        ("day", "tomorrow", "expected date"),
        ("on", "perhaps", "expected bool"),
        ("sizes", "(1, 2)", "expected list"),
    ],
)
def test_a_wrong_value_is_one_error(name: str, value: Any, said: str) -> None:
    with pytest.raises(ExportError) as caught:
        read_all(KNOWN, {name: value})
    assert said in str(caught.value)


KINDS = (
    Parameter("zip", "str", "''", (), 1),
    Parameter("flag", "bool", "False", (), 2),
    Parameter("n", "int", "0", (), 3),
    Parameter("sizes", "tuple", "()", (), 4),
    Parameter("any", "", "0", (), 5),
    Parameter("level", "int", "1", (1, 2), 6),
)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("zip=12345", "12345"),
        ("zip=007", "007"),
        ("zip=None", "None"),
        ("zip=a=b", "a=b"),
        ("flag=1", True),
        ("flag=False", False),
        ("n=007", 7),
        ("n=0x10", 16),
        ("n=-3", -3),
        ("sizes=1,2", (1, 2)),
        ("any=5", 5),
        ("any=five", "five"),
        ("level=2", 2),
    ],
)
def test_what_is_said_stays_text_until_its_type_is_known(said: str, read: Any) -> None:
    (found,) = read_said(KINDS, parse([said])).values()
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize("said", ["n=True", "n=1.5", "flag=2", "level=3", "sizes=[1]"])
def test_a_text_that_is_not_of_the_type_is_refused(said: str) -> None:
    with pytest.raises(ExportError, match="expected"):
        read_said(KINDS, parse([said]))


FLOW = """\
import cellgraph as cg

# %% [cell 2] parameters
depth: int = 3
mode = "fast"

# %% [cell 3]
depth2 = depth
mode = mode.upper()
"""


def test_only_the_parameters_cell_is_set_and_lines_stay() -> None:
    tree = with_values(FLOW, ["depth", "mode"])
    names: dict[str, Any] = {f"{VALUE}depth": 7, f"{VALUE}mode": "exact"}
    exec(compile(tree, "flow.py", "exec"), names)  # what a run does
    assert (names["depth"], names["depth2"], names["mode"]) == (7, 7, "EXACT")
    assert [n.lineno for n in tree.body] == [n.lineno for n in ast.parse(FLOW).body]
