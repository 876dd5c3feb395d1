"""`packages=`: how much of the version of an installed distribution counts."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening

import cellgraph as cg
from cellgraph.events import MissesExplained
from cellgraph.identity import packages

NAME = "cellgraph_test_dist"
CELL = """
import {name}

@cg.task{options}
def f(x):
    tick("f")
    return {name}.double(x)
"""


class Site:
    """A site folder with one distribution, of one version at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._info: Path | None = None

    def install(self, version: str, body: str = "return 2 * x") -> None:
        """Install *version* as a fresh kernel would see it."""
        package = self.root / NAME
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(f"def double(x):\n    {body}\n")
        if self._info is not None:
            (self._info / "RECORD").unlink()
            self._info.rmdir()
        self._info = self.root / f"{NAME}-{version}.dist-info"
        self._info.mkdir()
        (self._info / "RECORD").write_text(f"{NAME}/__init__.py,sha256=x,1\n")
        sys.modules.pop(NAME, None)
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    root = tmp_path / "lib" / "site-packages"
    root.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(root), *sys.path])
    importlib.invalidate_caches()
    # a new kernel knows nothing yet of where modules come from
    monkeypatch.setattr(packages, "_known", {})
    monkeypatch.setattr(packages, "_folders", {})
    yield Site(root)
    sys.modules.pop(NAME, None)


def run(lab: Lab, nb: Notebook, options: str) -> tuple[dict[str, int], list[str]]:
    """What ran for ``[f(2)]`` in a new kernel, and why."""
    packages._known.clear()  # pyright: ignore[reportPrivateUsage]  # as a new process would start
    packages._folders.clear()  # pyright: ignore[reportPrivateUsage]  # likewise
    nb.run(CELL.format(name=NAME, options=options))
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(nb.value("[f(2)]")) == [4]
    reasons = [m.reason for e in events if isinstance(e, MissesExplained) for m in e.misses]
    return lab.ran(), reasons


@pytest.mark.parametrize(
    ("mode", "before", "after", "again"),
    [
        ("exact", "1.2.0", "1.2.1", True),
        ("exact", "1.2.0", "1.2.0", False),
        ("minor", "1.2.0", "1.2.1", False),
        ("minor", "1.2.0", "1.3.0", True),
        ("none", "1.2.0", "2.0.0", False),
    ],
)
def test_which_versions_count(
    lab: Lab, nb: Notebook, site: Site, mode: str, before: str, after: str, again: bool
) -> None:
    options = f"(packages={mode!r})"
    site.install(before)
    assert run(lab, nb, options)[0] == {"f": 1}
    site.install(after)
    assert run(lab, nb, options)[0] == ({"f": 1} if again else {})


def test_exact_is_the_default_and_the_reason_names_the_package(
    lab: Lab, nb: Notebook, site: Site
) -> None:
    site.install("1.2")
    run(lab, nb, "")
    site.install("1.3")
    ran, reasons = run(lab, nb, "")
    assert ran == {"f": 1}
    shown = NAME.replace("_", "-")
    assert reasons == [f"package {shown} 1.2 -> 1.3"]


def test_the_choice_itself_counts(lab: Lab, nb: Notebook, site: Site) -> None:
    site.install("1.2")
    run(lab, nb, "")
    assert run(lab, nb, "(packages='none')")[0] == {"f": 1}
    assert run(lab, nb, "")[0] == {}


def test_said_for_one_call(lab: Lab, nb: Notebook, site: Site) -> None:
    site.install("1.2")
    nb.run(CELL.format(name=NAME, options=""))
    lazy = nb.value("[f(2), f.options(packages='none')(2)]")
    assert lab.run(lazy) == [4, 4]
    assert lab.ran() == {"f": 2}
    assert lab.run(lazy) == [4, 4]
    assert lab.ran() == {}


def test_another_word_is_an_error(nb: Notebook) -> None:
    with pytest.raises(cg.ConfigError, match="exact, minor, none"):
        nb.run("@cg.task(packages='major')\ndef f(x):\n    return x")
