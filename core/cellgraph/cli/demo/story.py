"""The demo's three runs: what each did, taken from the store's own record of runs."""

import copy
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from cellgraph.cli import notebooks
from cellgraph.cli.demo.quickstart import Quickstart
from cellgraph.errors import StoreError
from cellgraph.provenance import RunSummary
from cellgraph.session import Session

Progress = Callable[[str], None]


class Part(NamedTuple):
    """What one execution is about."""

    key: str
    title: str
    lead: str


PARTS: Final = (
    Part("first", "First run", "Nothing is known yet, so everything runs."),
    Part("again", "Again, in a new kernel", "Same code, same data: nothing runs."),
    Part("edited", "After a helper was edited", "Only what depends on it runs."),
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One execution of the notebook."""

    part: Part
    run: RunSummary  # of the evaluation of the whole analysis
    wall_s: float  # the whole notebook, the start of its kernel included
    graph_svg: str
    result_html: str
    figure_png: str  # base64
    notebook: Path


def tell(quickstart: Quickstart, out: Path, progress: Progress) -> Iterator[Chapter]:
    """Run the notebook three times over one new store in *out*, yielding each when it is done.

    Raises StoreError, CellError. *progress* hears what is going on.
    """
    store = _fresh(out / "store")
    sources = (quickstart.plain, quickstart.plain, quickstart.edited)
    for number, (part, source) in enumerate(zip(PARTS, sources, strict=True), 1):
        path = out / f"{number}-{part.key}.ipynb"
        yield _execute(part, copy.deepcopy(source), path, store, progress)


def _execute(
    part: Part, notebook: notebooks.Notebook, path: Path, store: Path, progress: Progress
) -> Chapter:
    cells = notebook["cells"]
    code = [index for index, cell in enumerate(cells) if cell["cell_type"] == "code"]
    known = {run.id for run in _runs(store)}
    began = time.perf_counter()
    try:
        notebooks.execute(
            notebook,
            path.parent,
            environment={"CELLGRAPH_STORE": str(store.resolve()), "CELLGRAPH_DISPLAY": "static"},
            on_start=lambda index, _: progress(f"cell {code.index(index) + 1} of {len(code)}"),
        )
    finally:
        notebooks.write(notebook, path)
    wall_s = time.perf_counter() - began
    new = [run for run in _runs(store) if run.id not in known]
    if not new:
        raise StoreError(f"{path.name} left no run in {store}: look at its outputs")
    evaluate = cells[notebooks.tagged(cells, "evaluate")]
    figure = cells[notebooks.tagged(cells, "figure")]
    return Chapter(
        part=part,
        run=min(new, key=lambda run: run.started),
        wall_s=wall_s,
        graph_svg="".join(notebooks.output_data(evaluate, "image/svg+xml")[:1]),
        result_html="".join(
            notebooks.output_data(evaluate, "text/html", kind="execute_result")[-1:]
        ),
        figure_png="".join(notebooks.output_data(figure, "image/png")[-1:]),
        notebook=path,
    )


def _runs(store: Path) -> list[RunSummary]:
    with Session(store) as session:
        return session.run_summaries()


def _fresh(store: Path) -> Path:
    """Empty the demo's own store, so that the first run starts from nothing.

    Raises StoreError for a folder that is not a store: it is someone's, and stays.
    """
    if store.exists():
        if not (store / "format.json").is_file():
            raise StoreError(f"{store} is not a store: name another folder with --out")
        shutil.rmtree(store)
    return store
