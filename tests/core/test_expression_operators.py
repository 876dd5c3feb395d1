"""Every operator of Python on a lazy value gives Python's answer, from either side."""

# The standard library's stubs leave the functions of `operator` untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cellgraph as cg
from cellgraph.expression import Expression


@cg.task
def give(value: Any) -> Any:
    return value


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cg.Session]:
    with cg.Session(store=tmp_path_factory.mktemp("operators")) as session:
        yield session


ARITHMETIC: list[tuple[Callable[[Any, Any], Any], Any, Any]] = [
    (operator.add, 7, 2),
    (operator.add, "a", "b"),
    (operator.add, [1], [2]),
    (operator.sub, 7, 2),
    (operator.mul, 7, 2.5),
    (operator.mul, [1, 2], 2),
    (operator.truediv, 7, 2),
    (operator.floordiv, -7, 2),
    (operator.mod, -7, 3),
    (operator.pow, 7, 2),
    (operator.lshift, 7, 2),
    (operator.rshift, 7, 1),
    (operator.and_, 6, 3),
    (operator.and_, {1, 2}, {2, 3}),
    (operator.or_, 6, 3),
    (operator.or_, {"a": 1}, {"b": 2}),
    (operator.xor, 6, 3),
    (divmod, -7, 3),
    (operator.add, Decimal("1.5"), 2),
]
COMPARISONS: list[Callable[[Any, Any], Any]] = [
    operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip


def is_lazy(value: object) -> bool:
    return isinstance(value, Expression)


@pytest.mark.parametrize(("op", "left", "right"), ARITHMETIC)
def test_arithmetic_from_either_side(
    session: cg.Session, op: Callable[[Any, Any], Any], left: Any, right: Any
) -> None:
    lazies = [op(give(left), right), op(left, give(right)), op(give(left), give(right))]
    assert all(is_lazy(lazy) for lazy in lazies)
    values = session.evaluate(lazies)
    expected = op(left, right)
    assert values == [expected] * 3
    assert [type(v) for v in values] == [type(expected)] * 3


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize(("left", "right"), [(1, 2), (2, 2), (3, 2), ("a", "b"), ([1], [1, 0])])
def test_comparisons_from_either_side(
    session: cg.Session, op: Callable[[Any, Any], Any], left: Any, right: Any
) -> None:
    lazies = [op(give(left), right), op(left, give(right)), op(give(left), give(right))]
    assert all(is_lazy(lazy) for lazy in lazies)
    assert session.evaluate(lazies) == [op(left, right)] * 3


def test_unary_operators(session: cg.Session) -> None:
    lazy = [-give(5), +give(-5), ~give(5), abs(give(-5)), round(give(2.567), 1), round(give(2.5))]
    assert all(is_lazy(item) for item in lazy)
    values = session.evaluate(lazy)
    assert values == [-5, -5, -6, 5, 2.6, 2]
    assert type(values[5]) is int


def test_matrix_product(session: cg.Session) -> None:
    a, b = np.arange(6).reshape(2, 3), np.arange(3)
    for lazy in (give(a) @ b, give(a) @ give(b)):
        assert is_lazy(lazy)
        np.testing.assert_array_equal(session.evaluate(lazy), a @ b)
    lazy = a @ give(b)
    assert is_lazy(lazy)
    np.testing.assert_array_equal(session.evaluate(lazy), a @ b)


def test_three_argument_pow_and_divmod_parts(session: cg.Session) -> None:
    assert session.evaluate(divmod(give(17), 5)[1]) == 2
    assert session.evaluate(2 ** give(3) ** 2) == 2**9
    assert session.evaluate(pow(give(7), 3, 5)) == pow(7, 3, 5)


def test_python_falls_back_to_a_reflected_operator_in_the_end(session: cg.Session) -> None:
    """The deferred operator is Python's own, `__radd__` of the value included."""

    class Money:
        def __radd__(self, other: object) -> str:
            return f"{other} and money"

    assert session.evaluate(give(3) + Money()) == "3 and money"


SLICES: list[Any] = [
    slice(None), slice(1, 3), slice(-2, None), slice(None, -1), slice(None, None, -1),
    slice(-3, -1), slice(5, 1, -2), slice(None, 100), slice(3, None), slice(2, 2),
]  # fmt: skip


@pytest.mark.parametrize("key", SLICES, ids=str)
def test_slices_are_true_slices(session: cg.Session, key: slice) -> None:
    for value in ([1, 2, 3, 4, 5, 6], "abcdef", (1, 2, 3), np.arange(6)):
        found = session.evaluate(give(value)[key])
        expected: Any = value[key]
        assert type(found) is type(expected)
        assert list(found) == list(expected)


def test_indices(session: cg.Session) -> None:
    items = [10, 20, 30]
    assert session.evaluate([give(items)[-1], give(items)[0], give({"a": {"b": 1}})["a"]["b"]]) == [
        30, 10, 1,
    ]  # fmt: skip
    grid = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(session.evaluate(give(grid)[1:, ::-1]), grid[1:, ::-1])
    np.testing.assert_array_equal(session.evaluate(give(grid)[..., 0]), grid[..., 0])
    np.testing.assert_array_equal(session.evaluate(give(grid)[[0, 2]]), grid[[0, 2]])


def test_lazy_keys_and_bounds(session: cg.Session) -> None:
    items = [10, 20, 30, 40]
    assert session.evaluate(give(items)[give(1)]) == 20
    assert session.evaluate(give(items)[give(1) : give(-1)]) == [20, 30]
    assert session.evaluate(give({("a", 1): "x"})["a", give(1)]) == "x"


def test_attributes_and_calls(session: cg.Session) -> None:
    assert session.evaluate(give("a,b").upper().split(",")) == ["A", "B"]
    assert session.evaluate(give(3 + 4j).imag) == 4.0
    assert session.evaluate(give("{0}-{x}").format(give(1), x=give(2))) == "1-2"
    assert session.evaluate(give(sorted)([3, 1], reverse=give(True))) == [3, 1]
    frame = pd.DataFrame({"a": [1, 2, 3]})
    assert session.evaluate(give(frame)["a"].sum() + give(frame).shape[0]) == 9


def test_an_attribute_that_is_missing_fails_when_evaluated(session: cg.Session) -> None:
    lazy = give("text").no_such_thing
    with pytest.raises(cg.TaskError, match="no_such_thing") as caught:
        session.evaluate(lazy)
    assert isinstance(caught.value.error, AttributeError)


def test_an_operator_that_fails_names_the_error(session: cg.Session) -> None:
    with pytest.raises(cg.TaskError, match="division by zero") as caught:
        session.evaluate([give(1) / give(0)])
    assert isinstance(caught.value.error, ZeroDivisionError)


def test_numpy_leaves_operators_to_expressions(session: cg.Session) -> None:
    array = np.arange(3)
    operations: list[Callable[[Any, Any], Any]] = [
        operator.add, operator.mul, operator.sub, operator.truediv, operator.floordiv,
        operator.pow, operator.lt, operator.eq, operator.ge, operator.mod,
    ]  # fmt: skip
    for op in operations:
        lazy = op(array, give(2))
        assert is_lazy(lazy), op
        np.testing.assert_array_equal(session.evaluate(lazy), op(array, 2))
        scalar = op(np.float64(3.0), give(2))
        assert is_lazy(scalar), op
        assert session.evaluate(scalar) == op(np.float64(3.0), 2)


def test_pandas_leaves_operators_to_expressions(session: cg.Session) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    lefts: list[Any] = [frame, frame["a"], frame.index]
    operations: list[Callable[[Any, Any], Any]] = [
        operator.add, operator.mul, operator.sub, operator.lt, operator.eq,
    ]  # fmt: skip
    for left in lefts:
        for op in operations:
            lazy = op(left, give(2))
            assert is_lazy(lazy), (type(left), op)
            found, expected = session.evaluate(lazy), op(left, 2)
            assert type(found) is type(expected)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_functions_of_numpy_and_pandas_raise(session: cg.Session) -> None:
    for use in (np.sqrt, np.asarray, np.isnan, pd.isna, pd.Series, pd.to_numeric, pd.DataFrame):
        function: Callable[[Any], Any] = use
        with pytest.raises((cg.GraphError, TypeError)):
            function(give(4.0))
    with pytest.raises((cg.GraphError, TypeError)):
        np.add(np.arange(3), give(1))
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises((cg.GraphError, TypeError)):
        frame["b"] = give([1, 2])


def test_functions_that_ask_their_argument_stay_lazy(session: cg.Session) -> None:
    """`np.sum(x)` calls `x.sum(...)`, which is an expression like any other."""
    lazy: Any = np.sum(give(np.arange(4)))
    assert is_lazy(lazy)
    assert session.evaluate(lazy) == 6


def test_in_place_forms_build_new_lazies(session: cg.Session) -> None:
    total: Any = give(1)
    first = total
    total += 2
    total *= give(3)
    assert session.evaluate([first, total]) == [1, 9]


def test_results_of_operators_are_shared_like_calls(session: cg.Session, tmp_path: Path) -> None:
    log = tmp_path / "ticks"
    log.touch()

    @cg.task(cache=False)
    def once(path: str) -> int:
        with Path(path).open("a") as ticks:
            ticks.write("x")
        return 2

    value = once(str(log))
    assert session.evaluate([value + 1, 1 + value, value * value, -value]) == [3, 3, 4, -2]
    assert log.read_text() == "x"
