"""The notebook of heterogeneous steps, as large as it says, and seen in JupyterLab.

`make test` runs it as it is, with few rows.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.test_quickstart_browser import ALL_RAN, read, sources
from tests.support.browser import Lab, Visit, opened_lab

NOTEBOOK: Final = Path(__file__).parents[2] / "examples" / "notebooks" / "03_glue_spark.ipynb"
EVALUATE: Final = "table = readings("
_PATIENCE_MS: Final = 1_500_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.aws,
    pytest.mark.spark,
    pytest.mark.timeout(1700),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.mark.parametrize("rows", ["5_000_000"])
def test_spark_in_the_middle_of_five_million_rows(lab: Lab, rows: str) -> None:
    """Each cell runs, and the settled picture says where every step ran."""
    notebook = read(NOTEBOOK)
    assert "ROWS = 60_000" in json.dumps(notebook)
    (lab.folder / NOTEBOOK.name).write_text(
        json.dumps(notebook).replace("ROWS = 60_000", f"ROWS = {rows}"), "utf-8"
    )
    evaluation = next(n for n, s in enumerate(sources(notebook)) if s.startswith(EVALUATE))
    visit = Visit(lab, NOTEBOOK.name)
    page = visit.page
    visit.run()
    page.locator(".cg-job").first.wait_for(timeout=_PATIENCE_MS, state="attached")
    visit.show_cell(evaluation)
    page.screenshot(path=str(lab.folder / "running.png"))
    page.wait_for_function(ALL_RAN, timeout=_PATIENCE_MS)
    visit.show_cell(evaluation)
    page.screenshot(path=str(lab.folder / "settled.png"))
    visit.save()
    print(lab.folder)
    ran = read(lab.folder / NOTEBOOK.name)
    code: list[dict[str, Any]] = [cell for cell in ran["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]
    said = json.dumps(ran, ensure_ascii=False)
    assert "daily · AWS Glue run" in said
    assert "trend · AWS Batch array" in said
