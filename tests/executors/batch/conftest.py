"""A sandbox per module, whose workers begin warm; each test has a store and a machine of its own.

Workers that start Python anew are in `test_batch_journey` and `test_batch_requests`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.executors.support.remote_lab import Watched, empty_store, leave_out_sandboxed, sessions
from tests.support.aws import aws


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    leave_out_sandboxed(items, "children")


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with aws(vcpus=4, warm=()) as box:
        yield box


@pytest.fixture
def uri(box: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A store that is empty."""
    with empty_store(box, monkeypatch, tmp_path) as uri:
        yield uri


@pytest.fixture
def opened(box: Any, uri: str) -> Iterator[Callable[..., Watched]]:
    """Open a session whose executor `batch` has further settings; closed after the test."""
    with sessions(uri, "batch", box.batch) as opened:
        yield opened
