"""The notebook of array jobs in a real JupyterLab: its strip is seen moving, in both themes.

The children are processes of the sandbox; here fewer than in the notebook as it is, which runs
elsewhere in these tests.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.test_quickstart_browser import ALL_RAN, PATIENCE_MS, complaints, read, sources
from tests.support.browser import Lab, Visit, opened_lab

pytestmark = [pytest.mark.browser, pytest.mark.aws, pytest.mark.timeout(900)]

NOTEBOOK: Final = Path(__file__).parents[2] / "examples" / "notebooks" / "02_batch_arrays.ipynb"
EVALUATE: Final = "table = patients()"
# The array: what looks at the image is a job without children.
ARRAY: Final = ".cg-job:has(.cg-strip:not([hidden]))"
# What the strip shows and says, each time that it is another picture than 50 ms before.
RECORD: Final = """() => {
  window.strips = [];
  setInterval(() => {
    const job = document.querySelector('.cg-job:has(.cg-strip:not([hidden]))');
    if (!job) return;
    const [strip, facts] = ['.cg-cells', '.cg-push'].map((part) => job.querySelector(part));
    const now = [strip.toDataURL(), facts.textContent];
    const last = window.strips.at(-1);
    if (!last || last[0] !== now[0]) window.strips.push(now);
  }, 50);
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.mark.parametrize(
    ("samples", "dark"), [(40, False), pytest.param(208, True, marks=pytest.mark.slow)]
)
def test_the_strip_is_seen_changing(lab: Lab, samples: int, dark: bool) -> None:
    folder = lab.folder / f"arrays-{samples}"
    folder.mkdir()
    notebook = read(NOTEBOOK)
    text = json.dumps(notebook).replace("SAMPLES = 208", f"SAMPLES = {samples}")
    (folder / NOTEBOOK.name).write_text(text, "utf-8")
    evaluation = next(n for n, s in enumerate(sources(notebook)) if s.startswith(EVALUATE))

    visit = Visit(lab, f"{folder.name}/{NOTEBOOK.name}", dark=dark)
    page = visit.page
    page.evaluate(RECORD)
    visit.run()
    page.locator(f"{ARRAY} .cg-cells").first.wait_for(timeout=PATIENCE_MS, state="attached")
    visit.show_cell(evaluation)
    page.locator(f"{ARRAY} .cg-push", has_text="done").first.wait_for(timeout=PATIENCE_MS)
    page.screenshot(path=str(lab.folder / f"running-{samples}.png"))

    page.wait_for_function(ALL_RAN, timeout=PATIENCE_MS)
    strips: list[list[str]] = page.evaluate("window.strips")
    some = [said for _, said in strips[:: max(1, len(strips) // 5)]]
    print(f"{len(strips)} pictures of the strip: {some}")
    assert len({picture for picture, _ in strips}) >= 5
    assert any("running" in said for _, said in strips)
    visit.show_cell(evaluation)
    page.screenshot(path=str(lab.folder / f"settled-{samples}.png"))
    visit.save()
    ran = read(folder / NOTEBOOK.name)
    code: list[dict[str, Any]] = [cell for cell in ran["cells"] if cell["cell_type"] == "code"]
    assert complaints(code) == []
    assert (visit.outside, visit.errors) == ([], [])
    page.close()
