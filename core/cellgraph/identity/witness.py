"""Whether another walk over a closure would find the same: far quicker than to walk again.

While a walk goes on, its witness notes each place that could hold something else later, and what is
there: names in namespaces and modules, captured cells, what functions carry. As long as every place
holds the very same object, and all objects are of kinds that cannot change otherwise (functions,
plain constants, tuples of those, tasks, installed modules), the closure is the same. When the walk
meets anything else (a list, a class, an instance, a wrapper, ...) the witness falls silent and
vouches for nothing.
"""

import operator
from collections.abc import Callable, Mapping
from types import CellType, FunctionType
from typing import Any, Final

from cellgraph.frames import kinds_of
from cellgraph.identity.annotations import describe_annotations
from cellgraph.identity.looks import class_of
from cellgraph.identity.packages import origin_of_function

MISSING: Final = object()
_CODE: Final = operator.attrgetter("__code__")
_DEFAULTS: Final = operator.attrgetter("__defaults__")
_KEYWORD_DEFAULTS: Final = operator.attrgetter("__kwdefaults__")
_IGNORED: Final = ("__", "_cellgraph_")  # attributes of functions that do not count begin so


class Witness:
    """What one walk looked at. Not to be shared by walks; keeps alive what it has noted."""

    __slots__ = ("_bindings", "_equal", "_identical", "silent")

    def __init__(self, *, silent: bool = False) -> None:
        self._bindings: list[tuple[Any, str, object]] = []
        self._identical: list[tuple[Callable[[Any], object], object, object]] = []
        self._equal: list[tuple[Callable[[Any], object], object, object]] = []
        self.silent = silent

    def holds(self) -> bool:
        """Whether everything is as it was. False also if that cannot be told this way."""
        if self.silent:
            return False
        for held, name, value in self._bindings:
            if held.get(name, MISSING) is not value:
                return False
        for ask, about, value in self._identical:
            if ask(about) is not value:
                return False
        try:
            return all(ask(about) == said for ask, about, said in self._equal)
        except Exception:  # asked of the user's objects; a walk will say what it is
            return False

    def give_up(self) -> None:
        """Fall silent: the walk has met something that can change where nobody looks."""
        self.silent = True

    def binding(self, held: Mapping[str, Any], name: str, value: object) -> None:
        """*name* stands for *value* in a namespace, or for nothing (`MISSING`)."""
        if self.silent:
            return
        if class_of(held) is dict:
            self._bindings.append((held, name, value))
        else:
            self.give_up()

    def identical(self, ask: Callable[[Any], object], about: object) -> None:
        """``ask(about)`` is the object that it is now."""
        if not self.silent:
            self._identical.append((ask, about, ask(about)))

    def equal(self, ask: Callable[[Any], object], about: object) -> None:
        """``ask(about)`` says what it says now. It is ours, and so is what it returns."""
        if not self.silent:
            self._equal.append((ask, about, ask(about)))

    def function(self, func: FunctionType) -> None:
        """Note what *func* carries; the names that its code reads are noted as they are read."""
        if self.silent:
            return
        names = _attribute_names(func)
        if "__wrapped__" in names or not all(name.startswith(_IGNORED) for name in names):
            self.give_up()
        for ask in (_CODE, _DEFAULTS, _KEYWORD_DEFAULTS):
            self.identical(ask, func)
        for cell in func.__closure__ or ():
            self.identical(contents, cell)
        keywords = func.__kwdefaults__
        if keywords:
            self.equal(tuple, keywords)
            for name, value in keywords.items():
                self.binding(keywords, name, value)
        for of in (_attribute_names, _annotated, origin_of_function):
            self.equal(of, func)


NOBODY: Final = Witness(silent=True)  # of the walks that are not to be witnessed


def contents(cell: CellType) -> object:
    """What is in a cell, or `MISSING`."""
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return MISSING


def _attribute_names(func: FunctionType) -> tuple[str, ...]:
    return tuple(func.__dict__)


def _annotated(func: FunctionType) -> tuple[bytes, dict[str, str]]:
    """Everything that identity says of the annotations."""
    if not func.__annotations__:
        return b"", {}
    return describe_annotations(func.__annotations__), kinds_of(func)
