"""Projects with files, for the tests of `File`, `Dir` and undeclared reads."""

from pathlib import Path

import pytest
from tests.core.support.file_lab import Project, make_project


@pytest.fixture(params=["thread", "process"])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A project; each test runs on threads and on processes."""
    return make_project(tmp_path, monkeypatch, request.param)


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on threads, for what the executor has no part in."""
    return make_project(tmp_path, monkeypatch, "thread")
