"""The extension point for values: teach Cellgraph a type of your own."""

from collections.abc import Callable
from typing import Any, Final

from cellgraph.errors import ConfigError
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind

_owners: Final[dict[str, str]] = {}


def register_value(
    type: type,  # the promised name of the parameter
    *,
    tag: str,
    version: int,
    encode: Callable[[Any], object],
    decode: Callable[[Any], object],
    identity: Callable[[Any], object] | None = None,
) -> None:
    """Teach Cellgraph a type: how its values are named in keys and kept in the store.

    ``encode(value)`` returns the content as a value Cellgraph knows already (tuples, dicts, arrays,
    frames, ...); ``decode(state)`` makes an equal, fresh value from it. By default the content is
    also the identity; give ``identity(value)`` when part of the content is derived or irrelevant.
    Equal values must have equal identities, in every process and under every hash seed:
    `cellgraph.testing.codec_contract.CodecContract` checks a codec in ten lines.

    ``tag`` is the name under which values are stored: choose it once, with your package's name in
    it. Raise ``version`` whenever ``encode`` or ``identity`` changes meaning: results under the old
    version are then recomputed. Only exactly *type* is covered, not its subclasses. Register at
    import time of the module that defines the type.

        register_value(Point, tag="geo.point", version=1,
                       encode=lambda p: (p.x, p.y), decode=lambda s: Point(*s))

    Raises ConfigError when the tag stands for another type already, or the type is a built-in.
    """
    if not tag or version < 0:
        raise ConfigError("register_value needs a tag and a version of 0 or more")
    if type.__module__ == "builtins":
        raise ConfigError(f"{type.__name__} is encoded by Cellgraph itself: register a subclass")
    named = f"{type.__module__}.{type.__qualname__}"
    owner = _owners.setdefault(tag, named)
    if owner != named:
        raise ConfigError(f"the tag {tag!r} stands for {owner} already: choose another one")
    define(type, Kind("+" + tag, version, encode, decode, identity))
