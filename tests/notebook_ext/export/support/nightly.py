"""A small notebook whose cells can be told to fail, its bundle, and what runs left behind."""

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cellgraph.provenance import RunSummary
from cellgraph.session import Session
from cellgraph_notebook.export.reporting import export_file

CELLS = (
    "%load_ext cellgraph",
    "%%params\nfrom datetime import date\n\ndays: int = 3\nscheduled: date = date(2026, 1, 1)",
    "from pathlib import Path\n\nprint('<b>loaded</b>')",
    "%%task\n\ndef measure(day):\n    print('measuring', day)\n    return day * 10",
    # What is outside of a task's own file system of inputs decides: a file that it does not name.
    "%%task --no-cache\n\ndef gate(folder):\n    return (Path(folder) / 'open').exists()",
    (
        "%%task\n\ndef total(values, scheduled, opened):\n    if not opened:\n"
        "        raise ValueError('no rows for <i>today</i>')\n    return sum(values)"
    ),
    "result = total([measure(day) for day in range(days)], scheduled, gate(FOLDER))",
)


class Nightly:
    """A folder with a notebook, a store, and bundles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.bundle = folder / "nightly.run"
        self.notebook = write_notebook(
            folder / "days.ipynb", [cell.replace("FOLDER", repr(str(folder))) for cell in CELLS]
        )

    def open(self, *, yes: bool = True) -> None:
        """Let `total` work from now on, or not."""
        (self.folder / "open").touch() if yes else (self.folder / "open").unlink()

    def export(self, **how: Any) -> str:
        """Export `result`, to be run by hand unless *how* says otherwise."""
        said: dict[str, Any] = {
            "name": "nightly", "target": "result", "cron": "0 6 * * *", "zone": "UTC",
            "to": ("cli",), **how,
        }  # fmt: skip
        return export_file(self.notebook, self.bundle, **said)

    def runs(self) -> list[RunSummary]:
        """What is on record, oldest first."""
        with Session(self.store) as session:
            return sorted(session.run_summaries(), key=lambda run: run.started)

    @property
    def command(self) -> list[str]:
        """The command that runs the bundle."""
        return ["run", str(self.bundle), "--store", str(self.store)]


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """Write a notebook of code *cells*."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code", "source": source, "metadata": {}, "outputs": [], "id": f"c{n}",
            "execution_count": n,
        }
        for n, source in enumerate(cells)
    ]  # fmt: skip
    whole: dict[str, Any] = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole))
    return path


@contextmanager
def webhook() -> Generator[tuple[str, list[dict[str, Any]]]]:
    """An address on loopback, and what was posted there."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            heard.append(json.loads(self.rfile.read(size)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
