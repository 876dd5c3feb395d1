"""Commands of other packages: listed and run like our own, imported only then."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from cellgraph.cli import plugged
from cellgraph.cli.app import run


def test_the_help_lists_commands_of_other_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "sandbox" in capsys.readouterr().out


def test_running_another_command_imports_none_of_them() -> None:
    program = (
        "import sys; from cellgraph.cli.app import run; run(['trust', '--help']);"
        "print([m for m in sys.modules if m.startswith('cellgraph_executors')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_one_that_cannot_be_imported_says_so_and_harms_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = EntryPoint("broken", "nowhere_at_all:run", "cellgraph.commands")
    monkeypatch.setattr(plugged, "commands", lambda: {"broken": broken})
    assert run(["--help"]) == 0
    assert run(["broken"]) == 1
    assert "No module named 'nowhere_at_all'" in capsys.readouterr().err
