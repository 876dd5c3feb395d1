"""Lazies inside containers, indexing of lazies, several results."""

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, is_a, user_error

import cellgraph as cg

RECORD = """
@cg.task
def record(x):
    tick("record")
    return {"a": x, "b": [x, x + 1], "deep": {"t": (x,)}}

@cg.task
def inc(x):
    tick("inc")
    return x + 1
"""

SHAPES = """
import attrs
from collections import namedtuple
from dataclasses import dataclass, field
from typing import NamedTuple

Pair = namedtuple("Pair", "left right")

class Typed(NamedTuple):
    left: object
    right: object = 3

@dataclass
class Plain:
    x: object
    y: object = 2

@dataclass(frozen=True)
class Frozen:
    x: object
    inner: object = None

@dataclass
class Derived:
    x: object
    later: object = field(init=False, default=0)

    def __post_init__(self):
        self.later = "set"

@dataclass(slots=True)
class Slotted:
    x: object

@attrs.define
class Defined:
    x: object
    y: object = 5

@attrs.frozen
class Fixed:
    x: object

def derived(x, later):
    made = Derived(x)
    made.later = later
    return made

@cg.task
def inc(x):
    tick("inc")
    return x + 1

@cg.task
def same(x):
    tick("same")
    return x
"""

# Each names a container that holds lazies, and the container that must come out.
CONTAINERS = [
    ("[inc(1), [inc(2), 5]]", "[2, [3, 5]]"),
    ("(inc(1), (inc(2),), ())", "(2, (3,), ())"),
    ("{inc(1), inc(2), 9}", "{2, 3, 9}"),
    ("frozenset([inc(1), 9])", "frozenset([2, 9])"),
    ("{'a': inc(1), 'b': {'c': [inc(2)]}}", "{'a': 2, 'b': {'c': [3]}}"),
    ("{inc(1): 'one', 'k': inc(2)}", "{2: 'one', 'k': 3}"),
    ("Pair(inc(1), right=[inc(2)])", "Pair(2, right=[3])"),
    ("Typed(inc(1))", "Typed(2)"),
    ("Plain(inc(1), Plain(inc(2)))", "Plain(2, Plain(3))"),
    ("Frozen(inc(1), Frozen(0, Frozen(inc(2))))", "Frozen(2, Frozen(0, Frozen(3)))"),
    ("derived(inc(1), inc(2))", "derived(2, 3)"),
    ("Slotted([inc(1)])", "Slotted([2])"),
    ("Defined(inc(1))", "Defined(2)"),
    ("Fixed(Fixed((inc(1),)))", "Fixed(Fixed((2,)))"),
    ("Plain([{'k': Pair(inc(1), Frozen(inc(2)))}])", "Plain([{'k': Pair(2, Frozen(3))}])"),
]


def shape(value: Any) -> Any:
    """Describe types all the way down: 1 == True and Pair(1, 2) == (1, 2) must not pass."""
    kind = type(value).__name__
    if is_a(value, dict):
        return kind, [(shape(k), shape(v)) for k, v in value.items()]
    if is_a(value, set, frozenset):
        return kind, sorted(map(repr, value))
    if is_a(value, list, tuple):
        return kind, [shape(v) for v in value]
    if kind in {"Plain", "Frozen", "Derived", "Slotted", "Defined", "Fixed"}:
        names = [n for n in ("x", "y", "inner", "later") if hasattr(value, n)]
        return kind, [(n, shape(getattr(value, n))) for n in names]
    return kind, repr(value)


@pytest.mark.parametrize(("lazy", "plain"), CONTAINERS, ids=[c[0] for c in CONTAINERS])
def test_lazies_in_containers_are_evaluated_and_types_are_kept(
    lab: Lab, nb: Notebook, lazy: str, plain: str
) -> None:
    nb.run(SHAPES)
    nb.run(f"""
        @cg.task
        def returned():
            tick("returned")
            return {lazy}
    """)
    expected = shape(nb.value(plain))
    assert shape(lab.run(nb.value(lazy))) == expected, "as what is evaluated"
    assert shape(lab.run(nb.value(f"same({lazy})"))) == expected, "as an argument"
    assert shape(lab.run(nb.value("returned()"))) == expected, "as a result"
    assert shape(lab.run(nb.value("same(returned())"))) == expected, "as a result handed on"
    lab.ran()
    assert shape(lab.run(nb.value(f"[{lazy}, same({lazy}), same(returned())]"))) == (
        "list",
        [expected] * 3,
    )
    assert lab.ran() == {}


