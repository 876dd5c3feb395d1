"""What a run leaves: its page, its executed notebook, its place in the list of runs."""

import html
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from tests.notebook_ext.export.support.nightly import Nightly, write_notebook

from cellgraph.cli.app import run as command
from cellgraph.errors import ExportError, StoreError
from cellgraph.pages import PROMISE
from cellgraph.reports import Reports
from cellgraph.scheduled.again import job_again
from cellgraph.scheduled.reporter import report_of
from cellgraph.secret import Secret
from cellgraph.session import Session
from cellgraph_notebook.reports.values import formats_of

KEPT = ("bundles", "reports", "runs")


def pages(nightly: Nightly) -> list[str]:
    return [path.read_text() for path in sorted((nightly.store / "reports").glob("*.html"))]


def test_a_run_leaves_a_page_that_needs_nothing_else(nightly: Nightly) -> None:
    nightly.open()
    nightly.export()
    assert command([*nightly.command, "--at", "2026-03-01T06:00"]) == 0
    assert command([*nightly.command, "--at", "2026-03-01T06:00"]) == 0
    first, again = pages(nightly)
    assert first.startswith(PROMISE)
    assert not re.search(r"""<script|(src|href|srcset)=["'](?!data:)|url\(""", first)
    for wanted in (
        '<span class="pill done">done</span>', "due Sun 2026-03-01 06:00:00 UTC", "prefers-color",
        "5 calls computed", "measuring 2", "datetime.date(2026, 3, 1)", "0 6 * * * UTC",
        "&lt;b&gt;loaded", "first run", ">30<",
    ):  # fmt: skip
        assert wanted in first, wanted
    # total and measure were found, gate always runs; the graph is drawn all the same
    assert "1 call computed" in again
    assert again.count("data:image/svg+xml") == 2
    run = nightly.runs()[0]
    assert run.scheduled is not None
    assert (run.scheduled.name, run.scheduled.attempt) == ("nightly", 1)
    assert dict(run.scheduled.parameters) == {"scheduled": "2026-03-01"}


def test_a_failed_run_shows_why_and_is_run_again_with_its_own_code(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly.export()
    assert command([*nightly.command, "--param", "days=5", "--at", "2026-03-01T06:00"]) == 1
    (page,) = pages(nightly)
    assert '<span class="pill failed">failed</span>' in page
    assert "total failed: ValueError: no rows for &lt;i&gt;today&lt;/i&gt;" in page
    assert "raise ValueError(&#x27;no rows" in page
    (run,) = nightly.runs()
    assert (run.executed, run.failed) == (6, 1)

    # the bundle is gone and the notebook is another one: what ran that night is in the store
    nightly.open()
    (nightly.bundle / "flow.py").unlink()
    capsys.readouterr()
    assert command(["runs", run.id, "--store", str(nightly.store), "--again"]) == 0
    assert capsys.readouterr().out.endswith("100\n")
    again = nightly.runs()[-1]
    assert (again.executed, again.reused) == (2, 5)  # gate, which always runs, and what failed
    assert again.scheduled == run.scheduled


def test_the_executed_notebook_is_one_and_tells_what_ran(nightly: Nightly) -> None:
    nightly.open()
    nightly.export()
    assert command([*nightly.command, "--param", "days=2"]) == 0
    (run,) = nightly.runs()
    target = nightly.folder / "kept" / "night.ipynb"
    assert command(["runs", run.id, "--store", str(nightly.store), "--report", str(target)]) == 0
    notebook = json.loads(target.read_text())
    nbformat.validate(notebook)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code[0]["execution_count"] is None  # %load_ext is for a reader
    assert code[2]["source"].startswith("days = 2\nscheduled = datetime.date(")
    assert code[3]["outputs"][0]["text"] == "<b>loaded</b>\n"
    view, value = code[-1]["outputs"]
    assert "image/svg+xml" in view["data"]
    assert value["data"]["text/plain"] == "10"


def test_any_run_has_a_page_and_whoever_evaluated_it(nightly: Nightly, tmp_path: Path) -> None:
    nightly.open()
    assert command(["run", str(nightly.notebook), "result", "--store", str(nightly.store)]) == 0
    (run,) = nightly.runs()
    page = tmp_path / "page.html"
    assert command(["runs", run.id, "--store", str(nightly.store), "--report", str(page)]) == 0
    text = page.read_text()
    assert text.startswith(PROMISE)
    for name in ("measure", "gate", "total", "5 calls computed", ">30<"):
        assert name in text
    assert command(["runs", run.id, "--store", str(nightly.store), "--report", "x.ipynb"]) == 1
    assert command(["runs", run.id, "--store", str(nightly.store), "--again"]) == 1


def test_a_page_that_somebody_else_put_there_is_not_shown(nightly: Nightly) -> None:
    nightly.open()
    nightly.export()
    assert command(nightly.command) == 0
    with Session(nightly.store) as session:
        (run,) = session.run_summaries()
        Reports(session.store).keep(run, "html", "<!doctype html>\n<script>alert(1)</script>")
        with pytest.raises(StoreError, match="is not one that Cellgraph wrote"):
            report_of(session, run, ".html")


def test_a_kept_bundle_that_was_changed_does_not_run(nightly: Nightly, tmp_path: Path) -> None:
    nightly.open()
    nightly.export()
    assert command(nightly.command) == 0
    with Session(nightly.store) as session:
        (run,) = session.run_summaries()
        assert run.scheduled is not None
        name = f"bundles/{run.scheduled.bundle}"
        data = session.store.read_file(name) or b""
        session.store.write_file(name, data.replace(b"day * 10", b"day * 11"))
        with pytest.raises(ExportError, match=r"is not what its run\.toml says"):
            job_again(session, run, tmp_path / "again")
        session.store.write_file(name, b"[]")
        with pytest.raises(ExportError, match="this is no bundle"):
            job_again(session, run, tmp_path / "again")
    with Session(nightly.store, trust="safe") as session, pytest.raises(ExportError, match="safe"):
        job_again(session, run, tmp_path / "again")


@pytest.mark.parametrize("text", ["correct horse battery", "&<horse>\"'\\\tstaple ü"])
def test_no_secret_is_in_what_a_run_leaves(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("STATION_KEY", text)
    cells = [
        "import cellgraph as cg",
        "%%task\n\ndef ask(key):\n    print('asked with', key.value())\n    return 3",
        "import os\n\nkey = cg.Secret('env:STATION_KEY')\nprint(os.environ['STATION_KEY'])",
        "result = (ask(key), os)[0]",
    ]
    write_notebook(nightly.notebook, cells)
    nightly.export()
    assert command(nightly.command) == 0
    left = [p.read_text() for p in nightly.store.rglob("*") if p.parent.name in KEPT]
    assert len(left) == 4
    for each in left:
        as_page = html.unescape(each)
        assert text not in each + as_page + repr(_decoded(each))
        assert repr(text)[1:-1] not in as_page + repr(_decoded(each))
    assert sum("secret env:STATION_KEY" in each for each in left) == 2  # page and notebook


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


class Drawn:
    def _repr_svg_(self) -> str:
        return f"<svg><text>{html.escape(os.environ['STATION_KEY'])}</text></svg>"


def test_no_secret_is_in_a_picture_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATION_KEY", "correct <horse> & battery")
    Secret("env:STATION_KEY")
    made = formats_of(Drawn())["image/svg+xml"]
    assert made == "<svg><text>&lt;secret env:STATION_KEY&gt;</text></svg>"
