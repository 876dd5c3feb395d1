"""Using a lazy value as if it were computed is an error that says what to do."""

import copy
import functools
import math
import operator
import pickle
import pprint
from collections.abc import Callable, Iterator
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # the package has no types
import numpy as np
import pytest

import cellgraph as cg
from cellgraph.expression import Expression


@cg.task
def give(value: Any) -> Any:
    return value


@cg.task(nout=2)
def two(value: Any) -> tuple[Any, Any]:
    return value, value


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cg.Session]:
    with cg.Session(store=tmp_path_factory.mktemp("protocols")) as session:
        yield session


def kinds() -> list[Any]:
    """One lazy value of each sort."""
    return [
        give(1),
        give(1) + 1,
        give([1])[0],
        give("a").upper,
        give(print)(1),
        cg.cond(True, 1, 2),
        two(1)[0],
        give.partial(1)(),
        cg.control.map_(give, [1]),
    ]


USES: dict[str, Callable[[Any], object]] = {
    "bool": bool,
    "not": operator.not_,
    "if": lambda x: 1 if x else 2,
    "and": lambda x: x and 1,
    "len": len,
    "iter": iter,
    "list": list,
    "star": lambda x: [*x],
    "for": lambda x: [item for item in x],  # noqa: C416  # the statement under test
    "in": lambda x: 3 in x,
    "in a list": lambda x: x in [give(7), give(8)],
    "index": operator.index,
    "range": range,
    "subscript of a list": [1, 2].__getitem__,
    "int": int,
    "float": float,
    "complex": complex,
    "sqrt": math.sqrt,
    "str": str,
    "format": format,
    "f-string": lambda x: f"{x}",
    "f-string with a width": lambda x: f"{x:>10}",
    "str.format": "{}".format,
    "percent": lambda x: "%s" % x,  # noqa: UP031  # the form under test
    "asarray": np.asarray,
    "array of": lambda x: np.array([x], dtype=float),
    "max": lambda x: max(x, 3),
    "sorted": lambda x: sorted([x, give(0)]),
    "chained comparison": lambda x: 0 < x < 3,
    "reversed": reversed,
    "unpack": lambda x: print(*x),
}


@pytest.mark.parametrize("use", USES.values(), ids=list(USES))
@pytest.mark.parametrize("number", range(9))
def test_a_value_is_asked_for(use: Callable[[Any], object], number: int) -> None:
    lazy = kinds()[number]
    with pytest.raises(cg.GraphError, match="evaluate") as caught:
        use(lazy)
    assert isinstance(caught.value, TypeError), "Python's own protocols expect a TypeError"
    assert isinstance(caught.value, cg.CellgraphError)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("use", ["-".join, dict, b"".join], ids=["join", "dict", "bytes"])
def test_where_python_says_it_in_its_own_words(use: Callable[[Any], object]) -> None:
    for lazy in kinds():
        with pytest.raises(TypeError):
            use(lazy)


def test_a_call_of_known_length_has_length_and_no_truth() -> None:
    lazy = two(1)
    assert len(lazy) == 2
    assert len(list(lazy)) == 2
    with pytest.raises(cg.GraphError, match="evaluate"):
        bool(lazy)


@pytest.mark.parametrize("name", ["compute", "collect", "result"])
def test_verbs_of_other_libraries_point_to_evaluate(name: str) -> None:
    for lazy in kinds():
        with pytest.raises(cg.GraphError, match=r"evaluate\("):
            getattr(lazy, name)()


