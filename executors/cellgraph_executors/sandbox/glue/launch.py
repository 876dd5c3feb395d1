"""From a run to a process: its script and files from S3, what it is told, where it prints."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cellgraph_executors.sandbox.batch.runner import CannotStart, Order, Runner, Running
from cellgraph_executors.sandbox.glue.hadoop import NO_COMPILER, library
from cellgraph_executors.sandbox.glue.model import Spec
from cellgraph_executors.sandbox.glue.sparkconf import write_conf
from cellgraph_executors.sandbox.logstreams import LogStreams

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What Glue takes for itself: a script does not see it. By its guide, "Using job parameters".
_TAKEN: Final = frozenset(
    "--scriptLocation --extra-py-files --additional-python-modules --extra-jars "
    "--python-modules-installer-option --extra-files --user-jars-first --conf "
    "--customer-driver-env-vars --customer-executor-env-vars --enable-metrics "
    "--enable-continuous-cloudwatch-log "
    "--enable-spark-ui --spark-event-logs-path --enable-auto-scaling --enable-job-insights "
    "--enable-observability-metrics --enable-glue-datacatalog --datalake-formats "
    "--job-language --executor-cores".split()
)
_URI: Final = re.compile(r"s3://([^/]+)/(.+)")
_TAIL_LINES: Final = 400


class CannotLaunch(Exception):
    """The text says why, as Glue would."""


class Launcher:
    """*environment*: what each process is given to reach the sandbox. *folder*: for their folders.
    *s3*: a client."""

    def __init__(
        self,
        runner: Runner,
        output: LogStreams,
        errors: LogStreams,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        s3: Callable[[], Any],
    ) -> None:
        self._runner = runner
        self._output = output
        self._errors = errors
        self._folder = folder
        self._environment = environment
        self._s3 = s3

    def prepare(self, spec: Spec) -> Order:
        """Fetch what a run needs; return the order for it. Raises CannotLaunch."""
        home = self._folder / spec.id
        home.mkdir(parents=True)
        try:
            return self._order(spec, home)
        except CannotLaunch:
            shutil.rmtree(home, ignore_errors=True)
            raise

    def _order(self, spec: Spec, home: Path) -> Order:
        said = spec.arguments
        script = self._fetch(said.get("--scriptLocation", spec.script), home)
        modules = _listed(said, "--additional-python-modules")
        on_path = [self._fetch(uri, home) for uri in _listed(said, "--extra-py-files")]
        fetched = [uri for uri in modules if uri.startswith("s3://") and not _is_here(uri)]
        on_path += [self._fetch(uri, home) for uri in fetched]
        for uri in _listed(said, "--extra-files"):
            self._fetch(uri, home)
        errors = self._errors.new(spec.id)
        names = [name for name in modules if name not in fetched]
        if names:
            errors.line(f"[sandbox: modules are this interpreter's; asked for: {', '.join(names)}]")
        if library() is None and find_spec("pyspark") is not None:
            errors.line(f"[sandbox: {NO_COMPILER}]")
        # A single file is importable from its folder, an archive by itself.
        path = [str(p.parent if p.suffix == ".py" else p) for p in on_path]
        variables = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{_SYSTEM_PATH}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
            "SPARK_CONF_DIR": str(write_conf(home / "conf", said.get("--conf", ""))),
            **_given(said.get("--customer-driver-env-vars", "")),
            **self._environment(),
        }
        if "JAVA_HOME" in os.environ:
            variables["JAVA_HOME"] = os.environ["JAVA_HOME"]
        command = (sys.executable, str(script), *_told(spec))
        return Order(command, variables, home, (), self._output.new(spec.id), errors)

    def start(self, order: Order, ended: Callable[[int], None]) -> Running:
        """Start it, see `Runner`. Raises CannotLaunch."""
        try:
            return self._runner.start(order, ended)
        except CannotStart as error:
            raise CannotLaunch(str(error)) from error

    def forget(self, order: Order) -> None:
        """It is not started after all."""
        shutil.rmtree(order.folder, ignore_errors=True)

    def printed(self, run: str) -> Sequence[str]:
        """The last lines that a run wrote to stderr."""
        stream = self._errors.find(run)
        if stream is None:
            return ()
        return [event.text for event in stream.read(stream.tail_offset())[0][-_TAIL_LINES:]]

    def close(self) -> None:
        """Kill what runs."""
        self._runner.close()

    def _fetch(self, uri: str, home: Path) -> Path:
        found = _URI.fullmatch(uri.strip())
        if found is None:
            raise CannotLaunch(f"{uri} is not an S3 path")
        target = home / found[2].rpartition("/")[2]
        s3 = self._s3()
        try:
            s3.download_file(found[1], found[2], str(target))
        except s3.exceptions.ClientError as error:
            raise CannotLaunch(f"File {uri} does not exist") from error
        return target


def _is_here(wheel: str) -> bool:
    """Whether this interpreter has what a wheel brings."""
    name = wheel.rpartition("/")[2].partition("-")[0]
    return name.isidentifier() and find_spec(name) is not None


def _listed(said: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in said.get(name, "").split(",") if part.strip()]


def _given(said: str) -> Mapping[str, str]:
    """Variables for the driver: Glue takes names that begin so, and one it knows."""
    pairs = (part.partition("=") for part in said.split(",") if "=" in part)
    return {
        name.strip(): value.strip().strip('"')
        for name, _, value in pairs
        if name.strip().startswith("CUSTOMER_")
    }


def _told(spec: Spec) -> list[str]:
    """Arguments of the script: its own, and those that Glue adds."""
    told = {
        "--job-bookmark-option": "job-bookmark-disable",
        **{name: value for name, value in spec.arguments.items() if name not in _TAKEN},
        "--JOB_ID": f"j_{spec.job}",
        "--JOB_RUN_ID": spec.id,
        "--JOB_NAME": spec.job,
    }
    return [word for name, value in told.items() for word in ((name, value) if value else (name,))]
