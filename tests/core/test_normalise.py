"""The canonical bytes of a syntax tree: docstrings told apart, and trees deeper than the stack."""

import ast
import inspect
import sys

import pytest

from cellgraph.identity.normalise import encode, encode_function

DEEP = 300  # the interpreter's own parser needs more stack than this for itself
FORMATTED = b"(FormattedValue.value=(Name.id=S1:x).conversion=I-0x1;"


def function(source: str) -> ast.FunctionDef:
    tree = ast.parse(source)
    assert isinstance(tree.body[0], ast.FunctionDef)
    return tree.body[0]


def nots(count: int, inside: bytes) -> bytes:
    return b"(UnaryOp.op=(Not).operand=" * count + inside + b")" * count


@pytest.mark.parametrize("count", range(DEEP - 3, DEEP + 3))  # where a cut falls differs
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("x", b"(Name.id=S1:x)"),
        ("'a'", b"S1:a"),
        ("f'{x:}'", b"(JoinedStr[" + FORMATTED + b")])"),
        ("f'a{x:b}'", b"(JoinedStr[S1:a" + FORMATTED + b".format_spec=(JoinedStr[S1:b]))])"),
        ("x[:]", b"(Subscript.value=(Name.id=S1:x).slice=(Slice))"),
        ("[]", b"(List)"),
    ],
)
def test_a_tree_deeper_than_the_stack_says_the_same(count: int, inside: str, said: bytes) -> None:
    node = function(f"def f(x):\n    'doc'\n    return {'not ' * count}{inside}\n")
    head = b"(FunctionDef/|S1:x*&**S1:f.body=["
    returned = b"(Return.value=" + nots(count, said) + b")])"
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        found = encode_function(node)
        again = encode_function(node)
    finally:
        sys.setrecursionlimit(limit)
    assert found.plain == head + returned
    assert found.documented == head + b"(Expr.value=S3:doc)" + returned
    assert again == found


def test_docstrings_at_every_level_are_in_one_reading_only() -> None:
    source = (
        "def f():\n    'one'\n    class C:\n        'two'\n        def g(self): 'three'\n"
        "    if f:\n        'four'\n        return 'kept'\n"
    )
    plain, documented = encode_function(function(source))
    texts = (b"S3:one", b"S3:two", b"S5:three", b"S4:four")
    assert all(text in documented and text not in plain for text in texts)
    assert b"S4:kept" in plain
    assert (
        documented.replace(b"(Expr.value=S3:one)", b"")
        .replace(b"(Expr.value=S3:two)", b"")
        .replace(b"(Expr.value=S5:three)", b"")
        .replace(b"(Expr.value=S4:four)", b"")
        == plain
    )
    assert encode(ast.parse("'alone'").body[0]) == b""