PROTOCOLS = """
_repr_html_ _repr_png_ _repr_svg_ _repr_json_ _repr_markdown_ _repr_mimebundle_ _ipython_display_
_ipython_canary_method_should_not_exist_ __array_interface__ __array_struct__ __array_function__
__array_priority__ __cuda_array_interface__ __dataframe__ __arrow_c_stream__ __arrow_c_array__
__arrow_array__ __dlpack__ __dask_graph__ __fspath__ __enter__ __aenter__ __await__ __aiter__
__next__ __buffer__ __bytes__ __wrapped__ __isabstractmethod__ __set_name__ __get__ __set__
__dataclass_fields__ __attrs_attrs__ _fields __rich__ __rich_console__ __pydantic_validator__
__json__ __html__ __geo_interface__ __sklearn_tags__ __torch_function__ __jax_array__ __code__
__deepcopy__ __getnewargs__ __getnewargs_ex__ __getinitargs__ __dict__ __anything__ _private
""".split()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_protocol_attribute_is_lazy(name: str) -> None:
    for lazy in kinds():
        found = getattr(lazy, name, None)
        assert not isinstance(found, Expression), name
        if name.startswith("_repr_"):
            assert found is None


def test_public_attributes_are_lazy_and_setting_them_is_an_error() -> None:
    lazy = give(1)
    assert hasattr(lazy, "anything")
    with pytest.raises(cg.GraphError, match="evaluate"):
        lazy.value = 3
    with pytest.raises(cg.GraphError, match="evaluate"):
        lazy["a"] = 3
    with pytest.raises(cg.GraphError, match="evaluate"):
        del lazy["a"]


CLONES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    # Reason: the package has no types.
    "cloudpickle": lambda x: pickle.loads(cloudpickle.dumps(x)),  # pyright: ignore[reportUnknownMemberType]
}


@pytest.mark.parametrize("clone", CLONES.values(), ids=list(CLONES))
def test_copies_evaluate_to_the_same(session: cg.Session, clone: Callable[[Any], Any]) -> None:
    shared = give([1, 2])
    for lazy in (
        shared,
        shared[1] + 1,
        cg.cond(give(True), shared, 0),
        give({"a": [shared]}),
        *two(3),
    ):
        copied = clone(lazy)
        assert isinstance(copied, Expression)
        assert session.evaluate(copied) == session.evaluate(lazy)


def test_expressions_hash_by_identity() -> None:
    a, b = give(1), give(1)
    assert len({a, b, a}) == 2
    assert {a: "a"}[a] == "a"
    assert hash(a) == hash(a)


def chain(length: int) -> Any:
    return functools.reduce(lambda x, _: give(x), range(length), give(0))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "lazy",
    [
        chain(50_000),
        functools.reduce(lambda x, _: x + 1, range(50_000), give(0)),
        give(list(range(1_000_000))),
        give("x" * 1_000_000),
        give({i: give(i) for i in range(10_000)}),
        give(np.zeros((1_000, 1_000))),
        give(nested(50_000)),
    ],
    ids=["chain", "operators", "list", "text", "dict", "array", "nested"],
)
def test_the_text_of_an_expression_is_short(lazy: Any) -> None:
    for text in (repr(lazy), repr([lazy]), pprint.pformat(lazy)):
        assert len(text) < 500
        assert "\n" not in text
    with pytest.raises(cg.GraphError) as caught:
        bool(lazy)
    assert len(str(caught.value)) < 500


def test_the_text_names_the_task() -> None:
    assert "give" in repr(give(1))
    assert "give" in repr(give(give(1)) + 3)


def test_printing_and_truth_inside_containers_are_caught() -> None:
    with pytest.raises(TypeError):
        assert [give(1)] == [give(1)]
    with pytest.raises(TypeError):
        any([give(1)])


def test_a_task_is_not_an_expression() -> None:
    with pytest.raises(TypeError):
        len(give)  # type: ignore[arg-type]  # what is tested
    assert give.func(3) == 3
    assert give.__name__ == "give"
    assert give.__wrapped__ is give.func
    assert "give" in repr(give)


def test_evaluate_takes_plain_values_as_they_are(session: cg.Session) -> None:
    assert session.evaluate(3) == 3
    assert session.evaluate([1, {"a": (2,)}]) == [1, {"a": (2,)}]
    assert session.evaluate(None) is None
