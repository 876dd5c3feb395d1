"""What a sub-graph inherits: options and context, from a call to the calls its body makes."""

from collections.abc import Mapping
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = {}


class Environment:
    """Inherited options and context. Interned per run, so that equal ones are the same object."""

    __slots__ = ("_children", "context", "inherit", "tag")

    def __init__(self, inherit: Mapping[str, Any], context: Mapping[str, Any], tag: bytes) -> None:
        self.inherit = inherit
        self.context = context
        self.tag = tag  # joins graph keys: b"" for the empty context
        self._children: dict[bytes, Environment] = {}

    @classmethod
    def root(cls) -> "Environment":
        """The environment of what the user evaluates."""
        return cls(_NOTHING, _NOTHING, b"")

    def below(
        self, inherit: Mapping[str, Any] | None, context: Mapping[str, Any] | None
    ) -> "Environment":
        """Return this environment with more said; the same object when nothing is."""
        if not inherit and not context:
            return self
        merged = merge(self.context, context or _NOTHING)
        options = {**self.inherit, **(inherit or _NOTHING)}
        tag = _tag(options, merged)
        child = self._children.get(tag)
        if child is None:
            child = self._children[tag] = Environment(options, merged, _tag({}, merged))
        return child

    def look_up(self, path: str, default: object) -> object:
        """The context's value at a dotted path."""
        value: Any = self.context
        for part in path.split("."):
            level: object = value
            if not isinstance(level, Mapping) or part not in level:
                return default
            value = value[part]
        return value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; *over* wins."""
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[name] = merge(below, value) if both else value  # type: ignore[arg-type]  # checked
    return merged


def _tag(options: Mapping[str, Any], context: Mapping[str, Any]) -> bytes:
    from cellgraph.identity.values import reference  # only when there is something to name

    if not options and not context:
        return b""
    named = sorted((name, repr(value)) for name, value in options.items())
    return reference((named, dict(context)))
