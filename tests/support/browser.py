"""What the browser tests share: a JupyterLab on loopback, Chromium, and a page that is watched."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

LOAD_MS: Final = 60_000
CHROMIUM_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
)  # fmt: skip
READY: Final = """() => {
  const widget = window.jupyterapp?.shell.currentWidget;
  return widget?.sessionContext?.session?.kernel?.status === 'idle';
}"""
EXECUTE: Final = "(command) => { window.jupyterapp.commands.execute(command); }"
SAVE: Final = "window.jupyterapp.commands.execute('docmanager:save')"
DARK: Final = (
    "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
)
# When the running card was another one than 20 ms before, in milliseconds.
WATCH: Final = """() => {
  window.seen = [];
  let last = null;
  setInterval(() => {
    const card = document.querySelector('.cg-run');
    if (!card || card.outerHTML === last) return;
    last = card.outerHTML;
    window.seen.push(performance.now());
  }, 20);
}"""

UPDATES: Final = """async (milliseconds) => {
  const from = performance.now();
  await new Promise((done) => setTimeout(done, milliseconds));
  const updates = window.seen.filter((at) => at >= from).length;
  return 1000 * updates / (performance.now() - from);
}"""
# Cells out of sight may not be in the page at all.
SHOW: Final = "(n) => window.jupyterapp.shell.currentWidget.content.scrollToItem(n, 'start')"


class Lab(NamedTuple):
    """A JupyterLab server, the folder it serves, and a browser."""

    folder: Path
    url: str
    browser: Browser

    def add(self, cells: Sequence[str]) -> str:
        """Write a notebook of code *cells*; return its name."""
        name = f"{secrets.token_hex(4)}.ipynb"
        (self.folder / name).write_text(json.dumps(notebook(cells)), "utf-8")
        return name


class Visit:
    """A page with a notebook open; what went wrong in it, and what it asked from elsewhere."""

    def __init__(self, lab: Lab, name: str, *, dark: bool = False) -> None:
        self._lab = lab
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page: Page = lab.browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*", self._gate)
        self.open(name)
        if dark:
            self.page.evaluate(DARK)

    def open(self, name: str) -> None:
        """Open the notebook *name*, a path below the lab's folder, with a kernel that is ready."""
        self.name = name
        self.page.goto(self._lab.url.format(name))
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=LOAD_MS)
        self.page.wait_for_function(READY, timeout=LOAD_MS)
        self.page.evaluate(WATCH)

    def run(self) -> None:
        """Run all cells. Returns at once."""
        self.page.evaluate(EXECUTE, "notebook:run-all-cells")

    def show_cell(self, number: int) -> None:
        """Scroll to a cell, counted from 0."""
        self.page.evaluate(SHOW, number)

    def updates_per_s(self, seconds: float) -> float:
        """Watch the card of a run for so long; return how often a second it changed."""
        rate: float = self.page.evaluate(UPDATES, 1000 * seconds)
        return rate

    def save(self) -> str:
        """Save the notebook; return its text."""
        self.page.evaluate(SAVE)
        self.page.wait_for_timeout(500)
        return (self._lab.folder / self.name).read_text("utf-8")

    def _gate(self, route: Route) -> None:
        if urlparse(route.request.url).hostname in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


@contextmanager
def opened_lab(folder: Path) -> Generator[Lab]:
    """Serve *folder* by a JupyterLab with a configuration of its own, and start Chromium."""
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
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=[*CHROMIUM_FLAGS]
                )
                url = f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
                yield Lab(folder, url, browser)
                browser.close()
        finally:
            server.terminate()
            server.wait(30)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_server(folder: Path, port: int, token: str, log: int) -> subprocess.Popen[bytes]:
    """Start JupyterLab; it answers a little later. All its files are kept in *folder*."""
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
    """Return when *url* answers; fail the test if the *server* ends or takes two minutes."""
    for _ in range(480):
        assert server.poll() is None, "jupyter lab ended before it answered"
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    pytest.fail("jupyter lab did not answer")


def notebook(cells: Sequence[str]) -> dict[str, Any]:
    """Return a notebook of code *cells* that have not run."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    made = [{**empty, "id": f"cell{n}", "source": cell} for n, cell in enumerate(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}
