"""One store, one log of executions and one notebook per test."""

import sys
from pathlib import Path

import pytest
from tests.core.engine.support.engine_lab import TICKS_VARIABLE, Lab, Notebook


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab(tmp_path)
    monkeypatch.setenv(TICKS_VARIABLE, str(lab.log))
    return lab


@pytest.fixture
def nb(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """A notebook that is the `__main__` of this process, as in a kernel."""
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "__main__", notebook.module)
    return notebook
