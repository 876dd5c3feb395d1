"""Classes of the user's: bases, metaclass, methods, attributes, annotations and generated parts."""

import enum
import functools
import types
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cellgraph.identity.annotations import describe, describe_annotations
from cellgraph.identity.closure import Node, Walk
from cellgraph.identity.functions import importable_name, link_registry
from cellgraph.identity.looks import as_dict, attributes_of, class_of, is_a
from cellgraph.identity.packages import module_of, origin_of
from cellgraph.identity.records import is_tuple, link_fields, made_by_library
from cellgraph.identity.values import reference

# Set by the interpreter or derived from the rest, and not the same on every Python.
_DERIVED: Final = frozenset(
    "__slotnames__ __module__ __dict__ __weakref__ __doc__ __qualname__ __annotations__ "
    "__annotate__ __annotate_func__ __annotations_cache__ __firstlineno__ "
    "__static_attributes__ __classdictcell__ __abstractmethods__ _abc_impl __parameters__ "
    "__orig_bases__ __type_params__ _is_protocol _is_runtime_protocol "
    "__protocol_attrs__ __non_callable_proto_members__ __callable_proto_members_only__ "
    "__dataclass_fields__ __dataclass_params__ __attrs_attrs__ __attrs_own_setattr__ "
    "__attrs_props__ __readonly_keys__ __mutable_keys__ __closed__ __extra_items__ "
    "__signature__ __class_vars__ __private_attributes__".split()
)
_RECORD: Final = (
    "_fields",
    "_field_defaults",
    "__match_args__",
)  # of a namedtuple: told by its fields
_DESCRIPTORS: Final = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_BARE_METHODS: Final = (staticmethod, classmethod)


def link_class(walk: Walk, node: Node, label: str, cls: type) -> None:
    """Add a class: by name if it is installed, with its whole content if not."""
    if walk.known(id(cls)) is None:
        origin = origin_of(module_of(cls))
        name = importable_name(cls) if origin.kind != "user" else None
        if name is not None:
            walk.named(node, label, origin, name)
            return
    walk.attach(node, label, class_node(walk, cls))


def class_node(walk: Walk, cls: type) -> Node:
    """Return the node of *cls*."""
    found = walk.known(id(cls))
    if found is None:
        found = Node("class", cls.__name__, cls, _expand)
        walk.remember(id(cls), found, cls)
    return found


def _expand(walk: Walk, node: Node) -> None:
    cls: type = node.subject
    node.local = cls.__name__.encode()
    node.doc = _docstring(cls)
    origin = origin_of(module_of(cls))
    if origin.kind == "package":  # made at run time by a library
        walk.named(node, "made by", origin, cls.__module__)
    for at, base in enumerate(cls.__bases__):
        if base is not object:
            walk.link(node, f"base:{at}", base)
    if type(cls) is not type:
        walk.link(node, "metaclass", type(cls))
    generics = getattr(cls, "__orig_bases__", ())
    if "__orig_bases__" in vars(cls):
        said = reference(tuple(describe(base) for base in generics))
        walk.leaf(node, "generic", "annotations", said, None)
    annotations: Any = vars(cls).get("__annotations__")
    if annotations and is_a(annotations, dict):  # types made in C have a descriptor there
        said = describe_annotations({str(k): v for k, v in as_dict(annotations).items()})
        walk.leaf(node, "annotations", "annotations", said, None)
    if issubclass(class_of(cls), enum.EnumMeta):
        _expand_enum(walk, node, cls)
    else:
        link_fields(walk, node, cls)
        _link_namespace(walk, node, cls)


def _docstring(cls: type) -> bytes:
    """The docstring without its indentation, which some versions of Python drop."""
    said = vars(cls).get("__doc__")
    return " ".join(said.split()).encode() if isinstance(said, str) else b""


def _link_namespace(walk: Walk, node: Node, cls: type) -> None:
    fields: Sequence[str] = getattr(cls, "_fields", ())
    named = (*fields, *_RECORD) if is_tuple(cls) else ()
    for name, value in attributes_of(cls).items():
        if name in _DERIVED or name in named or name.startswith("__pydantic_"):
            continue
        if isinstance(value, _DESCRIPTORS) or made_by_library(cls, value):
            continue
        walk.link(node, _label(name, value), value)


def _label(name: str, value: object) -> str:
    return f"{'method' if isinstance(value, types.FunctionType) else 'attribute'}:{name}"


def _expand_enum(walk: Walk, node: Node, cls: Any) -> None:
    """Members in their order, and what the user wrote; the machinery differs between Pythons."""
    if cls.__module__ == "enum":
        return
    members: Mapping[str, Any] = cls.__members__
    walk.data(node, "members", tuple(members))
    boundary = getattr(cls, "_boundary_", None)  # of flags: what happens to unknown bits
    if boundary is not None:
        walk.data(node, "boundary", boundary.name)
    for name, member in members.items():
        walk.link(node, f"attribute:{name}", member.value)
    for name, value in attributes_of(cls).items():
        if name in members or name in _DERIVED:
            continue
        func = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(func, types.FunctionType):
            if not made_by_library(cls, func):
                walk.link(node, _label(name, value), value)
        elif not name.startswith("_") and not isinstance(value, _DESCRIPTORS):
            walk.link(node, _label(name, value), value)  # `enum.nonmember(...)`, a class inside


def link_accessor(walk: Walk, node: Node, label: str, value: Any) -> None:
    """Add the functions of a static or class method, a property, or another accessor."""
    kind = class_of(value)
    if kind is property:
        for part in ("fget", "fset", "fdel"):
            if getattr(value, part) is not None:
                walk.link(node, f"{label}.{part}", getattr(value, part))
        return
    if kind is functools.singledispatchmethod:
        walk.link(node, label, value.func)
        link_registry(walk, node, label, value.dispatcher.registry)
        return
    walk.leaf(node, f"{label} kind", "name", kind.__name__.encode(), kind.__name__)
    walk.link(node, label, value.__func__ if kind in _BARE_METHODS else value.func)
    if kind is functools.partialmethod:
        walk.link(node, f"{label}(...)", (value.args, dict(value.keywords)))
