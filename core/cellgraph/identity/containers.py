"""Encoding of list, tuple, dict, set and frozenset: the quick, recursive walk.

Below `PACK_MIN` parts the encoders write their parts one by one; `body` decides for longer ones.
Order counts in dicts (a task may look at it) and not in sets.
"""

from collections.abc import Sequence
from typing import Any, Final

from cellgraph.identity.packing import PACK_MIN, pack, unpack
from cellgraph.identity.reading import Build, Reader, decoders, made_by, openers
from cellgraph.identity.tables import Encoder, Split, Splitter, encoders, splitters
from cellgraph.identity.wire import (
    FOLD_BYTES,
    MAX_DEPTH,
    Encoded,
    Pass,
    Restart,
    fold,
    join,
    length,
)

_SORTABLE: Final = frozenset({int, str, bytes})


def body(xs: Sequence[Any], depth: int, p: Pass, *, unordered: bool = False) -> Encoded:
    """Encode a group of parts at *depth*."""
    if len(xs) >= PACK_MIN:
        packed = packed_group(xs, p, unordered=unordered)
        if packed is not None:
            return packed
    if unordered:
        return join((b"g", length(len(xs)), *_sorted_parts(xs, depth, p)))
    parts: list[Encoded] = [b"g", length(len(xs))]
    parts += [encoders[type(x)](x, depth, p) for x in xs]
    return join(parts)


def packed_group(xs: Sequence[Any], p: Pass, *, unordered: bool) -> Encoded | None:
    """Return the packed form of a group that is long enough for one, or None."""
    if unordered:
        types = set(map(type, xs))
        if len(types) != 1 or not types <= _SORTABLE:
            return None
        xs = sorted(xs)
    return pack(xs, p)


def _sorted_parts(xs: Sequence[Any], depth: int, p: Pass) -> list[Encoded]:
    mark = 0 if p.buffers is None else len(p.buffers)
    parts = [encoders[type(x)](x, depth, p) for x in xs]
    order = sorted(range(len(parts)), key=lambda i: _identity(parts[i]))
    if p.buffers is None or len(p.buffers) == mark:
        return [parts[i] for i in order]
    # Buffers lie in the order of iteration, which depends on the hash seed: store again, sorted.
    del p.buffers[mark:]
    p.slots = {b.digest: i for i, b in enumerate(p.buffers)}
    seen, p.seen = p.seen, set()  # the first round has noted every part already
    parts = [encoders[type(xs[i])](xs[i], depth, p) for i in order]
    p.seen = seen
    return parts


def _identity(e: Encoded) -> bytes:
    return e if isinstance(e, bytes) else e[0]


def _sequence_encoder(tag: bytes, *, mutable: bool) -> Encoder:
    heads = [tag + b"g" + length(n) for n in range(PACK_MIN)]

    def encode(value: Sequence[Any], depth: int, p: Pass) -> Encoded:
        if depth > MAX_DEPTH:
            raise Restart
        if mutable and p.seen is not None:
            p.once(value)
        depth += 1
        n = len(value)
        if n >= PACK_MIN:
            return fold(join((tag, body(value, depth, p))), p)
        parts: list[Encoded] = [heads[n]]
        for x in value:
            parts.append(encoders[type(x)](x, depth, p))  # noqa: PERF401  # a call less than a comprehension
        whole = join(parts)
        if type(whole) is bytes and len(whole) <= FOLD_BYTES:
            return whole
        return fold(whole, p)

    return encode


_PAIRS: Final = [b"g" + length(n) for n in range(PACK_MIN)]
_DICTS: Final = [b"{g" + length(n) for n in range(PACK_MIN)]


def _dict(value: dict[Any, Any], depth: int, p: Pass) -> Encoded:
    if depth > MAX_DEPTH:
        raise Restart
    if p.seen is not None:
        p.once(value)
    depth += 1
    n = len(value)
    if n >= PACK_MIN:
        return fold(
            join((b"{", body(list(value), depth, p), body(list(value.values()), depth, p))), p
        )
    parts: list[Encoded] = [_DICTS[n]]
    for x in value:
        parts.append(encoders[type(x)](x, depth, p))  # noqa: PERF401  # a call less than a comprehension
    parts.append(_PAIRS[n])
    for x in value.values():
        parts.append(encoders[type(x)](x, depth, p))  # noqa: PERF401  # a call less than a comprehension
    whole = join(parts)
    if type(whole) is bytes and len(whole) <= FOLD_BYTES:
        return whole
    return fold(whole, p)


def _set_encoder(tag: bytes, *, mutable: bool) -> Encoder:
    def encode(value: set[Any] | frozenset[Any], depth: int, p: Pass) -> Encoded:
        if depth > MAX_DEPTH:
            raise Restart
        if mutable:
            p.once(value)
        return fold(join((tag, body(list(value), depth + 1, p, unordered=True))), p)

    return encode


encoders.update(
    {
        list: _sequence_encoder(b"[", mutable=True),
        tuple: _sequence_encoder(b"(", mutable=False),
        dict: _dict,
        set: _set_encoder(b"<", mutable=True),
        frozenset: _set_encoder(b">", mutable=False),
    }
)


def _splitter(tag: bytes, *, unordered: bool = False, mutable: bool = False) -> Splitter:
    def split(value: Any, p: Pass) -> Split:
        parts = list(value) if unordered else value
        early = mutable and not unordered
        return Split(tag, tag, (parts,), unordered=unordered, early=early, mutable=mutable)

    return split


def _split_dict(value: dict[Any, Any], p: Pass) -> Split:
    return Split(b"{", b"{", (list(value), list(value.values())), early=True)


splitters.update(
    {
        list: _splitter(b"[", mutable=True),
        tuple: _splitter(b"("),
        dict: _split_dict,
        set: _splitter(b"<", unordered=True, mutable=True),
        frozenset: _splitter(b">", unordered=True),
    }
)


def read_body(r: Reader) -> list[Any]:
    """Read a group of parts by recursion."""
    packed = unpack(r)
    if packed is not None:
        return packed
    n = r.length()
    out: list[Any] = []
    data = r.data
    for _ in range(n):  # `read`, without its call
        tag = data[r.pos]
        r.pos += 1
        out.append(decoders[tag](r))
    return out


def read_composite(r: Reader, build: Build) -> Any:
    """Read the groups that follow a head and put the composite together."""
    return build.finish([read_body(r) for _ in range(build.groups)])


def _open_list(r: Reader) -> Build:
    blank: list[Any] = []

    def finish(groups: list[list[Any]]) -> list[Any]:
        blank.extend(groups[0])
        return blank

    return Build(1, finish, blank)


def _open_dict(r: Reader) -> Build:
    blank: dict[Any, Any] = {}

    def finish(groups: list[list[Any]]) -> dict[Any, Any]:
        blank.update(zip(groups[0], groups[1], strict=True))
        return blank

    return Build(2, finish, blank)


openers[ord("[")] = _open_list
openers[ord("(")] = made_by(tuple)
openers[ord("{")] = _open_dict
openers[ord("<")] = made_by(set)
openers[ord(">")] = made_by(frozenset)

decoders[ord("[")] = read_body
decoders[ord("(")] = lambda r: tuple(read_body(r))
decoders[ord("{")] = lambda r: dict(zip(read_body(r), read_body(r), strict=True))
decoders[ord("<")] = lambda r: set(read_body(r))
decoders[ord(">")] = lambda r: frozenset(read_body(r))
