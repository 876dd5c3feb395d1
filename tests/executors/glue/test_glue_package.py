"""What a Glue run is given: a wheel that works by itself, definitions named by content."""

import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import pytest
from tests.executors.glue.support.spark_notebook import joined, rows

from cellgraph.errors import (
    CallCancelled,
    CallTimeout,
    ConfigError,
    ExecutorError,
    HostLost,
    OutOfMemory,
)
from cellgraph.executor import Function, Resources
from cellgraph_executors.glue.causes import cause
from cellgraph_executors.glue.definition import Assets, definition, run_request
from cellgraph_executors.glue.pins import pins_of
from cellgraph_executors.glue.places import asked_for, surroundings
from cellgraph_executors.glue.service import told
from cellgraph_executors.glue.settings import GlueSettings
from cellgraph_executors.remote.states import Fact
from cellgraph_executors.wheel import wheel

ASSETS = Assets("s3://b/w.py", ("s3://b/cellgraph.whl",))


def test_the_wheel_brings_a_worker_and_asks_for_what_it_imports(tmp_path: Path) -> None:
    asset = wheel()
    path = tmp_path / asset.name.rpartition("/")[2]
    path.write_bytes(asset.data)
    code = (
        f"import sys; sys.path.insert(0, {str(path)!r})\n"
        "import cellgraph, cellgraph_executors.glue.driver as driver\n"
        f"assert cellgraph.__file__.startswith({str(path)!r}), cellgraph.__file__\n"
        "try:\n    driver.drive(['run', '--store', 's3://b/p', '--nonsense'])\n"
        "except driver.WorkerFailed as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "exit code 2" in done.stdout, done.stderr
    with zipfile.ZipFile(BytesIO(asset.data)) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert {"blake3", "cloudpickle", "msgspec"} == {
        line.split()[1].split(">")[0] for line in metadata.splitlines() if "Requires-Dist" in line
    }
    assert not [name for name in names if "sandbox" in name or "testing" in name]


def test_a_definition_is_named_by_all_that_changes_a_run() -> None:
    base = GlueSettings(role="r")
    first = definition(base, ASSETS, {})
    assert first["GlueVersion"] == "5.0" and first["MaxRetries"] == 0
    assert first["DefaultArguments"]["--additional-python-modules"] == "s3://b/cellgraph.whl"
    assert definition(base, ASSETS, {})["Name"] == first["Name"]
    others = [
        definition(GlueSettings(role="r", workers=3), ASSETS, {}),
        definition(GlueSettings(role="r", flex=True), ASSETS, {}),
        definition(GlueSettings(role="r", additional_python_modules=["x==1"]), ASSETS, {}),
        definition(GlueSettings(role="r", job_definition={"Timeout": 9}), ASSETS, {}),
        definition(base, ASSETS._replace(script="s3://b/other.py"), {}),
        definition(base, ASSETS, {"team": "a"}),
    ]
    assert len({made["Name"] for made in (first, *others)}) == 7
    assert others[2]["DefaultArguments"]["--additional-python-modules"].endswith(".whl,x==1")
    with pytest.raises(ConfigError, match="role="):
        definition(GlueSettings(), ASSETS, {})


def test_packages_that_code_names_are_those_of_here() -> None:
    function = Function("rows", rows.func, b"c")
    assert pins_of(function) == (f"pandas=={version('pandas')}",)
    assert pins_of(Function("joined", joined.func, b"c")) == ()  # Spark is Glue's own


def test_a_run_has_one_argument_and_a_timeout_that_leaves_the_worker_time() -> None:
    made = run_request("job", ["run", "--store", "s3://b/a b"], Resources(timeout_s=90), 2)
    assert made["Arguments"] == {"--cellgraph": "run --store 's3://b/a b'"}
    assert made["Timeout"] == 5  # 2 x 90 s and what a start takes, in minutes
    assert "Timeout" not in run_request("job", [], Resources(), 1)


def test_what_a_run_of_glue_means() -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    waits = {"Id": "jr_1", "JobRunState": "WAITING", "StateDetail": "no room"}
    seen, fact = told(waits, "job")
    assert (seen.over, seen.waiting, seen.running, seen.reason) == ("", 1, 0, "no room")
    assert (fact.id, fact.started, fact.stopped) == ("jr_1@job", 0.0, 0.0)
    stopping, _ = told({"Id": "jr_1", "JobRunState": "STOPPING"}, "job")
    assert (stopping.over, stopping.running) == ("", 1)
    ended = {"Id": "jr_1", "CompletedOn": moment, "ExecutionTime": 60, "DPUSeconds": 90.0}
    seen, fact = told({**ended, "JobRunState": "SUCCEEDED"}, "job")
    assert (seen.over, seen.done, seen.vcpu_s) == ("done", 1, 360.0)
    assert fact.stopped - fact.started == 60
    for state in ("FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"):
        seen, fact = told({**ended, "JobRunState": state, "ErrorMessage": "why"}, "job")
        assert (seen.over, seen.failed, seen.reason) == ("failed", 1, "why")
        assert (fact.reason, fact.container) == (state, "why")


@pytest.mark.parametrize(
    ("state", "message", "kind", "said"),
    [
        ("STOPPED", "", CallCancelled, "stopped"),
        ("TIMEOUT", "", CallTimeout, "timeout_s="),
        ("FAILED", "Command Failed due to Out of Memory", OutOfMemory, "worker_type"),
        ("FAILED", "Resource unavailable", HostLost, "no machines"),
        ("FAILED", "Max concurrent job runs per account exceeded", HostLost, "per account"),
        ("EXPIRED", "", HostLost, "EXPIRED"),
        ("FAILED", "LAUNCH ERROR | x", ExecutorError, "LAUNCH ERROR"),
    ],
)
def test_why_a_run_left_nothing(
    state: str, message: str, kind: type[ExecutorError], said: str
) -> None:
    error = cause("fit", Fact(0, -1, state, message, 0.0, 0.0, "jr@job"), "last words\n")
    assert type(error) is kind and said in str(error) and str(error).startswith("fit: ")
    assert ("last words" in str(error)) == (state == "FAILED" or state == "EXPIRED")


def test_what_glue_has_of_its_own() -> None:
    """Spark, and what the settings ask for; everything where nothing is pinned."""
    plain = GlueSettings()
    place = surroundings(plain, {"workers": 20, "glue_version": "5.0"})
    assert (place.name, place.documented) == ("AWS Glue 5.0", {"pyspark": "3.5.4"})
    assert place.own is not None and "pyspark" in place.own and "pandas" not in place.own
    assert place.options == {"workers": 2, "glue_version": "5.0"}
    wheel = "s3://b/my_tool-1.0-py3-none-any.whl"
    asked = GlueSettings(
        glue_version="5.1", additional_python_modules=[wheel, "Light_GBM[x]>=4", "polars==1.2"]
    )
    place = surroundings(asked, {})
    assert place.name == f"AWS Glue 5.1 with Light_GBM[x]>=4, polars==1.2, {wheel}"
    assert place.own is not None and {"my-tool", "light-gbm", "polars"} < place.own
    assert surroundings(GlueSettings(pin_packages=False), {}).own is None


def test_a_package_that_is_asked_for_is_not_pinned() -> None:
    """pip would be given two versions of it."""
    assert asked_for(GlueSettings(additional_python_modules=["pandas==2.2.3"])) == {"pandas"}
