"""Classes and functions in stored values: bound to the live ones, named when they have changed."""

import copyreg
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from cellgraph.errors import ClassChanged, CodecError
from cellgraph.identity.binding import meet
from cellgraph.identity.values import reference, restore, snapshot

_MODULE = "cell_of_a_notebook"


def _define(source: str) -> types.ModuleType:
    module = types.ModuleType(_MODULE)
    exec(compile(source, "<cell>", "exec", dont_inherit=True), module.__dict__)
    sys.modules[_MODULE] = module
    return module


@pytest.fixture
def _no_module() -> Any:
    yield
    sys.modules.pop(_MODULE, None)


POINT = """
class Point:
    def __init__(self, x):
        self.x = x
    def size(self):
        return {}
"""


@pytest.mark.usefixtures("_no_module")
def test_a_class_defined_again_unchanged_still_fits() -> None:
    old = _define(POINT.format("abs(self.x)")).Point(3)
    ref, payload = snapshot(old)
    again = _define("# a comment\n" + POINT.format("abs(self.x)  # the size"))
    found: Any = restore(payload)
    assert type(found) is again.Point
    assert found.x == 3
    assert reference(found) == ref


@pytest.mark.usefixtures("_no_module")
def test_a_changed_class_is_named() -> None:
    _, payload = snapshot([_define(POINT.format("abs(self.x)")).Point(3)])
    _define(POINT.format("self.x"))
    with pytest.raises(ClassChanged, match=r"class Point of cell_of_a_notebook has changed"):
        restore(payload)


@pytest.mark.usefixtures("_no_module")
def test_a_class_that_is_gone_is_named() -> None:
    _, payload = snapshot([_define(POINT.format("abs(self.x)")).Point(3)])
    delattr(sys.modules[_MODULE], "Point")
    with pytest.raises(ClassChanged, match=r"class Point .* is not defined"):
        restore(payload)


@pytest.mark.usefixtures("_no_module")
def test_a_class_no_module_leads_to_is_found_when_made_known() -> None:
    """A worker rebuilds the classes of a notebook where nobody can import them."""
    module = _define(POINT.format("abs(self.x)"))
    _, payload = snapshot(module.Point(3))
    del sys.modules[_MODULE]
    with pytest.raises(ClassChanged):
        restore(payload)
    meet(module.Point, "no class")
    assert type(restore(payload)) is module.Point


def test_classes_and_functions_without_a_name_cannot_be_stored() -> None:
    class Local:
        pass

    for value, name in ((Local(), "Local"), ([lambda: 1], "<lambda>"), (Local, "Local")):
        assert reference(value)
        with pytest.raises(CodecError, match=f"{name} cannot be stored.*top level"):
            snapshot(value)


def test_functions_are_named_by_their_code() -> None:
    def adder(n: int) -> Callable[[int], int]:
        return lambda x: x + n

    assert reference(adder(1)) == reference(adder(1))
    assert reference(adder(1)) != reference(adder(2))


def test_rules_registered_with_copyreg_are_followed() -> None:
    class Sealed:
        pass

    def reduce(value: Any) -> Any:
        return str, ("sealed",)

    copyreg.pickle(Sealed, reduce)
    assert reference(Sealed()) != reference("sealed")
    assert restore(snapshot([Sealed()])[1]) == ["sealed"]
