"""The quickstart in a real JupyterLab, as a newcomer opens it: alive while it runs, kept after.

`make test` runs it with half of its settings: all of them run in test_demo.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.browser import Lab, Visit, opened_lab

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(900)]

QUICKSTART: Final = Path(__file__).parents[2] / "examples" / "notebooks" / "01_quickstart.ipynb"
PATIENCE_MS: Final = 300_000
EVALUATE: Final = "%evaluate study"
SETTINGS: Final = "(20, 40, 60, 90, 120), (20, 40, 60, 100)"  # trend and season: all pairs of these
HALF: Final = "(20, 40, 60, 90, 120), (60, 100)"
FITTING: Final = ".cg-run .cg-node[data-key=fit][data-status=running]"
CARD: Final = ".jp-OutputArea-output:not(.jp-mod-trusted) img[alt^='report('][alt*=' took ']"
ALL_RAN: Final = """() => {
  const {content, sessionContext} = window.jupyterapp.shell.currentWidget;
  const code = content.widgets.filter((cell) => cell.model.type === 'code');
  return code.every((cell) => cell.model.executionCount !== null)
    && sessionContext.session.kernel.status === 'idle';
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.mark.parametrize("settings", [HALF, pytest.param(SETTINGS, marks=pytest.mark.slow)])
def test_the_quickstart_lives_ends_well_and_is_kept(lab: Lab, settings: str) -> None:
    # A folder of its own, so that the store is new and everything runs.
    folder = lab.folder / f"quickstart-{len(settings)}"
    folder.mkdir()
    text = QUICKSTART.read_text("utf-8")
    assert SETTINGS in text
    (folder / QUICKSTART.name).write_text(text.replace(SETTINGS, settings), "utf-8")
    evaluation = sources(read(QUICKSTART)).index(EVALUATE)

    visit = Visit(lab, f"{folder.name}/{QUICKSTART.name}")
    page = visit.page
    visit.run()
    page.locator(FITTING).wait_for(timeout=PATIENCE_MS, state="attached")
    visit.show_cell(evaluation)
    rate = visit.updates_per_s(5)
    print(f"{rate:.1f} view updates a second")
    assert rate >= 5
    assert page.locator(FITTING).is_visible()

    page.wait_for_function(ALL_RAN, timeout=PATIENCE_MS)
    visit.save()
    ran = read(folder / QUICKSTART.name)
    code = [cell for cell in ran["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert complaints(code) == []
    assert (visit.outside, visit.errors) == ([], [])

    # One byte more in an output takes the notebook's trust away.
    ran["cells"][evaluation]["outputs"][0]["data"]["text/plain"].append("\n")
    (folder / "mailed.ipynb").write_text(json.dumps(ran), "utf-8")
    visit.open(f"{folder.name}/mailed.ipynb")
    visit.show_cell(evaluation)
    cell = page.locator(".jp-CodeCell", has=page.locator(CARD)).first
    cell.locator(CARD).wait_for()
    assert cell.locator(CARD).evaluate("image => image.complete && image.naturalWidth > 800")
    cell.locator("table", has_text="forecast for 2011").wait_for()
    assert (visit.outside, visit.errors) == ([], [])
    page.close()


def read(notebook: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
    return read


def sources(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def complaints(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Errors, and whatever was written to stderr."""
    outputs = [output for cell in cells for output in cell["outputs"]]
    return [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
