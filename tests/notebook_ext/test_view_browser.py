"""In a real JupyterLab in headless Chromium: the live view, and the report of last night's run."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.notebook_ext.export.support.nightly import Nightly
from tests.support.browser import LOAD_MS, Lab, Visit, opened_lab

from cellgraph.cli.app import run as command

pytestmark = pytest.mark.browser

BEATING = ".cg-node[data-status=running] > .cg-part-running"
PRINTED = ".jp-OutputArea-output pre"
INK = "getComputedStyle(document.body).color"
PAPER = "getComputedStyle(document.body).backgroundColor"


def drive(hear: Callable[[Any], None], seconds: float, stopped: Callable[[], bool]) -> None:
    """Tell *hear* of a run of 3,201 calls that takes *seconds*. Its source runs in the notebook."""
    import time

    from cellgraph import events as ev

    run, tasks = "b1", ("load", "trim", "align", "coverage")
    hear(ev.RunStarted(run, "report(coverage(align(…)) ×800)", time.time()))
    calls = [
        ev.CallAdded(800 * layer + n, task, "process", (800 * (layer - 1) + n,) * (layer > 0), -1)
        for layer, task in enumerate(tasks)
        for n in range(800)
    ]
    calls.append(ev.CallAdded(3200, "report", "thread", tuple(range(2400, 3200)), -1))
    hear(ev.CallsAdded(run, tuple(calls)))
    hear(ev.MissesExplained(run, (ev.Missed("align", "helper clean() line 3", 800),)))
    hear(ev.CallsReused(run, tuple(ev.CallDone(n, 30.0) for n in range(800))))
    status = "failed"
    for start in range(800, 3200, 8):
        batch = tuple(range(start, start + 8))
        hear(ev.CallsStarted(run, batch, time.time()))
        time.sleep(seconds / 300)
        if start == 1600:
            hear(ev.LogText(run, 1600, "stderr", "no column chr\n"))
            hear(ev.CallFailed(run, 1600, "KeyError: 'chr'", "", 1, will_retry=False))
            batch = batch[1:]
        hear(ev.CallsFinished(run, tuple(ev.CallDone(n, 0.5) for n in batch)))
        if stopped():
            status = "cancelled"
            break
    hear(ev.CallsSkipped(run, (3200,)))
    hear(ev.RunFinished(run, status, time.time(), seconds, 2400, 800, 1, 24_000.0))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # one of two literals


SETUP = "from __future__ import annotations\n" + inspect.getsource(drive)
BLOCKING = """
import threading
from cellgraph_notebook.live_view import LiveView
stop = threading.Event()
view = LiveView("report(…)", stop.set)
with view:
    drive(view.subscriber, {seconds}, stop.is_set)
print("stopped" if stop.is_set() else "ran to the end")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_view_lives_and_settles(lab: Lab, dark: bool) -> None:
    visit = Visit(lab, lab.add([SETUP, BLOCKING.format(seconds=5)]), dark=dark)
    page = visit.page
    visit.run()
    page.locator(".cg-run .cg-node[data-status=running]").first.wait_for(timeout=LOAD_MS)
    ground = page.locator(".cg-run").evaluate("card => getComputedStyle(card).backgroundColor")
    assert (sum(int(part) for part in ground[4:-1].split(",")) < 384) == dark

    # Clicks and focus survive updates; arrows walk along edges.
    align = page.locator(".cg-node[data-key=align]")
    align.click()
    page.wait_for_function("window.seen.length > 20", timeout=LOAD_MS)
    assert align.get_attribute("aria-expanded") == "true"
    assert "Ran because: helper clean() line 3" in page.locator(".cg-run").inner_text()
    align.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.key") == "coverage"

    # Between messages the page moves by itself.
    assert page.locator(".cg-elapsed").inner_text().endswith(" s")
    # A group that has just begun to run beats from the next tick on.
    page.wait_for_function(f"document.querySelector({BEATING!r})?.style.opacity", timeout=LOAD_MS)

    card = page.locator(".jp-OutputArea-output img[alt*='3,199 of 3,201']")
    card.wait_for(timeout=LOAD_MS)
    assert card.evaluate("image => image.complete && image.naturalWidth > 800")
    assert "1 failed" in (card.get_attribute("alt") or "")
    assert page.locator(".cg-run").count() == 0
    assert page.locator("details summary").first.inner_text().startswith("As a table · 5 groups")
    stamps = page.evaluate("window.seen")
    assert (len(stamps) - 1) / (stamps[-1] - stamps[0]) * 1000 >= 5
    assert (visit.outside, visit.errors) == ([], [])
    page.close()


def test_a_reader_who_asked_for_less_motion_sees_the_time_and_no_beat(lab: Lab) -> None:
    visit = Visit(lab, lab.add([SETUP, BLOCKING.format(seconds=5)]))
    visit.page.emulate_media(reduced_motion="reduce")
    visit.run()
    visit.page.wait_for_function("window.seen.length > 20", timeout=LOAD_MS)
    assert visit.page.locator(".cg-elapsed").inner_text().endswith(" s")
    assert visit.page.locator(BEATING).first.get_attribute("style") is None
    visit.page.close()


def test_stop_is_heard_while_the_cell_blocks_and_the_rest_is_cancelled(lab: Lab) -> None:
    visit = Visit(lab, lab.add([SETUP, BLOCKING.format(seconds=60)]))
    visit.run()
    visit.page.locator(".cg-stop").click(timeout=LOAD_MS)
    visit.page.locator(PRINTED, has_text="stopped").wait_for(timeout=30_000)
    settled = visit.page.locator(".jp-OutputArea-output img").first
    settled.wait_for(timeout=LOAD_MS)
    assert " stopped" in (settled.get_attribute("alt") or "")
    visit.page.close()


def test_a_reader_without_trust_or_kernel_sees_the_card(lab: Lab) -> None:
    visit = Visit(lab, lab.add([SETUP, BLOCKING.format(seconds=0.5)]))
    visit.run()
    visit.page.locator(PRINTED, has_text="ran to the end").wait_for(timeout=LOAD_MS)
    text = visit.save()
    assert "widget-view" not in text and '"run_id": "b1"' in text
    # A changed byte takes the notebook's trust away.
    (lab.folder / "other.ipynb").write_text(
        text.replace("ran to the end", "ran to its end"), "utf-8"
    )
    visit.open("other.ipynb")
    card = visit.page.locator(".jp-OutputArea-output:not(.jp-mod-trusted) img").first
    card.wait_for(timeout=LOAD_MS)
    assert card.evaluate("image => image.complete && image.naturalWidth > 800")
    visit.page.locator("details summary").first.click()
    assert visit.page.locator("details table").first.is_visible()
    assert (visit.outside, visit.errors) == ([], [])
    visit.page.close()


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
