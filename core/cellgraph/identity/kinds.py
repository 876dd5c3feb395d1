"""Kinds: types whose content is stated as a plain value; their table, encoder and decoder."""

import importlib
from typing import Any, Final, Protocol

from cellgraph.errors import CodecError
from cellgraph.identity.containers import body
from cellgraph.identity.deep import storage_of
from cellgraph.identity.reading import Build, Reader, decoders, openers, read, refuse_code
from cellgraph.identity.tables import Encoder, Kind, Pickled, Split, Splitter, encoders, splitters
from cellgraph.identity.wire import MAX_DEPTH, Encoded, Pass, Restart, fold, join


class Provider(Protocol):
    """A module of codecs, loaded when one of its types, or one of its stored values, is met.

    Importing it calls `define` for its types. `resolve` answers for the others.
    """

    def resolve(self, cls: type) -> Kind | None:
        """Return the kind of *cls*, a type of this library or a subclass of one, if it has one."""
        ...


# Top-level module of a type, or first part of a kind's name -> the module that knows it.
_PROVIDERS: Final = {
    "cellgraph": "cellgraph.files",
    "datasets": "cellgraph.datasets",
    "numpy": "cellgraph.codecs.numpy",
    "pandas": "cellgraph.codecs.pandas",
    "pyarrow": "cellgraph.codecs.arrow",
    "polars": "cellgraph.codecs.polars",
    "scipy": "cellgraph.codecs.scipy_sparse",
    **dict.fromkeys(
        (
            "_decimal", "_pydecimal", "builtins", "collections", "datetime", "decimal", "fractions",
            "pathlib", "std", "types", "uuid", "zoneinfo",
        ),
        "cellgraph.codecs.stdlib",
    ),
}  # fmt: skip
_INSTANCES: Final = "cellgraph.identity.instances"
_ONE: Final = b"g\x01"  # a group of one part follows

_kinds: Final[dict[str, Kind]] = {}
_by_class: Final[dict[type, Kind]] = {}


def define(cls: type, kind: Kind) -> None:
    """Encode exactly *cls* as *kind*. For types of installed libraries, which live for ever."""
    _kinds[kind.name] = _by_class[cls] = kind
    encoders[cls], splitters[cls] = _handlers(kind)


def declare(kind: Kind) -> Kind:
    """Make *kind* readable; `resolve` says which types use it."""
    _kinds[kind.name] = kind
    return kind


def kind_of(cls: type) -> Kind | None:
    """Return the kind of *cls*; None for plain containers, scalars and instances."""
    known = _by_class.get(cls)
    return _find_kind(cls) if known is None else known


def handlers_of(cls: type) -> tuple[Encoder, Splitter]:
    """Find the encoder and splitter of a type nobody has asked for yet."""
    kind = _find_kind(cls)
    if kind is not None:
        return _handlers(kind)
    split: Splitter = importlib.import_module(_INSTANCES).split_instance
    return lambda value, depth, p: _encode_instance(split, value, depth, p), split


def _find_kind(cls: type) -> Kind | None:
    for base in cls.__mro__:
        path = _PROVIDERS.get(base.__module__.partition(".")[0])
        if path is None:
            continue
        provider: Any = importlib.import_module(path)
        kind: Kind | None = _by_class.get(cls) or provider.resolve(cls)
        if kind is not None:
            return kind
    return None


def _encode_instance(split: Splitter, value: Any, depth: int, p: Pass) -> Encoded:
    s = split(value, p)
    if s.mutable:
        p.once(value)
    return encode_split(s, depth, p)


def _handlers(kind: Kind) -> tuple[Encoder, Splitter]:
    head, encode, mutable = kind.head, kind.encode, kind.mutable

    def quick(value: Any, depth: int, p: Pass) -> Encoded:
        if mutable:
            p.once(value)
        if depth > MAX_DEPTH:
            raise Restart
        state = encode(value)
        if p.seen is not None:
            p.keep.append(state)
        return fold(join((head, _ONE, encoders[type(state)](state, depth + 1, p))), p)

    def split(value: Any, p: Pass) -> Split:
        state = encode(value)
        p.keep.append(state)
        return Split(head, head, ((state,),), mutable=mutable)

    if kind.identity is None:
        return quick, split
    return _handlers_with_identity(kind)


def _handlers_with_identity(kind: Kind) -> tuple[Encoder, Splitter]:
    """Two states: one names the value, the other stores it."""
    head, encode, identity, mutable = kind.head, kind.encode, kind.identity, kind.mutable
    assert identity is not None  # the caller chose by it

    def split(value: Any, p: Pass) -> Split:
        name = identity(value)
        p.keep.append(name)
        if p.buffers is None:
            return Split(head, b"", ((name,),), leaf=True, mutable=mutable)
        stored = head + _ONE + _stored(encode(value), p)
        return Split(head, stored, ((name,),), leaf=True, mutable=mutable)

    def quick(value: Any, depth: int, p: Pass) -> Encoded:
        if mutable:
            p.once(value)
        return encode_split(split(value, p), depth, p)

    return quick, split


def _stored(state: object, p: Pass) -> bytes:
    if not isinstance(state, Pickled):
        return storage_of(state, p)
    from cellgraph.codecs.pickled import pickled  # loaded when something needs it

    return pickled(state.value, p)


def encode_split(s: Split, depth: int, p: Pass) -> Encoded:
    """Encode a composite by recursion."""
    if depth > MAX_DEPTH:
        raise Restart
    if not s.leaf:
        same = p.buffers is None or s.identity is s.storage
        head: Encoded = s.identity if same else (s.identity, s.storage)
        groups = [body(group, depth + 1, p, unordered=s.unordered) for group in s.groups]
        return fold(join((head, *groups)), p)
    q = p.identity_only()
    groups = [body(group, depth + 1, q, unordered=s.unordered) for group in s.groups]
    whole = fold(join((s.identity, *groups)), q)
    assert isinstance(whole, bytes)  # a pass for identity only makes no pairs
    return whole if p.buffers is None else (whole, s.storage)


def _kind_named(name: str) -> Kind:
    kind = _kinds.get(name)
    if kind is None and (path := _PROVIDERS.get(name.partition(".")[0])) is not None:
        try:
            importlib.import_module(path)
        except ImportError as error:
            raise CodecError(f"a stored value needs {name.partition('.')[0]}: {error}") from error
        kind = _kinds.get(name)
    if kind is None:
        advice = f"import the module that registers {name[1:]!r}" if name[:1] == "+" else "upgrade"
        raise CodecError(f"a stored value is of a kind nobody has registered ({name}): {advice}")
    return kind


def _open_kind(r: Reader) -> Build:
    kind = _kind_named(r.take(r.length()).decode())
    if not r.code and not kind.data:
        raise refuse_code(f"the codec {kind.name.lstrip('+')}")
    version = r.length()
    if version != kind.version:
        raise CodecError(
            f"a stored {kind.name.lstrip('+')} has version {version} of its encoding, this is "
            f"version {kind.version}: evaluate again to recompute it"
        )

    def finish(groups: list[list[Any]]) -> Any:
        return kind.decode(groups[0][0])

    return Build(1, finish)


def _read_kind(r: Reader) -> Any:
    build = _open_kind(r)
    r.pos += len(_ONE)
    return build.finish([[read(r)]])


openers[ord("x")] = _open_kind
decoders[ord("x")] = _read_kind
