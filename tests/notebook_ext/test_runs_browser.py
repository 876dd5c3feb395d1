"""`%runs` in a real JupyterLab, and the page of a run opened from disk: offline, light and dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.notebook_ext.export.support.nightly import Nightly
from tests.support.browser import LOAD_MS, Lab, Visit, opened_lab

from cellgraph.cli.app import run as command

pytestmark = pytest.mark.browser

INK = "getComputedStyle(document.body).color"
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def nightly(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Nightly:
    """Last night's run has failed; its store is that of the lab's notebooks."""
    monkeypatch.setenv("XDG_STATE_HOME", str(lab.folder / "state"))
    made = Nightly(lab.folder)
    made.store = lab.folder / ".cellgraph"
    made.export()
    assert command(made.command) == 1
    return made


def test_last_nights_report_opens_in_the_notebook_and_from_disk(lab: Lab, nightly: Nightly) -> None:
    (run,) = nightly.runs()
    cells = ["%load_ext cellgraph", "%runs", f"%runs {run.id} --report", f"%runs {run.id} --graph"]
    visit = Visit(lab, lab.add(cells), dark=True)
    visit.run()
    frame = visit.page.frame_locator("iframe.cg-page-dark")
    frame.locator("h1", has_text="nightly").wait_for(timeout=LOAD_MS)
    assert frame.locator(".bad").inner_text().startswith("✕ total failed: ValueError: no rows")
    assert visit.page.locator("iframe.cg-page-dark").is_visible()
    assert not visit.page.locator("iframe.cg-page-light").is_visible()
    visit.page.locator("img[alt*='failed']").first.wait_for(timeout=LOAD_MS)
    table = visit.page.locator(".jp-OutputArea-output table", has_text="exported run")
    assert "nightly" in table.inner_text()
    assert not visit.outside
    visit.page.close()

    (path,) = (nightly.store / "reports").glob("*.html")
    colours = [_from_disk(lab, path, scheme) for scheme in ("light", "dark")]
    assert colours == [True, False]


def _from_disk(lab: Lab, path: Path, scheme: Any) -> bool:
    """Open the page without a network; whether its text is darker than its paper."""
    context = lab.browser.new_context(color_scheme=scheme, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    assert page.locator("h1").inner_text().startswith("nightly")
    page.locator("summary", has_text="cell 3").click()  # it opens without a script
    assert page.locator("details[open]").inner_text().endswith("<b>loaded</b>")
    loaded = "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    assert page.evaluate(loaded)
    ink, paper = (sum(_channels(page.evaluate(what))) for what in (INK, PAPER))
    assert not wrong
    context.close()
    return ink < paper


def _channels(colour: str) -> list[int]:
    return [int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
