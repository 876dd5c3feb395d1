"""The notebook of heterogeneous steps, as large as it says, and seen in JupyterLab.

`make test` runs it as it is, with few rows.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.test_quickstart_browser import ALL_RAN, read, sources
from tests.support.browser import Lab, Visit, opened_lab

NOTEBOOK: Final = Path(__file__).parents[2] / "examples" / "notebooks" / "03_glue_spark.ipynb"
EVALUATE: Final = "table = readings("
_PATIENCE_MS: Final = 1_500_000
_WELL_UNDER_WAY_MS: Final = 8_000
# What the second copy does instead of `%evaluate`.
_AGAIN: Final = """
assert session.submit(days).result().shards == session.evaluate(days).shards
run = session.submit([days, trends, report(trends)])
pd.testing.assert_frame_equal(run.result()[-1], result)
assert run.counts.executed == 0
print(run.counts.reused, "calls found, none ran")
"""

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


def elsewhere(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """A second copy of the notebook, for another session on the store, which sends its Spark step
    to this machine: the tasks are defined again, and all that they have computed is found."""
    begin = 'session.close()\nsession = cg.configure(store=box.store, executors={"spark": {}})'
    steps = [source for source in sources(notebook) if source.startswith("%%task")]
    (evaluation,) = [source for source in sources(notebook) if source.startswith(EVALUATE)]
    copied = [begin, *steps, evaluation.partition("result = ")[0] + _AGAIN]
    edited = [
        re.sub("--executor glue.*", "--executor spark", s).replace("--executor batch", "")
        for s in copied
    ]
    assert sum("--executor spark" in source for source in edited) == 1
    (model, *_) = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [{**model, "id": f"copy-{n}", "source": source} for n, source in enumerate(edited)]


@pytest.mark.parametrize("rows", ["5_000_000"])
def test_spark_in_the_middle_of_five_million_rows(lab: Lab, rows: str) -> None:
    """Each cell runs, and the settled picture says where every step ran."""
    notebook = read(NOTEBOOK)
    assert "ROWS = 60_000" in json.dumps(notebook)
    notebook["cells"][-1:-1] = elsewhere(notebook)
    (lab.folder / NOTEBOOK.name).write_text(
        json.dumps(notebook).replace("ROWS = 60_000", f"ROWS = {rows}"), "utf-8"
    )
    evaluation = next(n for n, s in enumerate(sources(notebook)) if s.startswith(EVALUATE))
    visit = Visit(lab, NOTEBOOK.name)
    page = visit.page
    visit.run()
    page.locator(".cg-job").first.wait_for(timeout=_PATIENCE_MS, state="attached")
    visit.show_cell(evaluation)
    page.locator(".cg-run", has_text="Spark tasks").first.wait_for(timeout=_PATIENCE_MS)
    page.wait_for_timeout(_WELL_UNDER_WAY_MS)
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
    assert "28 calls found, none ran" in said
    assert "trend · AWS Batch array" in said
