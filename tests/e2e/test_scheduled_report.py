"""The example of a scheduled report, exported to every target: its bundle, byte for byte, and
whether those it is meant for take it.

After a change that is meant: `UPDATE_GOLDEN=1 pytest tests/e2e/test_scheduled_report.py`.
"""

import ast
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cellgraph.errors import ExportError
from cellgraph.exported.bundle import RUN, read_bundle
from cellgraph.exported.schedule import schedule
from cellgraph_notebook.export.exporting import Asked, Exported, export
from cellgraph_notebook.export.reporting import target_of

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebooks" / "04_scheduled_report.ipynb"
GOLDEN = Path(__file__).parent / "golden" / "station"
TARGETS = ("cli", "cron", "eventbridge", "github", "airflow")
# Of the interpreter that runs the tests, not of the bundle.
PYTHON = f'"{sys.version_info[0]}.{sys.version_info[1]}"'


def exported(*to: str, **how: Any) -> Exported:
    asked: dict[str, Any] = {
        "name": "station", "target": "result", "schedule": schedule("0 6 2 1 *", "UTC"),
        "retries": 2, "given": (("source", "s3://bucket/station"),), **how,
    }  # fmt: skip
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    return export(notebook, Asked(**asked), [target_of(name) for name in to], "pandas==2.2.3\n")


def comparable(files: Mapping[str, bytes]) -> dict[str, str]:
    """The texts of a bundle without what the interpreter decides. The notebook is its source."""
    texts = {name: data.decode().replace(PYTHON, '"3.X"') for name, data in files.items()}
    texts[RUN] = texts[RUN].partition("\n[files]")[0]  # digests of what is compared here
    texts.pop("notebook.ipynb")
    return texts


def test_the_bundle_for_every_target_is_as_it_was() -> None:
    made = exported(*TARGETS)
    found = comparable(made.bundle.files)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (GOLDEN / f"{name}.golden").write_text(text, "utf-8")
    wanted = {p.name.removesuffix(".golden"): p.read_text("utf-8") for p in GOLDEN.iterdir()}
    assert found == wanted
    assert exported(*TARGETS).bundle.id == made.bundle.id
    assert [left.cell for left in made.slice.left] == [1, 3, 8, 9, 10, 11, 12, 13, 14]


def test_a_local_folder_is_no_source_on_another_machine(tmp_path: Path) -> None:
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("cg.Dir(source)", 'cg.Dir("station")')
    asked = Asked("station", "result", schedule("0 6 2 1 *", "UTC"))
    with pytest.raises(ExportError, match="cell 7 line 1: 'station' is a path of this machine"):
        export(notebook, asked, [target_of("eventbridge")], "")
    exported("cron").bundle.write(tmp_path / "station.run")
    assert read_bundle(tmp_path / "station.run").spec.given == (("source", "s3://bucket/station"),)


def test_a_real_cron_takes_the_line_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    text = exported("cron").bundle.files["crontab.txt"].decode()
    good.write_text(text)
    assert _checked_by_cron(good).returncode == 0, _checked_by_cron(good).stderr
    bad.write_text(text.replace("0 * * * *", "0 * * *"))
    assert _checked_by_cron(bad).returncode != 0


def _checked_by_cron(path: Path) -> "subprocess.CompletedProcess[str]":
    """Ask cron whether it takes a file, without installing it: Debian's says -n, others -T."""
    for option in ("-T", "-n"):
        done = subprocess.run(
            ["crontab", option, str(path)], capture_output=True, text=True, check=False
        )
        if "invalid option" not in done.stderr and "usage" not in done.stderr:
            return done
    raise AssertionError(done.stderr)


def test_the_workflow_is_one_of_github(tmp_path: Path) -> None:
    good, bad = tmp_path / "workflow.yml", tmp_path / "bad.yml"
    text = exported("github", alert="env:WHOM").bundle.files["workflow.yml"].decode()
    assert text.endswith("        env:\n          WHOM: ${{ secrets.WHOM }}\n")
    good.write_text(text)
    bad.write_text(text.replace("runs-on:", "runs_on:"))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    check.append("vendor.github-workflows")
    done = subprocess.run([*check, str(good)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert subprocess.run([*check, str(bad)], capture_output=True, check=False).returncode == 1


def test_the_dag_is_python_with_one_task() -> None:
    tree = ast.parse(exported("airflow").bundle.files["dag.py"].decode())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {ast.unparse(call.func): {k.arg: k.value for k in call.keywords} for call in calls}
    assert ast.literal_eval(named["DAG"]["schedule"]) == "0 6 2 1 *"
    command = ast.literal_eval(named["BashOperator"]["bash_command"])
    assert command.startswith("cellgraph run . --at {{")


@pytest.mark.slow
def test_airflow_itself_reads_the_dag(tmp_path: Path) -> None:
    """In an environment of its own: Airflow pins what others need in other versions."""
    environment = tmp_path / "airflow"
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "apache-airflow>=2.10"], check=True)
    folder = tmp_path / "dags"
    exported("airflow").bundle.write(folder)
    look = (
        "import runpy, sys\n"
        "from airflow import DAG\n"
        "names = runpy.run_path(sys.argv[1])\n"
        "import gc\n"
        "dag, = [each for each in gc.get_objects() if isinstance(each, DAG)]\n"
        "print(dag.dag_id, dag.schedule, dag.max_active_runs, *dag.task_ids)\n"
    )
    done = subprocess.run(
        [python, "-c", look, str(folder / "dag.py")], capture_output=True, text=True, check=False,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "station 0 6 2 1 * 1 run"
