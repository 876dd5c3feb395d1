"""The targets that need no account: by hand, cron, GitHub Actions, Airflow.

The last two are templates, and the example of how another package adds one (`exported.target`).
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cellgraph.errors import ExportError
from cellgraph.exported.alert import VARIABLE
from cellgraph.exported.bundle import LOCK, RunSpec
from cellgraph.exported.due import looks
from cellgraph.exported.schedule import Schedule

_WORKFLOW: Final = """\
name: {name}
on:
  schedule:
    - cron: "{cron}"
  workflow_dispatch:
concurrency:
  group: {name}
jobs:
  run:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      - run: pip install -r {lock}
        working-directory: ${{{{ vars.CELLGRAPH_BUNDLE || '.' }}}}
      - run: cellgraph run .
        working-directory: ${{{{ vars.CELLGRAPH_BUNDLE || '.' }}}}
{variables}"""
_VARIABLE: Final = """\
        env:
          {name}: ${{{{ secrets.{name} }}}}
"""
_DAG: Final = '''\
"""{name}: made by `cellgraph export`; put the bundle's folder beside this file."""

from datetime import datetime
from pathlib import Path

import pendulum
from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # before Airflow 3
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id="{name}",
    schedule="{cron}",
    start_date=datetime(2026, 1, 1, tzinfo=pendulum.timezone("{zone}")),
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="run",
        # it tries again by itself; what has a result is not run again
        bash_command="cellgraph run . --at "
        "{{{{ (data_interval_end or dag_run.run_after).isoformat() }}}}",
        cwd=str(Path(__file__).parent),
    )
'''


def _schedule_of(spec: RunSpec, what: str) -> Schedule:
    if spec.schedule is None:
        raise ExportError(f"{what} needs --schedule, for example --schedule '0 6 * * 1-5'")
    return spec.schedule


class ByHand:
    """`cellgraph run FOLDER`, whenever somebody says so."""

    remote = False

    def check(self, spec: RunSpec) -> None:
        """Anything can be run by hand."""

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """None beside the run itself."""
        return {}

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """The command."""
        return f"cellgraph run {shlex.quote(str(folder))}"


class Cron:
    """A line of a crontab. Cron has no zones that can be relied upon, so the line looks each hour
    whether the run is due; that also makes up for the last run that a sleeping machine missed."""

    remote = False

    def check(self, spec: RunSpec) -> None:
        """It has to be due at some time."""
        _schedule_of(spec, "cron")

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """`crontab.txt`; PLACE stands for the notebook's folder, FOLDER for the bundle's."""
        return {"crontab.txt": self._lines(spec, "PLACE", "FOLDER", "cellgraph")}

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """The lines to add."""
        begin, where = (shlex.quote(str(each.resolve())) for each in (place, folder))
        lines = self._lines(spec, begin, where, _command())
        return f"add to `crontab -e`:\n{lines}".rstrip()

    def _lines(self, spec: RunSpec, place: str, folder: str, command: str) -> str:
        due = _schedule_of(spec, "cron")
        # cron begins in the home folder, where the project's settings are not, and reads % as a
        # new line
        run = f"cd {place} && {command} run {folder} --if-due".replace("%", r"\%")
        return f"# {spec.name}: due at {due}\n{looks(due)} {run}\n"


class GitHub:
    """A workflow of GitHub Actions, whose schedules are in UTC."""

    remote = True

    def check(self, spec: RunSpec) -> None:
        """It has to be due at some time, and that in UTC."""
        due = _schedule_of(spec, "github")
        if due.zone not in ("UTC", "Etc/UTC"):
            raise ExportError(
                f"github: its schedules are in UTC, so --tz {due.zone} would be wrong for half of "
                "the year: say --tz UTC and the hour there, or export to cron or airflow"
            )

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """`workflow.yml`."""
        cron = _schedule_of(spec, "github").cron
        _, env, name = spec.alert.partition(VARIABLE)
        filled = _WORKFLOW.format(
            name=spec.name, cron=cron, python=spec.python, lock=LOCK,
            variables=_VARIABLE.format(name=name) if env else "",
        )  # fmt: skip
        return {"workflow.yml": filled}

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """Where it goes."""
        return (
            f"commit {folder.name}/, copy {folder.name}/workflow.yml to .github/workflows/"
            f"{spec.name}.yml, and set the repository variable CELLGRAPH_BUNDLE to the folder"
        )


class Airflow:
    """A DAG with one task."""

    remote = True

    def check(self, spec: RunSpec) -> None:
        """It has to be due at some time."""
        _schedule_of(spec, "airflow")

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """`dag.py`."""
        due = _schedule_of(spec, "airflow")
        made = _DAG.format(name=spec.name, cron=due.cron, zone=due.zone)
        return {"dag.py": made}

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """Where it goes."""
        return f"copy {folder.name}/ into Airflow's folder of DAGs"


def _command() -> str:
    """The command of this environment: cron has a path of its own."""
    import sys

    beside = Path(sys.executable).with_name("cellgraph")
    return shlex.quote(str(beside)) if beside.is_file() else "cellgraph"
