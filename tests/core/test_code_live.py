"""The live object first: where text comes from, and when it is not believed."""

import linecache
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from tests.core.test_code_cells import identity, notebook, run_cell

from cellgraph.identity.body import body_of
from cellgraph.identity.code import code_identity


def text_of(func: FunctionType) -> str:
    return body_of(func.__code__, func.__globals__).text


def contents(value: object) -> dict[str, object]:
    """What an object holds, without the interpreter's own note that its pickling rules make."""
    return {name: held for name, held in vars(value).items() if name != "__slotnames__"}


def digest_of(namespace: dict[str, Any]) -> bytes:
    return code_identity(namespace["f"], name="f").digest


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("def f(x):\n    return x\n", "def f(x):\n    return x\n"),
        ("def d(g): return g\n@d\n@d\ndef f(x): return x", "def f(x): return x\n"),
        ("async def f(x): return x", "async def f(x): return x\n"),
        ("if True:\n    def f(x):\n        return x", "def f(x):\n    return x\n"),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    def f(): return 1",
            "def f(): return 1\n",
        ),
        (
            "def m():\n    k = 1\n    def f(): return k\n    return f\nf = m()",
            "def f(): return k\n",
        ),
        ("class C:\n    def f(self): return self.__a\nf = C.f", "def f(self): return self.__a\n"),
        ("f = lambda x: x + 1", "lambda x: x + 1\n"),
        ("'é'; g, f = lambda x: x, lambda x: (lambda y: x + y)", "lambda x: (lambda y: x + y)\n"),
        ("f = (lambda x: lambda y: (x,\n    y))(1)", "lambda y: (x,\n    y)\n"),
        ("f = (lambda: [lambda: 1][0])()", "lambda: 1\n"),
    ],
)
def test_the_text_of_a_function_is_found(cell: str, text: str) -> None:
    assert text_of(notebook(cell)["f"]) == text


def test_a_definition_made_twice_has_the_text_of_the_live_one() -> None:
    namespace = notebook("def f(x): return 1\ng = f\ndef f(x): return 2")
    assert text_of(namespace["g"]) == "def f(x): return 1\n"
    assert text_of(namespace["f"]) == "def f(x): return 2\n"


def test_code_without_text_has_the_identity_of_its_bytecode() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("K = 1\ndef f(x): return x + K", namespace)
    first = code_identity(namespace["f"], name="f")
    assert first.tree.children[0].kind == "bytecode"
    exec("\n\nK = 1\ndef f(x): return x + K", namespace)
    assert digest_of(namespace) == first.digest, "lines do not count"
    exec("K = 2", namespace)
    assert digest_of(namespace) != first.digest
    exec("K = 1\ndef f(x): return x - K", namespace)
    assert digest_of(namespace) != first.digest


def test_bytecode_keeps_types_and_nested_code_apart() -> None:
    seen: set[bytes] = set()
    for body in (
        "1",
        "True",
        "1.0",
        "'1'",
        "b'1'",
        "lambda: 1",
        "lambda: True",
        "{1, 2}",
        "(1, 2)",
    ):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(f"def f(x): return {body}", namespace)
        seen.add(digest_of(namespace))
    assert len(seen) == 9


def test_text_of_another_cell_under_the_same_name_is_not_believed() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    name = "<reused-cell>"
    exec(compile("def f(x): return 1\n", name, "exec"), namespace)
    linecache.cache[name] = (19, None, ["def f(x): return 2\n"], name)
    assert text_of(namespace["f"]) == ""
    linecache.cache[name] = (19, None, ["\n", "def f(x): return 1\n"], name)
    assert text_of(namespace["f"]) == "def f(x): return 1\n"
    del linecache.cache[name]


def test_futures_that_a_console_carries_from_cell_to_cell() -> None:
    import __future__

    flags = __future__.annotations.compiler_flag
    source = "def f(x: Missing): return (lambda y: x)(1)\n"
    name = "<ipython-input-77001-0>"
    linecache.cache[name] = (len(source), None, [source], name)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, name, "exec", flags, dont_inherit=True), namespace)
    assert text_of(namespace["f"]) == source
    del linecache.cache[name]


