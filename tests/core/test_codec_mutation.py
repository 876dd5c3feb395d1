"""Every example of every codec is changed by who receives it: all get the same, wherever they run.

Two consumers of one result, computed just now or found, on this machine and on another
one that shares the bucket, see what was returned and never what another one did to it.
"""

import contextlib
import importlib
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.core.test_codec_pandas import wide_frame
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.identity.values import reference
from cellgraph.testing.codec_contract import CodecContract, change_container

MODULES = "numpy pandas arrow polars scipy stdlib register".split()


def contracts() -> dict[str, type[CodecContract]]:
    """The contract classes of the tests of codecs, by name."""
    found: dict[str, type[CodecContract]] = {}
    for name in MODULES:
        module = importlib.import_module(f"tests.core.test_codec_{name}")
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, CodecContract):
                found[f"{name}.{each.__name__}"] = each
    found.pop("numpy.CodecContract", None)
    return {name: each for name, each in found.items() if each is not CodecContract}


class Frames(CodecContract):
    """A frame and a series of every kind of column."""

    def examples(self) -> list[Any]:
        frame = wide_frame()
        return [frame, *(frame[[name]] for name in frame), *(frame[name] for name in frame)]

    def change(self, value: Any) -> bool:
        with contextlib.suppress(Exception):  # pandas cannot set an item of every kind of column
            value.iloc[0] = value.iloc[2]  # in the memory of the columns
        if value.ndim == 2:
            value["changed"] = 1
        else:
            value.name = "changed"
        return True


CONTRACTS = {**contracts(), "pandas.Frames": Frames}


def change_standard(value: Any) -> bool:
    """Change a mutable value of the standard library; False for any other."""
    kind = type(value)
    if kind in (OrderedDict, defaultdict, Counter):
        value["changed"] = 1
    elif kind is deque:
        value.append("changed")
    elif kind is SimpleNamespace:
        value.changed = 1
    else:
        return change_container(value)
    return True


@cg.task(version="1")
def make(name: str, i: int) -> Any:
    return CONTRACTS[name]().examples()[i]


@cg.task(version="1", cache=False)
def change(value: Any, name: str, who: int) -> tuple[str, bool, str]:
    """The identity of what was received, whether it could be changed, and its identity then."""
    before = reference(value).hex()
    changed = CONTRACTS[name]().change(value) or change_standard(value)
    return before, changed, reference(value).hex()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("executor", ["thread"])
def test_each_consumer_has_its_own(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, executor: str
) -> None:
    point_at(server, monkeypatch, tmp_path)
    uri = f"s3://{BUCKET}/{tmp_path.name}"
    places = [(name, i) for name, c in CONTRACTS.items() for i in range(len(c().examples()))]
    wanted = [reference(value).hex() for c in CONTRACTS.values() for value in c().examples()]
    on = {"executor": executor}
    calls = [
        [change.options(**on)(made, name, who) for who in (1, 2)]
        for name, i in places
        for made in [make.options(**on)(name, i)]
    ]
    outcomes: dict[str, Any] = {}
    for how, machine in (("cold", "a"), ("warm", "a"), ("elsewhere", "b")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        with cg.Session(store=uri) as session:
            run = session.submit(calls)
            outcomes[how] = run.result()
            made = len(places) if how == "cold" else 0
            assert run.counts.executed == made + 2 * len(places)
    for how, found in outcomes.items():
        for place, ref, (one, two) in zip(places, wanted, found, strict=True):
            assert one == two, f"{how}: two consumers of {place} saw different values"
            assert one[0] == ref, f"{how}: {place} was received as another value"
            assert (one[0] != one[2]) == one[1]
        assert found == outcomes["cold"], f"{how} differs from cold"
    changed = {name for (name, _), (one, _) in zip(places, outcomes["cold"], strict=True) if one[1]}
    assert {"numpy.TestArrays", "pandas.Frames", "stdlib.TestStandardValues"} <= changed
