"""The house's walls: what is public, what an import costs, who imports whom, what ships."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

import cellgraph

REPOSITORY = Path(__file__).parents[2]
SOURCES = (
    REPOSITORY / "core" / "cellgraph",
    REPOSITORY / "executors" / "cellgraph_executors",
    REPOSITORY / "notebook_ext" / "cellgraph_notebook",
)
MAX_LINES = 400

PUBLIC = """
    CallCancelled CallTimeout CellgraphError CodecError ConfigError Dataset Dir ExecutorError
    Explanation ExportError Expression Failure File GraphError HostLost IdentityError LimitError
    OutOfMemory Partial Plan Run ScriptError Secret Session StoreError Task TaskError accept calls
    catch catch_all cond configure context control current_session diff evaluate explain get_call
    get_context get_run glue_context invalidate lineage plan progress register_value runs sandbox
    script seq spark submit task udf
""".split()

HEAVY = (
    "numpy pandas pyarrow pyspark boto3 botocore IPython ipykernel ipywidgets anywidget msgspec "
    "cloudpickle pebble psutil typer rich nbclient nbformat graphviz diskcache"
).split()


def modules() -> Iterator[Path]:
    for source in SOURCES:
        yield from sorted(source.rglob("*.py"))


def test_the_public_names_are_these() -> None:
    assert sorted(cellgraph.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(cellgraph, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="evalute"):
        _ = getattr(cellgraph, "evalute")  # noqa: B009  # a type checker would refuse the typo


def test_import_loads_no_heavy_library() -> None:
    """Also not when a graph is built: only evaluating may cost."""
    program = f"""
import json, sys
import cellgraph

@cellgraph.task
def double(x):
    return 2 * x

expression = [double(double(n)) + 1 for n in range(3)]
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(run.stdout) == []


def test_layers_hold() -> None:
    """import-linter's contracts in pyproject.toml: who may import whom."""
    program = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_front_end_files_fetch_nothing() -> None:
    """A notebook must work without a network: no address in what the browser loads."""
    static = sorted((SOURCES[2] / "static").rglob("*"))
    found = [
        (path.name, address)
        for path in static
        if path.is_file()
        for address in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`)]*", path.read_text("utf-8"))
        if not address.startswith("http://www.w3.org/")  # names of XML vocabularies, never fetched
    ]
    assert static
    assert found == []


def test_every_module_is_small_and_says_what_it_is() -> None:
    for path in modules():
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= MAX_LINES, f"{path} is too long: find its second idea"
        assert ast.get_docstring(ast.parse(text)), f"{path} does not say what it is"
        assert path.stem not in ("utils", "util", "helpers", "common"), f"{path}: name the idea"


def test_every_package_is_typed() -> None:
    for source in SOURCES:
        assert (source / "py.typed").is_file()


def test_entry_points_load() -> None:
    groups = {
        "cellgraph.executors": {"batch", "glue", "process", "spark", "thread"},
        "cellgraph.exporters": {"airflow", "cli", "cron", "eventbridge", "github"},
        "cellgraph.presenters": {"default"},
        "cellgraph.reporters": {"default"},
    }
    for group, names in groups.items():
        ours = [p for p in entry_points(group=group) if p.value.startswith("cellgraph_")]
        assert {point.name for point in ours} == names
        for point in ours:
            assert isinstance(point.load(), type)


def test_the_distribution_says_its_licence_and_command() -> None:
    about = metadata("cellgraph")
    assert about["License-Expression"] == "Apache-2.0"
    (command,) = [p for p in entry_points(group="console_scripts") if p.name == "cellgraph"]
    assert callable(getattr(importlib.import_module(command.module), command.attr))
