"""The labelled tree: references to tasks, what decided, lines as people count, storage."""

import gc
import textwrap
import weakref

import pytest
from tests.core.test_code_cells import identity, notebook

from cellgraph.errors import CodecError
from cellgraph.identity.code import CodeIdentity, code_identity
from cellgraph.identity.lines import changed_line
from cellgraph.identity.tree import CodeChange, CodeNode, difference, from_bytes


def change(old: CodeIdentity, new: CodeIdentity) -> CodeChange:
    found = difference(old.tree, new.tree)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("source", "refs"),
    [
        ("def f(x): return t(x)", ["global:t"]),
        ("def f(x, y=t): return y(x)", ["default:0"]),
        ("def f(x, *, y=t): return y(x)", ["default:y"]),
        ("def m(y):\n    return lambda x: y(x)\nf = m(t)", ["cell:y"]),
        ("def g(x): return t(x)\ndef f(x): return g(x)", ["helper:g/global:t"]),
        ("S = [1, t]\ndef f(x): return S[1](x)", ["global:S[1]"]),
        ("S = {'a': {'b': t}}\ndef f(x): return S", ["global:S['a']['b']"]),
        ("class C: pass\nc = C()\nc.k = t\ndef f(x): return c.k(x)", ["global:c.k"]),
        (
            "class C:\n    def m(s): return t\ndef f(x): return C",
            ["helper:C/helper:method:m/global:t"],
        ),
        ("def g(x): return t\nS = [g]\ndef f(x): return S", ["helper:S[0]/global:t"]),
        ("def g(x): return t(x)\ndef f(x): return g(x), t(x)", ["global:t", "helper:g/global:t"]),
        ("import functools\np = functools.partial(t, 1)\ndef f(x): return p(x)", ["global:p"]),
        ("def f(x): return f.k\nf.k = t", ["attribute:k"]),
        ("def f(x): return t.func(x)", []),
        ("def f(x): return t(t.func(x))", ["global:t"]),
    ],
)
def test_references_to_tasks_have_addresses(source: str, refs: list[str]) -> None:
    found = identity("t = Task(len, 't')\n" + source)
    assert sorted(r.ref for r in found.tasks) == refs
    assert all(r.task.name == "t" for r in found.tasks)


def test_addresses_are_unique() -> None:
    source = "t = Task(len, 't')\n"
    source += "def a(x): return t\ndef b(x): return t\nD = [[t], {'k': t}, t]\n"
    found = identity(source + "def f(x, y=t): return a(x), b(x), D, t")
    refs = [r.ref for r in found.tasks]
    assert len(refs) == len(set(refs)) == 7


def test_a_changed_body_comes_with_line_place_and_diff() -> None:
    old = identity("def f(x):\n    return g(x)\ndef g(x):\n    return x")
    new = identity("y = 1\ndef g(x):\n    # new\n    return -x\ndef f(x):\n    return g(x)")
    found = change(old, new)
    assert found.path == ("helper g()", "body")
    assert (found.kind, found.line, found.line_in_place) == ("body", 3, 4)
    assert found.place.startswith("cell ")
    assert "-    return x\n" in found.diff
    assert "+    return -x" in found.diff


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("def f():\n    a = 1\n    return a", "def f():\n    a = 2\n    return a", 2),
        ("def f():\n    a = 1", "def f():\n    # note\n\n    a = 2", 4),
        ("def f():\n    'doc'\n    a = 1", "def f():\n    '''doc\n    more'''\n    a = 2", 4),
        ("def f():\n    if a:\n        b\n    c", "def f():\n    if a:\n        d\n    c", 3),
        ("def f():\n    if a:\n        b", "def f():\n    if not a:\n        b", 2),
        ("def f():\n    a\n    b", "def f():\n    a", 2),
        ("def f():\n    a\n    b\n    c", "def f():\n    a\n    c", 3),
        ("def f():\n    a", "def f():\n    a\n    b", 3),
        (
            "def f():\n    a(\n     1,\n     2,\n    )",
            "def f():\n    a(\n     1,\n     3,\n    )",
            4,
        ),
        ("def f(a):\n    return 1", "def f(b):\n    return 1", 1),
        (
            "def f():\n    try:\n        a\n    except E:\n        b",
            "def f():\n    try:\n        a\n    except E:\n        c",
            5,
        ),
        (
            "def f():\n    match a:\n        case 1:\n            b",
            "def f():\n    match a:\n        case 2:\n            b",
            3,
        ),
        ("lambda x: 1", "lambda x: 2", 1),
    ],
)
def test_the_first_line_whose_meaning_changed(old: str, new: str, line: int) -> None:
    assert changed_line(old, new) == line