PLAIN: list[Any] = [
    OrderedDict([("b", 1), ("a", 2)]),
    defaultdict(list, {"a": [1]}),
    {"empty": [(), [], {}, set(), frozenset()]},
    {None: 1, (1, "x"): 2, 1.5: 3, True: 4},
]


@pytest.mark.parametrize(
    "value",
    PLAIN,
    ids=["OrderedDict", "defaultdict", "empties", "keys"],
)
def test_plain_containers_come_through_a_call_as_they_are(
    lab: Lab, nb: Notebook, value: Any
) -> None:
    nb.run(SHAPES)
    for _ in range(2):
        out = lab.run(nb["same"](value))
        assert shape(out) == shape(value)
        if isinstance(value, defaultdict):
            assert out.default_factory is list
    assert lab.ran() == {"same": 1}


class Point(NamedTuple):
    x: int
    y: int


def test_a_container_subclass_without_lazies_is_kept(lab: Lab) -> None:
    found = lab.run([Point(1, 2)])
    assert found == [Point(1, 2)]
    assert type(found[0]) is Point


def test_indexing_a_lazy_feeds_two_calls(lab: Lab, nb: Notebook) -> None:
    nb.run(RECORD)
    nb.run("""
        @cg.task
        def branch(x):
            r = record(x)
            return [inc(r["a"]), inc(r["b"][-1]), r["deep"]["t"][0]]
    """)
    assert lab.run(nb.value("branch(1)")) == [2, 3, 1]
    assert lab.ran() == {"record": 1, "inc": 2}


def test_a_missing_key_fails_when_evaluated(lab: Lab, nb: Notebook) -> None:
    nb.run(RECORD)
    lazy = nb.value("inc(record(1)['nothing'])")
    error = lab.failure(lazy)
    assert isinstance(user_error(error), KeyError)
    assert "nothing" in str(error)
    assert lab.ran() == {"record": 1}


NOUT = """
from typing import Tuple

@cg.task
def pair(x) -> tuple[int, str]:
    tick("pair")
    return x, str(x)

@cg.task
def typed(x) -> Tuple[int, int, int]:
    return x, x, x

@cg.task(nout=3)
def three(x):
    tick("three")
    return [x, x + 1, x + 2]

@cg.task(nout=0)
def none():
    return ()

@cg.task
def many(x) -> tuple[int, ...]:
    return x, x

@cg.task
def one(x):
    return [x]
"""


def test_several_results_unpack_before_evaluation(lab: Lab, nb: Notebook) -> None:
    nb.run(NOUT)
    nb.run("""
        number, text = pair(4)
        a, *rest = three(number)
        x, y, z = typed(1)
        nothing = [*none()]
    """)
    assert lab.run(nb.value("[text, a, rest, number, x, z, nothing]")) == [
        "4", 4, [5, 6], 4, 1, 1, [],
    ]  # fmt: skip
    assert lab.ran() == {"pair": 1, "three": 1}
    assert len(nb.value("three(1)")) == 3
    assert len(nb.value("none()")) == 0


@pytest.mark.parametrize("call", ["one(1)", "many(1)", "pair(1)[0]", "one.options(retries=1)(1)"])
def test_without_a_known_length_iteration_is_an_error(nb: Notebook, call: str) -> None:
    nb.run(NOUT)
    with pytest.raises(TypeError, match="evaluate") as caught:
        list(nb.value(call))
    assert isinstance(caught.value, cg.GraphError)


def test_the_error_of_iteration_offers_nout(nb: Notebook) -> None:
    nb.run(NOUT)
    with pytest.raises(TypeError, match="nout"):
        _a, _b = nb.value("one(1)")


@pytest.mark.parametrize("nout", [-1, 1.5, "2", True])
def test_nout_is_a_count(nb: Notebook, nout: object) -> None:
    with pytest.raises(cg.ConfigError, match="nout"):
        nb.run(f"@cg.task(nout={nout!r})\ndef f(x):\n    return x")


def test_nout_by_call_option(lab: Lab, nb: Notebook) -> None:
    nb.run(NOUT)
    nb.run("a, b = many.options(nout=2)(1)")
    assert lab.run(nb.value("[a, b]")) == [1, 1]


def test_a_result_of_another_length_than_nout_fails(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(nout=2)
        def wrong():
            return [1, 2, 3]

        a, b = wrong()
    """)
    # As unpacking three values into two names does in Python.
    error = lab.failure(nb.value("[a, b]"))
    assert isinstance(user_error(error), (ValueError, TypeError, cg.GraphError))
    assert "nout" in str(error)
