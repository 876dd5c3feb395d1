"""The strip of an array job in a real JupyterLab: it moves, answers clicks and keys, settles."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.support.browser import LOAD_MS, Lab, Visit, opened_lab

pytestmark = pytest.mark.browser


def drive(hear: Callable[[Any], None], children: int, seconds: float) -> None:
    """Tell *hear* of an array of so many children and of a Glue run. Runs in the notebook."""
    import time

    from cellgraph import events as ev

    run, job = "b2", "7f3a1c22-5d1e"
    hear(ev.RunStarted(run, f"report(join(…), align(…) ×{children:,})", time.time()))
    calls = [ev.CallAdded(n, "align", "batch", (), -1) for n in range(children)]
    calls.append(ev.CallAdded(children, "join", "glue", (), -1))
    hear(ev.CallsAdded(run, tuple(calls)))
    at = time.time()
    hear(
        ev.RemoteJobAdded(
            run, job, "array", "batch", "align", tuple(range(children)), 1, 4.0, at, False, 0.04
        )
    )
    hear(ev.RemoteJobAdded(run, "jr_19c2", "glue", "glue", "join", (children,), 1, 0.0, at, False))
    hear(ev.RemoteJobChanged(run, "jr_19c2", "running", 0, 1, 0, 0, (0,), at, "stage 3 of 7"))
    step = max(1, children // 60)
    for start in range(0, children, step):
        stop = min(start + step, children)
        going = tuple(range(stop, min(stop + 3 * step, children), 2))
        listed = going if children <= 1000 else ()
        hear(
            ev.RemoteJobChanged(
                run, job, "running", children - stop, len(going), start, 0, listed, at, ""
            )
        )
        time.sleep(seconds / 60)
        broken = 5 <= start // step < 7
        ends = [
            ev.ChildEnded(n, 1, 21.0, 30.0 + n % 60, False, 0, "", "") for n in range(start, stop)
        ]
        if broken:
            said = "OutOfMemoryError: Container killed due to memory usage"
            ends[0] = ev.ChildEnded(start, 3, 21.0, 40.0, True, 137, said, "")
            hear(ev.LogText(run, start, "stderr", "reading sample\nallocating 8 GiB\n"))
            text = "OutOfMemory: used 7.9 of 8 GiB"
            hear(ev.CallFailed(run, start, text, "", 3, will_retry=False))
        done = range(start + broken, stop)
        hear(ev.CallsFinished(run, tuple(ev.CallDone(n, 30.0 + n % 60) for n in done)))
        hear(ev.RemoteChildrenEnded(run, job, tuple(ends)))
    hear(ev.RemoteJobChanged(run, job, "failed", 0, 0, children - 2, 2, (), at, ""))
    hear(ev.CallsFinished(run, (ev.CallDone(children, 12.0),)))
    hear(ev.RemoteJobChanged(run, "jr_19c2", "done", 0, 0, 1, 0, (), at, ""))
    hear(ev.RunFinished(run, "failed", time.time(), seconds, children - 1, 0, 2, 0.0))


SETUP = "from __future__ import annotations\n" + inspect.getsource(drive)
WATCHED = """
from cellgraph_notebook.live_view import LiveView
class Hands:
    def log(self, executor, job, child):
        return f"{{executor}} {{job[:4]}} child {{child}} wrote this"
    def cancel(self, executor, job):
        open("cancelled", "a").write(f"{{executor}} {{job[:4]}}")
    def detach(self):
        open("detached", "a").write("yes")
    def repeat(self):
        return True
with LiveView("report(…)", lambda: None, hands=Hands()) as view:
    drive(view.subscriber, {children}, {seconds})
"""
CHANGED = "before => document.querySelector('.cg-job .cg-push')?.textContent !== before"
PIXELS = """canvas => {
  const pen = canvas.getContext('2d');
  const seen = {};
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let n = 0; n < data.length; n += 4) {
    if (data[n + 3] === 255) seen[[data[n], data[n + 1], data[n + 2]]] = true;
  }
  return Object.keys(seen).length;
}"""


def says(page: Page, part: str, words: str) -> None:
    """Wait until *part* of the first job says *words*."""
    page.locator(f".cg-job {part}", has_text=words).first.wait_for(timeout=LOAD_MS)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


def test_the_strip_moves_answers_and_settles(lab: Lab) -> None:
    visit = Visit(lab, lab.add([SETUP, WATCHED.format(children=1000, seconds=8)]))
    page = visit.page
    visit.run()
    strip = page.locator(".cg-cells").first
    strip.wait_for(timeout=LOAD_MS)
    says(page, ".cg-push", "2 failed")
    before = page.locator(".cg-job .cg-push").first.inner_text()
    assert strip.evaluate(PIXELS) >= 4  # waiting, running, done, failed

    # A click asks for the log of a child; what it printed here needs no service.
    page.locator(".cg-job .cg-list .cg-link").first.click()
    says(page, ".cg-log", "8 GiB")
    assert "exit 137" in page.locator(".cg-job").first.inner_text()
    page.locator(".cg-run").screenshot(path=str(lab.folder / "strip.png"))
    strip.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    says(page, ".cg-log", "batch 7f3a child 1 wrote this")
    again = page.locator(".cg-job button", has_text="run again")
    again.first.click()
    says(page, ".cg-mute", "what has no result runs again, in this cell")
    assert not again.nth(1).is_visible()  # nothing of the Glue run failed
    page.locator(".cg-job button", has_text="cancel").first.click()
    page.locator(".cg-job button", has_text="detach").first.click()
    page.wait_for_function(CHANGED, arg=before)
    card = page.locator(".jp-OutputArea-output img").first
    card.wait_for(timeout=LOAD_MS)
    assert card.evaluate("image => image.complete && image.naturalWidth > 800")
    assert (lab.folder / "cancelled").read_text() == "batch 7f3a"
    assert (lab.folder / "detached").read_text() == "yes"
    assert (visit.outside, visit.errors) == ([], [])
    page.close()


@pytest.mark.alone
def test_ten_thousand_children_stay_smooth_in_the_dark(lab: Lab) -> None:
    notebook = lab.add([SETUP, WATCHED.format(children=10_000, seconds=6)])
    visit = Visit(lab, notebook, dark=True)
    page = visit.page
    visit.run()
    page.locator(".cg-cells").first.wait_for(timeout=LOAD_MS)
    says(page, ".cg-push", "failed")
    page.locator(".cg-run").screenshot(path=str(lab.folder / "strip-10000.png"))
    assert visit.updates_per_s(2) >= 5
    page.locator(".jp-OutputArea-output img").first.wait_for(timeout=LOAD_MS)
    assert len(visit.save()) < 400_000
    assert (visit.outside, visit.errors) == ([], [])
    page.close()