def test_the_tasks_own_function_is_looked_at_first() -> None:
    old = identity("K = 1\ndef a(x): return K\ndef f(x): return a(x)")
    new = identity("K = 2\ndef a(x): return -K\ndef f(x): return a(x) + 1")
    assert change(old, new).summary == "f() line 1"


def test_helpers_that_come_and_go_without_a_change_of_text() -> None:
    old = identity("S = [len]\ndef f(x): return S")
    new = identity("def g(x): return x\nS = [g]\ndef f(x): return S")
    assert change(old, new).summary == "collection S > [0] builtins.len -> helper g()"
    assert change(new, old).summary == "collection S > [0] helper g() -> builtins.len"


def test_a_second_copy_is_a_change_of_structure() -> None:
    one = identity("class C: pass\nS = [C, C]\ndef f(x): return S")
    two = identity("class C: pass\nD = C\nclass C: pass\nS = [D, C]\ndef f(x): return S")
    assert change(one, two).kind in ("structure", "added")


def test_packages_count_exactly_or_by_minor_or_not_at_all() -> None:
    func = notebook("import numpy as np\ndef f(x): return np.sin(x)")["f"]
    exact, minor, none = (
        code_identity(func, name="f", packages=mode) for mode in ("exact", "minor", "none")
    )
    import numpy as np

    assert exact.packages == minor.packages == none.packages == (("numpy", np.__version__),)
    assert len({exact.digest, minor.digest, none.digest}) == 3
    shown = [i.tree.children[-1] for i in (exact, minor, none)]
    assert [n.label for n in shown] == ["package numpy"] * 3
    assert shown[0].text == np.__version__
    assert np.__version__.startswith(shown[1].text + ".")
    assert shown[2].text == ""


def test_a_package_version_is_what_decides() -> None:
    tree = identity("import numpy as np\ndef f(x): return np.sin(x)").tree
    *others, numpy = tree.children
    older = CodeNode(numpy.label, numpy.kind, b"o" * 32, "1.26.4")
    old = CodeNode(tree.label, tree.kind, b"t" * 32, children=(*others, older))
    found = difference(old, tree)
    assert found is not None
    assert found.kind == "package"
    assert found.summary == f"package numpy 1.26.4 -> {numpy.text}"


def test_a_tree_survives_storage() -> None:
    tree = identity("K = {'a': 1}\ndef g(x, n=2): return K\ndef f(x): return g(x)").tree
    assert from_bytes(tree.to_bytes()) == tree


@pytest.mark.parametrize("data", [b"", b"[]", b'[1,["a"]]', b'[2,["a","b","",0,0,"",[]]]', b"\xff"])
def test_a_damaged_tree_is_an_error(data: bytes) -> None:
    with pytest.raises(CodecError):
        from_bytes(data)


def test_values_under_private_names_are_not_shown() -> None:
    source = "API_KEY = 'sk-1'\ndef f(x, password='sk-2'): return API_KEY"
    shown = [child.text for child in identity(source).tree.children[0].children]
    assert shown == ["(not shown)", "(not shown)"]


def test_long_values_are_cut() -> None:
    source = "L = list(range(1000))\nS = 'x' * 1000\nD = {i: i for i in range(99)}\n"
    node = identity(source + "def f(x): return L, S, D").tree.children[0]
    assert all(len(child.text) < 120 for child in node.children)


def test_a_tree_of_code_without_text_says_so() -> None:
    namespace = notebook("exec('def g(x): return 1')\ndef f(x): return g(x)")
    old = code_identity(namespace["f"], name="f")
    exec("def g(x): return 2", namespace)
    new = code_identity(namespace["f"], name="f")
    assert change(old, new).summary == "helper g() changed"


def test_names_of_folders_never_enter_a_tree(tmp_path: object) -> None:
    source = textwrap.dedent(
        """
        from pathlib import Path
        K = 1
        def f(x): return K
        """
    )
    assert str(tmp_path).encode() not in identity(source).tree.to_bytes()


def test_a_tree_shows_what_was_there_however_late_it_is_looked_at() -> None:
    namespace = notebook(
        "class Box: pass\nD = {'a': 1}\nB = Box()\nB.k = 1\ndef f(x, y=2): return D, B"
    )
    gone = weakref.ref(namespace["B"])
    found = code_identity(namespace["f"], name="f")
    namespace["D"]["a"] = 2
    namespace["f"].__defaults__ = (3, 4)
    del namespace["B"]
    gc.collect()
    assert gone() is None  # an identity keeps nothing alive
    shown = {child.label: child.text for child in found.tree.children[0].children}
    assert (shown["global D"], shown["default y"]) == ("{'a': 1}", "2")