def test_a_cell_that_awaits() -> None:
    import ast

    source: str = "import asyncio\nawait asyncio.sleep(0)\ndef f(x): return x\n"
    name = "<ipython-input-77002-0>"
    linecache.cache[name] = (len(source), None, list(source.splitlines(keepends=True)), name)
    flag = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(source, name, "exec", flag | ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    last = ast.Module(tree.body[-1:], [])  # IPython compiles statement by statement
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(last, name, "exec", flag), namespace)
    assert text_of(namespace["f"]) == "def f(x): return x\n"
    del linecache.cache[name]


def test_cells_of_a_real_ipython_shell() -> None:
    script = """
from IPython.core.interactiveshell import InteractiveShell
from cellgraph.identity.code import code_identity
shell = InteractiveShell.instance()
shell.run_cell("from __future__ import annotations\\nK = 31", store_history=True)
shell.run_cell("import time\\ndef helper(x: Missing):\\n    return x + K", store_history=True)
shell.run_cell("%config\\ndef f(x):\\n    !true\\n    return helper(x)", store_history=True)
tree = code_identity(shell.user_ns["f"], name="f", uses=[1]).tree
print([(c.label, c.kind, c.place) for c in tree.children if c.text][:2])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    last = done.stdout.strip().splitlines()[-1]
    assert last == "[('f()', 'function', 'cell 3'), ('helper helper()', 'function', 'cell 2')]"


def test_a_script_and_a_cell_with_the_same_code_agree(tmp_path: Path) -> None:
    source = "K = 3\ndef g(x):\n    return x + K\ndef f(x):\n    return g(x)\n"
    tail = "\nfrom cellgraph.identity.code import code_identity\n"
    script = tmp_path / "some name.py"
    script.write_text(source + tail + "print(code_identity(f, name='f').digest.hex())\n")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == identity(source).digest.hex()


def test_equal_code_objects_from_different_texts_keep_their_own() -> None:
    one = notebook("def f(x):\n    y: int = x\n    return y")
    two = notebook("def f(x):\n    y: str = x\n    return y")
    assert one["f"].__code__ == two["f"].__code__
    assert digest_of(one) != digest_of(two)
    assert digest_of(one) == digest_of(notebook("def f(x):\n    y: int = x\n    return y"))


def test_a_function_whose_code_is_replaced_in_place() -> None:
    namespace = notebook("def g(x): return 1\ndef f(x): return g(x)")
    first = digest_of(namespace)
    run_cell("def g2(x): return 2", namespace)
    kept = namespace["g"].__code__
    namespace["g"].__code__ = namespace["g2"].__code__  # what autoreload does
    assert digest_of(namespace) != first
    namespace["g"].__code__ = kept
    assert digest_of(namespace) == first


def test_a_value_that_changes_between_two_looks() -> None:
    namespace = notebook("L = [1]\nD = {'k': L}\ndef f(x): return D")
    first = digest_of(namespace)
    namespace["L"].append(2)
    assert digest_of(namespace) != first
    namespace["L"].pop()
    assert digest_of(namespace) == first


def test_an_identity_does_not_change_what_it_looks_at() -> None:
    namespace = notebook("class C:\n    k = 1\nc = C()\ndef f(x): return c, C")
    before = contents(namespace["C"]), contents(namespace["c"]), dict(namespace)
    digest_of(namespace)
    assert (contents(namespace["C"]), contents(namespace["c"]), dict(namespace)) == before


def test_a_deep_chain_of_helpers() -> None:
    count = 1500  # more than Python recurses
    chain = "".join(f"def g{i}(x): return g{i + 1}(x)\n" for i in range(count))
    source = chain + f"def g{count}(x): return x\nf = g0\n"
    first = identity(source)
    assert first.digest == identity(source).digest
    assert first.digest != identity(source.replace("return x\n", "return -x\n")).digest
    assert len(first.tree.children) == count + 1
