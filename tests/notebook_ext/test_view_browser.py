"""The live view in a real JupyterLab in headless Chromium: alive, offline, stoppable, settled."""

import inspect
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

pytestmark = pytest.mark.browser

CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LOAD_MS = 60_000
PRINTED = ".jp-OutputArea-output pre"
READY = """() => {
  const widget = window.jupyterapp?.shell.currentWidget;
  return widget?.sessionContext?.session?.kernel?.status === 'idle';
}"""
EXECUTE = "(command) => { window.jupyterapp.commands.execute(command); }"
DARK = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
WATCH = """() => {
  window.seen = [];
  let last = null;
  setInterval(() => {
    const card = document.querySelector('.cg-run');
    if (!card || card.outerHTML === last) return;
    last = card.outerHTML;
    window.seen.push(performance.now());
  }, 20);
}"""


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


class Lab(NamedTuple):
    """A JupyterLab server and a browser."""

    folder: Path
    url: str
    browser: Browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on loopback, with a configuration of its own, and Chromium."""
    folder = tmp_path_factory.mktemp("lab")
    port, token = free_port(), secrets.token_hex(16)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, (
        "these tests drive Chromium: install it, or leave them out with -m 'not browser'"
    )
    with (folder / "server.log").open("w") as log:
        server = start_server(folder, port, token, log.fileno())
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
                yield Lab(
                    folder, f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset", browser
                )
                browser.close()
        finally:
            server.terminate()
            server.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_server(folder: Path, port: int, token: str, log: int) -> subprocess.Popen[bytes]:
    news = folder / ".set" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    # The news pop-up asks the network, and can be switched off by a file only.
    quiet = '{"fetchNews": "false", "checkForUpdates": false}'
    (news / "notification.jupyterlab-settings").write_text(quiet)
    places = {
        "JUPYTER_CONFIG_DIR": ".cfg",
        "JUPYTER_DATA_DIR": ".data",
        "JUPYTER_RUNTIME_DIR": ".run",
        "IPYTHONDIR": ".ipython",
        "JUPYTERLAB_SETTINGS_DIR": ".set",
        "JUPYTERLAB_WORKSPACES_DIR": ".ws",
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--allow-root", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environ = os.environ | {name: str(folder / place) for name, place in places.items()}
    return subprocess.Popen(command, env=environ, stdout=log, stderr=log)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(480):
        assert server.poll() is None, "jupyter lab ended before it answered"
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    pytest.fail("jupyter lab did not answer")


def notebook(cells: list[str]) -> dict[str, object]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    made = [{**empty, "id": f"cell{n}", "source": cell} for n, cell in enumerate(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}


class Visit:
    """A page with a notebook open; what went wrong in it, and what it asked from elsewhere."""

    def __init__(self, lab: Lab, cells: list[str], *, dark: bool = False) -> None:
        name = f"{secrets.token_hex(4)}.ipynb"
        (lab.folder / name).write_text(json.dumps(notebook(cells)), "utf-8")
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page: Page = lab.browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*", self._gate)
        self.open(lab, name)
        if dark:
            self.page.evaluate(DARK)
        self.page.evaluate(WATCH)

    def open(self, lab: Lab, name: str) -> None:
        self.name = name
        self.page.goto(lab.url.format(name))
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=LOAD_MS)
        self.page.wait_for_function(READY, timeout=LOAD_MS)

    def run(self) -> None:
        self.page.evaluate(EXECUTE, "notebook:run-all-cells")

    def _gate(self, route: Route) -> None:
        if urlparse(route.request.url).hostname in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_view_lives_and_settles(lab: Lab, dark: bool) -> None:
    visit = Visit(lab, [SETUP, BLOCKING.format(seconds=5)], dark=dark)
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


def test_stop_is_heard_while_the_cell_blocks_and_the_rest_is_cancelled(lab: Lab) -> None:
    visit = Visit(lab, [SETUP, BLOCKING.format(seconds=60)])
    visit.run()
    visit.page.locator(".cg-stop").click(timeout=LOAD_MS)
    visit.page.locator(PRINTED, has_text="stopped").wait_for(timeout=30_000)
    settled = visit.page.locator(".jp-OutputArea-output img").first
    settled.wait_for(timeout=LOAD_MS)
    assert " stopped" in (settled.get_attribute("alt") or "")
    visit.page.close()


def test_a_reader_without_trust_or_kernel_sees_the_card(lab: Lab) -> None:
    visit = Visit(lab, [SETUP, BLOCKING.format(seconds=0.5)])
    visit.run()
    visit.page.locator(PRINTED, has_text="ran to the end").wait_for(timeout=LOAD_MS)
    visit.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = lab.folder / visit.name
    visit.page.wait_for_timeout(500)
    text = saved.read_text("utf-8")
    assert "widget-view" not in text and '"run_id": "b1"' in text
    # A changed byte takes the notebook's trust away.
    (lab.folder / "other.ipynb").write_text(
        text.replace("ran to the end", "ran to its end"), "utf-8"
    )
    visit.open(lab, "other.ipynb")
    card = visit.page.locator(".jp-OutputArea-output:not(.jp-mod-trusted) img").first
    card.wait_for(timeout=LOAD_MS)
    assert card.evaluate("image => image.complete && image.naturalWidth > 800")
    visit.page.locator("details summary").first.click()
    assert visit.page.locator("details table").first.is_visible()
    assert (visit.outside, visit.errors) == ([], [])
    visit.page.close()
