"""Properties of identity and storage over random nested values."""

import copy
import math
import pickle
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellgraph.identity.copying import private_copy
from cellgraph.identity.deep import walk
from cellgraph.identity.plain import class_of
from cellgraph.identity.values import FOLD_BYTES, Referenced, reference, restore, snapshot
from cellgraph.identity.wire import Pass
from cellgraph.testing.codec_contract import writable

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters())
    | st.binary()
    | st.sampled_from(["x" * 1019, "x" * 1020, "x" * 1021, "x" * 1024, "x" * 1025])
)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())


def _containers(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(parts, max_size=12)
        | st.lists(parts, max_size=5).map(tuple)
        | st.dictionaries(keys, parts, max_size=12)
        | st.sets(keys, max_size=12)
        | st.frozensets(keys, max_size=12)
        | st.lists(st.integers(), min_size=6, max_size=300)
        | st.lists(st.none() | st.text(max_size=3), min_size=6, max_size=300)
    )


values = st.recursive(scalars, _containers, max_leaves=30)
relaxed = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _same(left: Any, right: Any) -> bool:
    """Equal in value and type all the way down; NaN equals NaN, signs of zero count."""
    kind = class_of(left)
    if kind is not class_of(right):
        return False
    if isinstance(left, float):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or (left == right and math.copysign(1, left) == math.copysign(1, right))
    if isinstance(left, complex):
        return _same(left.real, right.real) and _same(left.imag, right.imag)
    if kind in (list, tuple):
        return len(left) == len(right) and all(
            _same(a, b) for a, b in zip(left, right, strict=True)
        )
    if kind is dict:
        return _same(list(left), list(right)) and _same(list(left.values()), list(right.values()))
    return bool(left == right)


@relaxed
@given(values)
def test_round_trip(value: Any) -> None:
    ref, payload = snapshot(value)
    for stored in (payload, writable(payload)):
        found = restore(stored)
        assert _same(found, value)
        assert reference(found) == ref
    assert _same(private_copy(value), value)
    assert reference(value) == ref
    assert len(ref) <= FOLD_BYTES


@relaxed
@given(values)
def test_both_walks_agree(value: Any) -> None:
    ref, payload = snapshot(value)
    assert walk(value, Pass(storing=False)) == ref
    p = Pass(storing=True)
    explicit = walk(value, p)
    assert isinstance(explicit, tuple)
    assert explicit[0] == ref
    assert p.buffers is not None
    found = restore(writable(type(payload)(explicit[1], tuple(p.buffers))))
    assert _same(found, value)


@relaxed
@given(values)
def test_copies_have_one_identity(value: Any) -> None:
    assert reference(copy.deepcopy(value)) == reference(value)
    assert reference(pickle.loads(pickle.dumps(value))) == reference(value)


@relaxed
@given(values, values)
def test_identities_are_equal_exactly_when_values_are(left: Any, right: Any) -> None:
    assert (reference(left) == reference(right)) is _same(left, right)


class Held(Referenced):
    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.ref = reference(value)


def _hold(value: Any, choose: Any) -> Any:
    """Replace some containers in *value* by references, as the engine does."""
    kind: Any = class_of(value)
    if kind in (list, tuple, dict, set, frozenset) and choose():
        return Held(value)
    if kind in (list, tuple):
        parts = [_hold(part, choose) for part in value]
        return parts if kind is list else tuple(parts)
    if kind is dict:
        return {key: _hold(part, choose) for key, part in value.items()}
    return value


@relaxed
@given(values, st.randoms(use_true_random=False))
def test_references_stand_for_values(value: Any, random: Any) -> None:
    held = _hold([value, value], lambda: random.random() < 0.3)
    expected = reference([value, value])
    assert (held.ref if isinstance(held, Held) else reference(held)) == expected
