"""One sandbox for each module of tests; jobs are told apart by their names."""

from collections.abc import Iterator

import pytest
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox import sandbox
from cellgraph_executors.sandbox.box import Sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with sandbox(vcpus=8, speed=300) as made:
        yield made


@pytest.fixture
def lab(box: Sandbox) -> Iterator[Lab]:
    yield Lab(box)
    box.faults.clear()
