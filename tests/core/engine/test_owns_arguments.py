"""A task owns what it receives: nothing it changes in place is seen by anybody else."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

MAKERS = """
import numpy as np
import pandas as pd
from dataclasses import dataclass, field

@dataclass
class Box:
    items: list
    table: dict = field(default_factory=dict)

class Plain:
    def __init__(self):
        self.items = [1, 2, 3]
        self.array = np.arange(4)

def make_frame():
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]}, index=[5, 6, 7])

def make_big_frame():
    return pd.DataFrame({"a": np.arange(5_000.0), "b": np.arange(5_000)})

def make_array():
    return np.arange(6).reshape(2, 3)

def make_big_array():
    return np.arange(50_000.0)

def make_list():
    return [[1, 2], {"k": [3]}]

def make_dict():
    return {"a": [1, 2], "b": {"c": np.arange(3)}}

def make_set():
    return {1, 2, 3}

def make_box():
    return Box([1, 2, 3], {"k": [1]})

def make_object():
    return Plain()

def make_series():
    return pd.Series([1, 2, 3], name="s")

def make_bytes():
    return bytearray(b"abc")

def view(value):
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.to_json(), list(value.index)
    if isinstance(value, np.ndarray):
        return value.shape, float(value.sum())
    if isinstance(value, dict):
        return [(k, view(v)) for k, v in value.items()]
    if isinstance(value, list):
        return [view(v) for v in value]
    if isinstance(value, (Box, Plain)):
        return view(vars(value))
    return sorted(map(str, value)) if isinstance(value, set) else repr(value)

def spoil(value):
    if isinstance(value, pd.DataFrame):
        value["a"] = -1.0
        value["new"] = 1
        value.iloc[0, 1] = 99 if value["b"].dtype.kind == "i" else "changed"
        value.pop("b")
    elif isinstance(value, pd.Series):
        value.iloc[0] = 77
        value.to_numpy(copy=False)
    elif isinstance(value, np.ndarray):
        value += 1000
    elif isinstance(value, bytearray):
        value += b"spoilt"
    elif isinstance(value, dict):
        for inner in list(value.values()):
            spoil(inner)
        value["spoilt"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value.append("spoilt")
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, (Box, Plain)):
        spoil(value.items)
        spoil(vars(value))
    return value
"""

TASKS = """
@cg.task(executor="{executor}")
def make(kind):
    tick("make")
    return MAKE[kind]()

@cg.task(executor="{executor}")
def spoils(value, n):
    tick("spoils")
    return view(spoil(value))

@cg.task(executor="{executor}")
def sees(value, n):
    tick("sees")
    return view(value)

@cg.task(executor="{executor}")
def spoils_and_returns(value):
    tick("spoils_and_returns")
    return spoil(value)
