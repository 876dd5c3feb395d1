"""One sandbox for each module of tests: they tell their jobs apart by name."""

from collections.abc import Iterator

import pytest

from cellgraph_executors.sandbox import sandbox
from cellgraph_executors.sandbox.box import Sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with sandbox() as made:
        yield made
