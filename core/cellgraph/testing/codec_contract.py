"""What every codec of values promises, as tests to inherit.

    from cellgraph.testing.codec_contract import CodecContract

    class TestPoint(CodecContract):
        def examples(self):
            return [Point(1, 2), Point(1, 3), Point(0, 0, label="origin")]

Subclass at the top level of a test module. Override `equal` where ``==`` does not say whether two
values are equal, and `change` so that independence from later changes is tested, too.
"""

import contextlib
import copy
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.identity.plain import class_of
from cellgraph.identity.values import reference, restore, snapshot


class CodecContract:
    """Round trip, independence, canonical and stable identity of `examples`."""

    def examples(self) -> Sequence[Any]:
        """Values that all differ from one another, made afresh by each call."""
        raise NotImplementedError("return the values to test from examples()")

    def equal(self, left: Any, right: Any) -> bool:
        """Whether two values are equal in everything that matters."""
        return equal_values(left, right)

    def change(self, value: Any) -> bool:
        """Change *value* in place; return False if it cannot be changed."""
        return change_container(value)

    def test_a_value_comes_back_equal(self) -> None:
        for value in self.examples():
            _, payload = snapshot(value)
            for stored in (payload, writable(payload)):
                found: Any = restore(stored)
                assert type(found) is type(value)
                assert self.equal(found, value), f"{value!r} came back as {found!r}"
                assert reference(found) == reference(value)

    def test_reference_and_snapshot_agree(self) -> None:
        for value in self.examples():
            assert snapshot(value)[0] == reference(value)

    def test_a_later_change_does_not_reach_the_payload(self) -> None:
        for value, original in zip(self.examples(), self.examples(), strict=True):
            _, payload = snapshot(value)
            if self.change(value):
                assert self.equal(restore(payload), original)
                assert reference(value) != reference(original), "a change must change the identity"

    def test_what_is_read_back_can_be_changed_alone(self) -> None:
        for value in self.examples():
            _, payload = snapshot(value)
            first, second = restore(payload), restore(payload)
            if self.change(first):
                assert self.equal(second, value)
                assert self.equal(restore(payload), value)

    def test_equal_twins_have_one_identity(self) -> None:
        for value in self.examples():
            for twin in twins_of(value):
                if not self.equal(twin, value):  # pickle may lose something
                    continue
                assert reference(twin) == reference(value), (
                    f"the twin {twin!r} has another identity"
                )

    def test_different_values_have_different_identities(self) -> None:
        found: dict[bytes, Any] = {}
        for value in self.examples():
            other = found.setdefault(reference(value), value)
            assert other is value, f"{value!r} and {other!r} have one identity"

    def test_identity_is_the_same_in_another_process(self) -> None:
        here = [reference(value).hex() for value in self.examples()]
        for seed in ("1", "2"):
            assert _identities_elsewhere(type(self), seed) == here


def equal_values(left: Any, right: Any) -> bool:
    """Equality by ``equals`` where there is one (frames, Arrow), element by element for arrays."""
    if type(left).__module__.partition(".")[0] == "numpy":
        import numpy as np  # only for its values

        return bool(
            left.dtype == right.dtype
            and np.shape(left) == np.shape(right)
            and np.array_equal(left, right, equal_nan=left.dtype.kind in "fcmM")
        )
    if hasattr(left, "equals"):
        return bool(left.equals(right))
    return bool(left == right) or bool(left != left and right != right)  # NaN


def change_container(value: Any) -> bool:
    """Change a built-in container in place; False for any other value."""
    kind = class_of(value)
    if kind in (list, bytearray):
        value.append(1)
    elif kind is dict:
        value["changed"] = 1
    elif kind is set:
        value.add("changed")
    else:
        return False
    return True


def twins_of(value: Any) -> list[Any]:
    """Equal values made in other ways: by deep copy and by pickle, where they are possible."""
    made: list[Any] = []
    with contextlib.suppress(Exception):  # not every value can be copied
        made.append(copy.deepcopy(value))
    with contextlib.suppress(Exception):  # nor pickled
        made.append(pickle.loads(pickle.dumps(value)))
    return made


def writable(payload: Payload) -> Payload:
    """The payload as a store hands it over: its buffers private and writable."""
    return Payload(
        payload.head,
        tuple(Buffer(memoryview(bytearray(b.data)), b.digest) for b in payload.buffers),
    )


_ELSEWHERE = """
import importlib.util, sys
sys.path[:0] = {path!r}
spec = importlib.util.spec_from_file_location({module!r}, {file!r})
module = importlib.util.module_from_spec(spec)
sys.modules[{module!r}] = module
spec.loader.exec_module(module)
from cellgraph.identity.values import reference
for value in getattr(module, {name!r})().examples():
    print(reference(value).hex())
"""


def _identities_elsewhere(contract: type, seed: str) -> list[str]:
    if "." in contract.__qualname__:
        pytest.fail("a CodecContract must be subclassed at the top level of a module")
    program = _ELSEWHERE.format(
        path=[p for p in sys.path if p],
        module=contract.__module__,
        file=str(Path(inspect.getfile(contract)).resolve()),
        name=contract.__name__,
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
