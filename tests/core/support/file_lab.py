"""A project folder with a store, a notebook in it, and a count of what ran; for tests of files."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.core.engine.support.engine_lab import TICKS_VARIABLE, Lab, Notebook

from cellgraph.events import MissesExplained, Notice


class Project:
    """A project whose notebook runs in its folder. `evaluate` opens a session of its own, so only
    the store is remembered."""

    def __init__(self, folder: Path, lab: Lab, notebook: Notebook, place: str) -> None:
        self.folder = folder
        self.lab = lab
        self.nb = notebook
        self.place = place
        self.reasons: list[str] = []
        self.notices: list[str] = []

    def run(self, source: str) -> None:
        """Run a cell; `@task` in it means a task on the executor under test."""
        self.nb.run(source.replace("@task", f"@cg.task(executor={self.place!r})"))

    def evaluate(self, expression: str, **settings: Any) -> Any:
        """Evaluate *expression* of the notebook; afterwards `reasons` and `notices` are filled."""
        self.reasons, self.notices = [], []

        def listen(event: object) -> None:
            if isinstance(event, MissesExplained):
                self.reasons += [missed.reason for missed in event.misses]
            elif isinstance(event, Notice):
                self.notices.append(event.text)

        value = self.nb.value(expression)
        with self.lab.session(**settings) as session:
            session.bus.subscribe(listen)
            return session.evaluate(value)

    def ran(self) -> dict[str, int]:
        """How often each name ticked since the last question."""
        return self.lab.ran()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project, in such a way that nobody can miss the change."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def move(self, to: Path) -> None:
        """Move the whole project, its store included, and work there."""
        shutil.move(self.folder, to)
        self.folder = to
        self.lab.store = to / ".cellgraph"
        os.chdir(to)


def make_project(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> Project:
    """A project on the executor *place*, with its notebook as the `__main__` of this process."""
    root = folder / "project"
    root.mkdir()
    (root / "cellgraph.toml").touch()
    lab = Lab(folder)
    lab.store = root / ".cellgraph"
    monkeypatch.setenv(TICKS_VARIABLE, str(lab.log))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.chdir(root)
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "__main__", notebook.module)
    return Project(root, lab, notebook, place)