"""

KINDS = ["frame", "big_frame", "array", "big_array", "list", "dict", "set", "box", "object",
         "series", "bytes"]  # fmt: skip


@pytest.fixture(params=["thread", "process"])
def owned(nb: Notebook, request: pytest.FixtureRequest) -> Notebook:
    nb.run(MAKERS)
    nb.run("MAKE = {" + ", ".join(f"{k!r}: make_{k}" for k in KINDS) + "}")
    nb.run(TASKS.format(executor=request.param))
    return nb


def test_consumers_never_meet(lab: Lab, owned: Notebook) -> None:
    """One value, spoilt by some consumers and seen whole by the others, in any order."""
    lazy = owned.value(
        "{k: [spoils(make(k), 1), sees(make(k), 1), spoils(make(k), 2), sees(make(k), 2)]"
        " for k in MAKE}"
    )
    whole = {k: owned["view"](make()) for k, make in owned["MAKE"].items()}
    spoilt = {k: owned["view"](owned["spoil"](make())) for k, make in owned["MAKE"].items()}
    for _ in range(2):
        found = lab.run(lazy)
        for kind in KINDS:
            assert found[kind] == [spoilt[kind], whole[kind]] * 2, kind
    assert lab.ran() == {"make": len(KINDS), "spoils": 2 * len(KINDS), "sees": 2 * len(KINDS)}


def test_what_is_returned_changed_leaves_the_original(lab: Lab, owned: Notebook) -> None:
    lazy = owned.value("{k: [spoils_and_returns(make(k)), make(k)] for k in MAKE}")
    for _ in range(2):
        found = lab.run(lazy)
        for kind, make in owned["MAKE"].items():
            assert owned["view"](found[kind][1]) == owned["view"](make()), kind
            assert owned["view"](found[kind][0]) == owned["view"](owned["spoil"](make())), kind
    assert lab.ran() == {"make": len(KINDS), "spoils_and_returns": len(KINDS)}


def test_the_callers_arguments_stay_as_they_are(lab: Lab, owned: Notebook) -> None:
    given = {k: make() for k, make in owned["MAKE"].items()}
    whole = {k: owned["view"](v) for k, v in given.items()}
    spoils, sees = owned["spoils"], owned["sees"]
    with lab.session() as session:
        found = session.evaluate({k: [spoils(v, 1), sees(v, 1)] for k, v in given.items()})
    assert {k: owned["view"](v) for k, v in given.items()} == whole
    assert {k: v[1] for k, v in found.items()} == whole


def test_what_the_caller_does_to_a_result_reaches_nobody(lab: Lab, owned: Notebook) -> None:
    whole = {k: owned["view"](make()) for k, make in owned["MAKE"].items()}
    lazy = owned.value("{k: make(k) for k in MAKE}")
    for _ in range(2):
        with lab.session() as session:
            for _again in range(2):
                found = session.evaluate(lazy)
                assert {k: owned["view"](v) for k, v in found.items()} == whole
                for value in found.values():
                    owned["spoil"](value)
            seen = session.evaluate({k: owned["sees"](v, 9) for k, v in lazy.items()})
            assert seen == whole
    assert lab.ran() == {"make": len(KINDS), "sees": len(KINDS)}


def test_two_places_of_one_result_are_two_copies(lab: Lab, owned: Notebook) -> None:
    shared = owned.value("make('list')")
    found = lab.run([shared, shared])
    found[0].append("mine")
    assert found[1] == [[1, 2], {"k": [3]}]


def test_a_list_changed_after_the_call_was_built_poisons_nothing(lab: Lab, owned: Notebook) -> None:
    """Whichever of the two states is used, key and value must be of the same."""
    owned.run("""
        @cg.task
        def size(x):
            tick("size")
            return len(x)
    """)
    given: list[Any] = [1, 2]
    lazy = owned["size"](given)
    given.append(3)
    with lab.session() as session:
        assert session.evaluate(lazy) in (2, 3)
        given.append(4)
        assert session.evaluate(owned["size"](given)) == 4
    assert lab.run([owned["size"]([1] * n) for n in (2, 3)]) == [2, 3]
    assert lab.run([owned["size"](list(range(1, n + 1))) for n in (2, 3, 4)]) == [2, 3, 4]


def test_an_array_changed_between_two_runs_is_another_argument(lab: Lab, owned: Notebook) -> None:
    owned.run("""
        @cg.task
        def total(x):
            return float(np.asarray(x).sum())
    """)
    array = np.arange(1_000.0)
    frame = pd.DataFrame({"a": array.copy()})
    with lab.session() as session:
        first = session.evaluate([owned["total"](array), owned["total"](frame)])
        array[0] = 5_000.0
        frame.loc[0, "a"] = 5_000.0
        second = session.evaluate([owned["total"](array), owned["total"](frame)])
    assert (first, second) == ([499_500.0] * 2, [504_500.0] * 2)
    assert lab.run([owned["total"](array), owned["total"](frame)]) == second


def test_a_returned_value_passed_in_again_is_hashed_again(lab: Lab, owned: Notebook) -> None:
    with lab.session() as session:
        array = session.evaluate(owned.value("make('array')"))
        before = session.evaluate(owned["sees"](array, 3))
        array[0, 0] = 100
        assert session.evaluate(owned["sees"](array, 3)) != before
        assert session.evaluate(owned.value("sees(make('array'), 3)")) == before


def test_a_changed_global_is_told_and_not_stored(lab: Lab, nb: Notebook) -> None:
    nb.run("STATE = {'calls': 0}")
    nb.run("""
        @cg.task
        def counts(x):
            tick("counts")
            STATE["calls"] += 1
            return STATE["calls"]
    """)
    for _ in range(2):
        nb.run("STATE = {'calls': 0}")
        lab.run(nb.value("counts(1)"))
    assert lab.ran() == {"counts": 2}


def test_one_expression_evaluated_again_after_its_argument_changed(
    lab: Lab, owned: Notebook
) -> None:
    rows: list[Any] = [1, 2]
    array = np.arange(3)
    lazy = {"rows": owned["sees"](rows, 5), "array": owned["sees"]({"k": [array]}, 5)}
    with lab.session() as session:
        before = session.evaluate(lazy)
        rows.append(3)
        array[0] = 100
        after = session.evaluate(lazy)
    assert after == lab.run(lazy)
    assert after["rows"] != before["rows"]
    assert after["array"] != before["array"]
