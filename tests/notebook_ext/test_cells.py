"""Which names a cell reads and leaves, and how it becomes a function of them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from tests.notebook_ext.support.shell_lab import ShellLab, notebook

from cellgraph_notebook.names import Names, names_of
from cellgraph_notebook.step import is_data


def names(cell: str, *wanted: str) -> Names:
    return names_of(ast.parse(dedent(cell)).body, wanted)


def read(cell: str, *wanted: str) -> set[str]:
    return set(names(cell, *wanted).read)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a = b + 1\nc = a", {"b"}),
        ("x += 1", {"x"}),
        ("x = 0\nx += 1", set[str]()),
        ("a = a + 1", {"a"}),
        ("df['x'] = df.y * k", {"df", "k"}),
        ("df.attrs['n'] += k", {"df", "k"}),
        ("model.fitted = True", {"model"}),
        ("items[i][j].z = 1", {"items", "i", "j"}),
        ("(a, [b, *c]) = pair\nd = a + b + c", {"pair"}),
        ("a[0], b = pair", {"a", "pair"}),
        ("a = b = c", {"c"}),
        ("del p", {"p"}),
        ("p = 1\ndel p\nq = p", {"p"}),
        ("del p['k']", {"p"}),
        ("x: int\ny = x", {"x"}),
        ("x: int = 1\ny = x", set[str]()),
        ("import numpy as np\nb = np.sin(c)", {"c"}),
        ("import os.path\nos.getcwd()", set[str]()),
        ("from a import b as c\nc(d)", {"d"}),
        ("assert p, q", {"p", "q"}),
        ("raise E(p) from q", {"E", "p", "q"}),
        ("f'{a!r:>{b}}'", {"a", "b"}),
        ("await f(z)", {"f", "z"}),
    ],
)
def test_statements_in_order(cell: str, expected: set[str]) -> None:
    assert read(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("[i * k for i in xs if i > j]", {"k", "xs", "j"}),
        ("{i: j for i, j in pairs}", {"pairs"}),
        ("[y for x in xs for y in x]", {"xs"}),
        ("x = 1\n[x for y in ys]", {"ys"}),
        ("[x for x in x]", {"x"}),
        ("i = [i for i in xs]\ni", {"xs"}),
        ("sum(i for i in xs if (last := i))\nlast", {"sum", "xs"}),
        ("(n := k)\nm = n", {"k"}),
        ("f = lambda u, v=w: u + v + z", {"w", "z"}),
    ],
)
def test_scopes_of_expressions(cell: str, expected: set[str]) -> None:
    assert read(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        # A body counts where the function is first used, not where it is written.
        ("def h(v): return v * k + t\nt = 1\nq = h(2)", {"k"}),
        ("def h(v): return v * t\nq = h(2)\nt = 1", {"t"}),
        ("def h(v=d) -> R: return v\n", {"d", "R"}),
        ("@deco\ndef h(): pass", {"deco"}),
        ("def outer():\n    x = 1\n    def inner(): return x + y\n    return inner", {"y"}),
        ("def fact(n): return n * fact(n - 1)\nfact(3)", set[str]()),
        ("def a(): return b()\ndef b(): return k\na()", {"k"}),
        ("class A(B):\n    z = k\n    def f(self): return self.z + m", {"B", "k", "m"}),
        ("class A:\n    pass\nA()", set[str]()),
    ],
)
def test_functions_and_classes(cell: str, expected: set[str]) -> None:
    assert read(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("if c:\n    a = 1\nelse:\n    a = 2\nb = a", {"c"}),
        ("if c:\n    a = 1\nb = a", {"a", "c"}),
        ("for i in r:\n    t = i\nuse = t", {"r"}),
        ("for i in r:\n    t = t + i", {"r", "t"}),
        ("while n > 0:\n    n -= 1", {"n"}),
        ("with open(f) as g:\n    d = g.read()\nd", {"f", "open"}),
        ("try:\n    import z\nexcept E as e:\n    z = e\nz", {"E"}),
        ("try:\n    a = f()\nfinally:\n    b = a", {"f", "a"} - {"a"}),
        ("try:\n    a = f()\nexcept* E:\n    pass\na", {"f", "E"}),
        ("match v:\n    case {'a': x, **rest}: r = (x, rest)\n    case K.b: r = 0", {"v", "K"}),
        ("match v:\n    case [x, *xs] if x > t: r = xs", {"v", "t"}),
    ],
)
def test_branches_and_loops(cell: str, expected: set[str]) -> None:
    assert read(cell) == expected


def test_what_is_wanted_is_read_at_the_end() -> None:
    assert read("if c:\n    a = 1", "a") == {"a", "c"}
    assert read("a = 1", "a") == set()


def test_globals_declared_anywhere_are_known() -> None:
    assert names("global g\ng = 1").declared_global == {"g"}
    assert names("def h():\n    global g\n    g = 1").declared_global == {"g"}


def test_data_is_what_is_not_code() -> None:
    import functools
    import math

    import numpy as np

    code: list[Any] = [math, math.sin, np.sin, int, len, functools.partial(int), "x".join]
    assert [is_data(value) for value in code] == [False] * len(code)
    assert all(is_data(value) for value in (1, "a", [len], {"k": int}, np.zeros(2), None))


# --- as a function ------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        yield lab


TEXTS = '''
%%task --returns text, depth
# a comment at the left margin
text = """one
  two
three"""
if text:
\tdepth = (1 +
2)   # continued at the left margin
\tfor _ in range(2):
\t    depth += 1
'''


def test_strings_and_layout_survive(lab: ShellLab) -> None:
    lab.ok(TEXTS)

    assert (lab["text"], lab["depth"]) == ("one\n  two\nthree", 5)


@pytest.mark.parametrize("blank", ["", "\n", "\n\n\n"])
def test_an_error_says_the_line_of_the_cell(lab: ShellLab, blank: str) -> None:
    told = lab.run(f"%%task --returns z\n{blank}a = '''\n\n'''\nz = 1 / 0")
    line = 5 + len(blank)

    assert f"Cell In[2], line {line} in cell_z\n    z = 1 / 0" in told.out
    assert ".py" not in told.out, "a frame of ours"


@pytest.mark.parametrize(
    ("last", "value"),
    [
        ("(\n  z\n + 1)", "4"),
        ("z; z * 2", "6"),
        ("z;", ""),
        ("z  # why", "3"),
        ("'é' * z", "'ééé'"),
    ],
)
def test_the_last_line_is_shown(lab: ShellLab, last: str, value: str) -> None:
    told = lab.ok(f"%%task --returns z\nz = 3\n{last}")

    assert told.out.splitlines()[1:] == [value] * bool(value)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("z = 1\nreturn z", "'return' outside function"),
        ("z = 1\nyield z", "'yield' outside function"),
        ("z = = 1", "invalid syntax"),
    ],
)
def test_what_is_no_cell_is_a_syntax_error(lab: ShellLab, cell: str, message: str) -> None:
    told = lab.run(f"%%task --returns z\n{cell}")

    assert type(told.error).__name__ == "CellSyntaxError"
    assert "Cell In[2], line " in told.out and message in told.out
    assert "Traceback" not in told.out and ".py" not in told.out
