"""Constructs that reach code by names nobody can know beforehand: found, named, refused."""

import builtins
import importlib
import sys
from typing import Final

from cellgraph.errors import IdentityError
from cellgraph.identity.bytecode import Import, Load
from cellgraph.identity.closure import Node, Remedy, Walk, where
from cellgraph.identity.imports import link_import

_IMPORTERS: Final = {
    id(importlib.import_module): "import_module",
    id(builtins.__import__): "__import__",
}
_READERS: Final = {id(eval): "eval(...)", id(exec): "exec(...)", id(globals): "globals()"}
_WATCHED: Final = frozenset(_IMPORTERS) | frozenset(_READERS) | {id(sys.modules)}
_LITERAL: Final = "literal:"


def is_watched(value: object) -> bool:
    """Whether *value* is a function that can reach any name."""
    return id(value) in _WATCHED


def check_value(walk: Walk, node: Node, load: Load, value: object) -> None:
    """Deal with a load of a watched function. Raises IdentityError unless it is harmless."""
    importer = _IMPORTERS.get(id(value))
    if value is sys.modules:
        if load.access != "contains":  # asking whether something is imported is harmless
            _refuse(walk, node, load, "sys.modules")
    elif importer is None:
        _refuse(walk, node, load, _READERS[id(value)])
    elif not _link_literal(walk, node, load):
        _refuse(walk, node, load, f"{importer}(...) of a name made at run time")


def check_load(walk: Walk, node: Node, load: Load) -> None:
    """Deal with a load that is dynamic by itself. Raises IdentityError unless it is harmless."""
    if "__globals__" in load.attributes:
        _refuse(walk, node, load, "__globals__")
    elif load.scope != "loose":
        module = ".".join((load.name, *load.attributes))
        _refuse(walk, node, load, f"getattr({module}, ...) of a name made at run time")
    elif load.name == "__globals__":
        _refuse(walk, node, load, "__globals__")
    elif not _link_literal(walk, node, load):
        _refuse(walk, node, load, f"{load.name}(...) of a name made at run time")


def _link_literal(walk: Walk, node: Node, load: Load) -> bool:
    name = load.access.removeprefix(_LITERAL)
    if not load.access.startswith(_LITERAL) or name.startswith("."):
        return False
    link_import(walk, node, Import(name, 0, ()), {})
    return True


def _refuse(walk: Walk, node: Node, load: Load, construct: str) -> None:
    if walk.declared or walk.lenient:
        return
    line = None if node.body is None else node.body.line_of(load, node.subject.__code__)
    raise IdentityError(
        f"{construct} in {where(node, line)} may reach any name, so the cache cannot tell when its "
        f"result is out of date. {Remedy.CONSTRUCT}"
    )
