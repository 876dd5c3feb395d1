"""A sandbox per module; each test has a store and a machine of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.executors.batch.conftest import Watched
from tests.support.aws import LIVE, aws

import cellgraph as cg


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `AWS_LIVE=1`, leave out what an account cannot do."""
    reason = "AWS_LIVE=1: it plans faults, or its runs write to this machine's disk"
    for item in items:
        if LIVE and item.get_closest_marker("sandboxed"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with aws() as box:
        yield box


@pytest.fixture
def uri(box: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A store that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    box.forget_requests()
    yield f"{box.store}-{uuid.uuid4().hex[:8]}"
    box.faults.clear()


@pytest.fixture
def opened(box: Any, uri: str) -> Iterator[Callable[..., Watched]]:
    """Open a session whose executor `glue` has further settings; closed after the test."""
    sessions: list[cg.Session] = []

    def open_(**settings: Any) -> Watched:
        section = {**box.glue, "poll_s": 0.2, **settings}
        session = cg.Session(store=uri, executors={"glue": section})
        sessions.append(session)
        return Watched(session)

    yield open_
    for session in sessions:
        session.close()
