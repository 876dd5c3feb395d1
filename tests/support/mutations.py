"""Every example of every codec, and tasks that make one and change what they receive.

The tasks are code of a notebook: no other process can import them, they travel by value.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from tests.core import (
    test_codec_arrow,
    test_codec_numpy,
    test_codec_pandas,
    test_codec_polars,
    test_codec_register,
    test_codec_scipy,
    test_codec_stdlib,
)

import cellgraph as cg
from cellgraph.identity.plain import class_of
from cellgraph.identity.values import reference
from cellgraph.testing.codec_contract import CodecContract, change_container
from cellgraph.testing.executor_lab import user_code


class Frames(CodecContract):
    """A frame and a series of every kind of column."""

    def examples(self) -> list[Any]:
        frame = test_codec_pandas.wide_frame()
        return [frame, *(frame[[name]] for name in frame), *(frame[name] for name in frame)]

    def change(self, value: Any) -> bool:
        if value.ndim == 2:
            value["changed"] = 1
        else:
            value.name = "changed"
        return True


def _contracts(*modules: ModuleType) -> dict[str, type[CodecContract]]:
    found: dict[str, type[CodecContract]] = {}
    for module in modules:
        kind = module.__name__.rpartition("_")[2]
        for each in vars(module).values():
            if not isinstance(each, type) or each is CodecContract:
                continue
            if issubclass(each, CodecContract):
                found[f"{kind}.{each.__name__}"] = each
    return found


CONTRACTS: Final = {
    **_contracts(
        test_codec_arrow,
        test_codec_numpy,
        test_codec_pandas,
        test_codec_polars,
        test_codec_register,
        test_codec_scipy,
        test_codec_stdlib,
    ),
    "pandas.Frames": Frames,
}


def change_value(value: Any, name: str) -> tuple[bool, str]:
    """Change *value* in every way known; return whether a way worked and what was refused."""
    refused = ""
    if name == "pandas.Frames":
        try:
            value.iloc[0] = value.iloc[2]  # in the memory of the columns
        except Exception as error:  # pandas cannot set an item of every kind of column
            refused = f"{type(error).__name__}: {error}"
    return CONTRACTS[name]().change(value) or _change_standard(value), refused


def _change_standard(value: Any) -> bool:
    """Change a mutable value of the standard library; False for any other."""
    kind = class_of(value)
    if kind in (OrderedDict, defaultdict, Counter):
        value["changed"] = 1
    elif kind is deque:
        value.append("changed")
    elif kind is SimpleNamespace:
        value.changed = 1
    else:
        return change_container(value)
    return True


_CODE: Final = """
import cellgraph as cg
from cellgraph.identity.values import reference
from tests.support.mutations import CONTRACTS, change_value

@cg.task(version="1")
def make(name, i):
    return CONTRACTS[name]().examples()[i]

@cg.task(version="1", cache=False)
def change(value, name, who):
    before = reference(value).hex()
    return (before, *change_value(value, name), reference(value).hex())
"""


class Mutations:
    """Two consumers of each example; `options` are those of every call."""

    def __init__(self, **options: Any) -> None:
        made = user_code(_CODE, "notebook_of_mutations")
        make, change = made["make"].options(**options), made["change"].options(**options)
        self.places: Final = [
            (name, i, value) for name, c in CONTRACTS.items() for i, value in _numbered(c)
        ]
        self.made: Final = [make(name, i) for name, i, _ in self.places]
        self._wanted: Final = [reference(value).hex() for *_, value in self.places]
        self._calls: Final = [
            [change(made, name, who) for who in (1, 2)]
            for made, (name, *_) in zip(self.made, self.places, strict=True)
        ]

    def outcome(self, session: cg.Session, *, made: int = 0) -> list[Any]:
        """What all consumers saw and did; so many of the examples are computed, others found."""
        run = session.submit(self._calls)
        found: list[Any] = run.result()
        assert run.counts.executed == made + 2 * len(self.places)
        for (name, i, _), wanted, (one, two) in zip(self.places, self._wanted, found, strict=True):
            assert one == two, f"two consumers of {name} {i} saw different values"
            before, changed, _, after = one
            assert before == wanted, f"{name} {i} was received as another value"
            assert (before != after) == changed
        changed = {name for (name, *_), (one, _) in zip(self.places, found, strict=True) if one[1]}
        assert {"numpy.TestArrays", "pandas.Frames", "stdlib.TestStandardValues"} <= changed
        return found

    def check_stored(self, session: cg.Session) -> None:
        """What is stored is what was made, whatever the consumers did."""
        run = session.submit(self.made)
        for (name, i, wanted), found in zip(self.places, run.result(), strict=True):
            assert type(found) is type(wanted)
            assert CONTRACTS[name]().equal(found, wanted), f"{name} {i} is stored as another value"
        assert run.counts.executed == 0


def _numbered(contract: type[CodecContract]) -> Sequence[tuple[int, Any]]:
    return list(enumerate(contract().examples()))
