"""Imports inside function bodies, and modules as such.

A user's module imported inside a body is known by its source file, loaded or not: the identity of a
call must not change because the call has run and loaded the module. Once it is loaded and differs
from its file (edited and not reloaded, patched), the live module counts instead.
"""

import functools
import importlib.machinery
import os
import sys
from collections.abc import Mapping
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from cellgraph.digest import digest
from cellgraph.errors import IdentityError
from cellgraph.identity.bytecode import MODULE_FACTS, Import
from cellgraph.identity.closure import Node, Remedy, Walk, where
from cellgraph.identity.looks import attributes_of, class_of
from cellgraph.identity.module_source import ModuleSource, is_as_written, module_source
from cellgraph.identity.packages import find_file, origin_of, origin_of_module

# AWS's package, which is on Glue alone and cannot be had in the version that is there: its name
# counts, so that code that imports it is the same code where it is sent from and where it runs.
_ELSEWHERE: Final = frozenset({"awsglue"})
_COMPILED: Final = tuple(importlib.machinery.EXTENSION_SUFFIXES)


def link_outside(walk: Walk, node: Node, label: str, root: ModuleType, deepest: ModuleType) -> None:
    """Add an installed or standard module, read as ``root...deepest.something``."""
    origin = origin_of_module(root)
    if origin.kind != "package" or getattr(root, "__file__", None):
        walk.named(node, label, origin, root.__name__)
    inner = origin_of_module(deepest)
    if inner.distribution != origin.distribution or label not in node.items:  # a namespace package
        walk.named(node, f"{label}:{inner.distribution}", inner, deepest.__name__)


def link_module(walk: Walk, node: Node, label: str, module: ModuleType) -> None:
    """Add a module that is used as a value: installed by name, the user's with all it holds."""
    if origin_of_module(module).kind != "user":
        link_outside(walk, node, label, module, module)
        return
    found = walk.known(id(module))
    if found is None:
        found = Node("module", module.__name__, module, _expand_live)
        walk.remember(id(module), found, module)
    walk.attach(node, label, found)


def _expand_live(walk: Walk, node: Node) -> None:
    file = getattr(node.subject, "__file__", None)
    if isinstance(file, str) and file.endswith(_COMPILED):  # its functions have names only
        walk.leaf(node, "file", "data", _content(file), node.name)
    for name, value in attributes_of(node.subject).items():
        if name not in MODULE_FACTS and not (name.startswith("__") and name.endswith("__")):
            walk.link(node, f"attr:{name}", value)


def link_import(walk: Walk, node: Node, found: Import, namespace: Mapping[str, Any]) -> None:
    """Add an import inside a body; *namespace* is the globals it is relative to."""
    if found == ("importlib", 0, ("import_module",)) and not walk.declared and not walk.lenient:
        raise IdentityError(
            f"from importlib import import_module in {where(node)}: the cache cannot see what it "
            f"imports. Write importlib.import_module(\"name\"). {Remedy.CONSTRUCT}"
        )  # fmt: skip
    name = _absolute(found, namespace)
    if name is None:
        walk.leaf(node, f"import:{'.' * found.level}{found.module}", "absent", b"", found.module)
        return
    link_named_module(walk, node, name)
    if name.partition(".")[0] in _ELSEWHERE:
        return
    for part in found.names:
        if origin_of(name).kind == "user":
            _link_imported(walk, node, name, part)
        else:
            _link_submodule(walk, node, f"{name}.{part}")


def link_named_module(walk: Walk, node: Node, name: str) -> None:
    """Add the module called *name* without importing it."""
    label = f"import:{name}"
    if name.partition(".")[0] in _ELSEWHERE:
        walk.leaf(node, label, "absent", b"", name)
        return
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) if module is not None else find_file(name)
    if file is None and (module is None or hasattr(module, "__path__")):
        walk.leaf(node, label, "absent", b"", name)  # or a namespace, which holds nothing itself
        return
    origin = origin_of(name)
    if origin.kind != "user":
        walk.named(node, label, origin, name)
        return
    source = module_source(file) if file is not None else None
    if module is not None and (source is None or not is_as_written(module, source)):
        link_module(walk, node, label, module)
    elif source is not None:
        walk.attach(node, label, _source_node(walk, name, str(file), source))
    else:  # an extension module that is not loaded
        walk.leaf(node, label, "data", _content(str(file)), name)


def _content(file: str) -> bytes:
    """Digest of a compiled module, read once per version of it; nothing if it is gone."""
    try:
        status = os.stat(file)  # noqa: PTH116  # as often as the module is named
        return _digest_of(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return b""


@functools.lru_cache(maxsize=256)
def _digest_of(file: str, mtime_ns: int, size_bytes: int) -> bytes:
    return digest(Path(file).read_bytes())


def _source_node(walk: Walk, name: str, file: str, source: ModuleSource) -> Node:
    found = walk.known(("source", file))
    if found is None:
        found = Node("source", name, (name, file, source), _expand_source)
        walk.remember(("source", file), found)
    return found


def _expand_source(walk: Walk, node: Node) -> None:
    name, file, source = node.subject
    node.local = source.digest
    is_package = Path(file).stem == "__init__"
    package = name if is_package else name.rpartition(".")[0]
    for found in source.imports:
        link_import(walk, node, found, {"__package__": package})


def _link_imported(walk: Walk, node: Node, module: str, name: str) -> None:
    """``from module import name`` of a user's module: a submodule counts, a task is noted."""
    live: object = getattr(sys.modules.get(module), name, None)
    if getattr(class_of(live), "_cellgraph_task_", False) is True:
        walk.tasks.append((node, f"import:{module}.{name}", live))
    elif live is None or isinstance(live, ModuleType):
        _link_submodule(walk, node, f"{module}.{name}")


def _link_submodule(walk: Walk, node: Node, name: str) -> None:
    if name in sys.modules or find_file(name) is not None:
        link_named_module(walk, node, name)


def _absolute(found: Import, namespace: Mapping[str, Any]) -> str | None:
    if not found.level:
        return found.module
    package = str(namespace.get("__package__") or "")
    package = package or str(namespace.get("__name__", "")).rpartition(".")[0]
    try:
        return resolve_name("." * found.level + found.module, package)
    except (ImportError, ValueError):
        return None
