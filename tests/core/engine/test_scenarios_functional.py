"""map and its kin, over lists that may be lazy; partial application."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

from cellgraph import control

TASKS = """
@cg.task
def numbers(n):
    tick("numbers")
    return list(range(n))

@cg.task
def inc(x):
    tick("inc")
    return x + 1

@cg.task
def double(x):
    tick("double")
    return x * 2

@cg.task
def add(a, b, c=0):
    tick("add")
    return a + b + c

@cg.task
def twins(x):
    return [x, x]
"""


def test_map_over_a_lazy_list(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    assert lab.run(nb.value("cg.control.map_(inc, numbers(3))")) == [1, 2, 3]
    assert lab.ran() == {"numbers": 1, "inc": 3}
    assert lab.run(nb.value("cg.control.map_(inc, numbers(4))")) == [1, 2, 3, 4]
    assert lab.ran() == {"numbers": 1, "inc": 1}
    assert lab.run(nb.value("cg.control.map_(inc, [])")) == []


def test_nested_maps_equal_the_composed_map(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    nb.run("""
        @cg.task
        def both(x):
            return double(inc(x))
    """)
    nested = "cg.control.map_(double, cg.control.map_(inc, numbers(3)))"
    assert lab.run(nb.value(nested)) == [2, 4, 6]
    assert lab.ran() == {"numbers": 1, "inc": 3, "double": 3}
    assert lab.run(nb.value("cg.control.map_(both, numbers(3))")) == [2, 4, 6]
    assert lab.ran() == {}


def test_the_method_map_takes_fixed_arguments(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    assert lab.run(nb.value("add.map([1, 2, 3], b=10)")) == [11, 12, 13]
    assert lab.run(nb.value("add.map(numbers(3), b=inc(1), c=100)")) == [102, 103, 104]
    assert lab.run(nb.value("inc.map([inc(1), 5])")) == [3, 6]
    assert lab.ran() == {"add": 6, "numbers": 1, "inc": 3}


def test_starmap_and_flat_map(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    assert lab.run(nb.value("cg.control.starmap(add, [(1, 2), (3, inc(3))])")) == [3, 7]
    assert lab.run(nb.value("cg.control.flat_map(twins, numbers(3))")) == [0, 0, 1, 1, 2, 2]


def test_flatten_zip_and_identity(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    assert lab.run(nb.value("cg.control.flatten([numbers(2), [inc(5)], []])")) == [0, 1, 6]
    assert lab.run(nb.value("cg.control.zip_(numbers(2), [inc(5), 'b'])")) == [(0, 6), (1, "b")]
    assert lab.run(control.identity([1, {"a": 2}])) == [1, {"a": 2}]
    assert lab.run(nb.value("cg.control.identity(inc(1)) + 1")) == 3


def test_a_failure_in_a_map_names_no_other_item(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    error = lab.failure(nb.value("cg.control.map_(inc, [1, 'x', 3])"))
    assert isinstance(user_error(error), TypeError)
    assert lab.ran() == {"inc": 3}
    assert isinstance(user_error(lab.failure(nb.value("inc.map(numbers(2)[0])"))), TypeError)


@pytest.mark.parametrize(
    ("lazy", "value"),
    [
        ("add.partial(1)(2)", 3),
        ("add.partial(1, 2)()", 3),
        ("add.partial(b=5)(1)", 6),
        ("add.partial(b=5)(1, b=7)", 8),
        ("add.partial(1).partial(2, c=3)(c=4)", 7),
        ("add.partial(inc(0))(numbers(3)[2])", 3),
        ("cg.control.map_(add.partial(10), numbers(2))", [10, 11]),
        ("choose(True)(1)", 101),
        ("apply(add.partial(c=inc(6)), [1, 2])", 10),
    ],
)
def test_partial_application(lab: Lab, nb: Notebook, lazy: str, value: object) -> None:
    nb.run(TASKS)
    nb.run("""
        @cg.task
        def choose(flag):
            tick("choose")
            return add.partial(100) if flag else inc

        @cg.task
        def apply(function, args):
            return function(*args)
    """)
    assert lab.run(nb.value(lazy)) == value
    lab.ran()
    assert lab.run(nb.value(lazy)) == value
    assert lab.ran() == {}


def test_partial_application_is_the_same_call(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    assert lab.run(nb.value("add(1, 2)")) == 3
    assert lab.run(nb.value("[add.partial(1)(2), add.partial(b=2)(1)]")) == [3, 3]
    assert lab.ran() == {"add": 1}


def test_arguments_that_do_not_fit_are_an_error(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    for lazy in ("add.partial(1, 2)(3, 4)", "add.partial(x=1)(1, 2)", "add(1)", "inc(y=1)"):
        error: BaseException | None = None
        try:
            lab.run(nb.value(lazy))
        except Exception as raised:
            error = user_error(raised)
        assert isinstance(error, TypeError), lazy
        assert "argument" in str(error), lazy
    assert lab.ran() == {}


def test_closures_over_lazies_are_evaluated_with_the_call(lab: Lab, nb: Notebook) -> None:
    nb.run(TASKS)
    nb.run("""
        @cg.task
        def fold(function, items, start):
            return start if not items else fold(function, items[1:], function(start, items[0]))
    """)
    assert lab.run(nb.value("fold(add, numbers(5), 0)")) == 10
    assert lab.ran() == {"numbers": 1, "add": 5}
