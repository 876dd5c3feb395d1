"""One sandbox for all of these tests; jobs are told apart by their names, schedules too."""

from collections.abc import Iterator

import pytest
from tests.executors.sandbox.support.glue_lab import GlueLab
from tests.executors.sandbox.support.lab import Lab

from cellgraph_executors.sandbox import sandbox
from cellgraph_executors.sandbox.box import Sandbox


@pytest.fixture(scope="session")
def _running() -> Iterator[Sandbox]:
    with sandbox(vcpus=8, speed=300, images={"few": ["sh", "cat"]}, exported=False) as made:
        yield made


@pytest.fixture
def box(_running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox, seen by this process for one test."""
    for name, value in _running.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    yield _running
    _running.faults.clear()


@pytest.fixture(scope="session")
def _labs() -> list[Lab]:
    return []


@pytest.fixture
def lab(box: Sandbox, _labs: list[Lab]) -> Lab:
    """The same clients for all tests: making one takes longer than most tests."""
    if not _labs:
        _labs.append(Lab(box))
    return _labs[0]


@pytest.fixture(scope="session")
def _glue_labs() -> list[GlueLab]:
    return []


@pytest.fixture
def glue(box: Sandbox, _glue_labs: list[GlueLab]) -> GlueLab:
    """The same client for all tests, as `lab`."""
    if not _glue_labs:
        _glue_labs.append(GlueLab(box))
    return _glue_labs[0]
