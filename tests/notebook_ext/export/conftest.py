"""What the tests of exported runs share."""

from pathlib import Path

import pytest
from tests.notebook_ext.export.support.nightly import Nightly


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nightly:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Nightly(tmp_path)
