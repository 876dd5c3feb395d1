"""The executed notebook of a run: the bundle's own, with what its cells printed and gave. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

from cellgraph.exported.bundle import NOTEBOOK, Bundle
from cellgraph_notebook.reports.values import formats_of
from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.static_view import run_bundle

_INJECTED: Final = "injected-parameters"  # papermill's tag
_PARAMETERS: Final = "cell-parameters"


def executed_notebook(
    bundle: Bundle,
    parameters: Mapping[str, Any],
    printed: Mapping[str, str],
    snapshot: Snapshot,
    outcome: Mapping[str, Any],
) -> str:
    """The notebook as JSON. *outcome* is the output that stands for the run's value or error.

    Cells that the run left out stay without a number and without outputs. What was set of the
    parameters stands in a cell of its own, and the target in the last one.
    """
    whole: dict[str, Any] = json.loads(bundle.files[NOTEBOOK])
    cells: list[dict[str, Any]] = whole["cells"]
    ran = set(_cells_that_run(bundle))
    numbered = [cell for cell in cells if cell["cell_type"] == "code"]
    order = 0
    for number, cell in enumerate(numbered, 1):
        if number in ran:
            order += 1
            cell["execution_count"] = order
            cell["outputs"] = _stream(printed.get(str(number), ""))
    if parameters:
        text = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        made = _cell(_PARAMETERS, text, None, [], [_INJECTED])
        cells.insert(_after_parameters(cells, numbered), made)
    data, metadata = run_bundle(snapshot)
    view = {"output_type": "display_data", "data": data, "metadata": metadata}
    outputs = [*_stream(printed.get("target", "")), view, dict(outcome)]
    target = f"%evaluate {bundle.spec.target}"
    cells.append(_cell("cell-target", target, order + 1, outputs, []))
    if whole.get("nbformat_minor", 0) < 5:
        for cell in cells:
            cell.pop("id", None)
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def value_output(value: Any) -> dict[str, Any]:
    """The output of a cell whose last line has this value."""
    return {
        "output_type": "execute_result",
        "data": formats_of(value),
        "metadata": {},
        "execution_count": None,
    }


def error_output(text: str) -> dict[str, Any]:
    """The output of a cell that failed."""
    first, _, rest = text.partition("\n")
    name, _, value = first.partition(": ")
    return {
        "output_type": "error",
        "ename": name,
        "evalue": value,
        "traceback": [first, *rest.strip("\n").split("\n")],
    }


def _cells_that_run(bundle: Bundle) -> list[int]:
    import tomllib

    from cellgraph.exported.bundle import RUN

    found: list[int] = tomllib.loads(bundle.files[RUN].decode())["cells"]["run"]
    return found


def _after_parameters(cells: list[dict[str, Any]], numbered: list[dict[str, Any]]) -> int:
    for cell in numbered:
        tags = cell.get("metadata", {}).get("tags", ())
        if "parameters" in tags or cell["source"].startswith("%%params"):
            return cells.index(cell) + 1
    return 0


def _stream(text: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _cell(
    id: str, source: str, number: int | None, outputs: list[dict[str, Any]], tags: list[str]
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": id,
        "source": source,
        "execution_count": number,
        "outputs": outputs,
        "metadata": {"tags": tags} if tags else {},
    }
