"""Jobs of a warm sandbox are processes like any other."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.executors.sandbox.support.lab import Lab

import cellgraph as cg
from cellgraph.errors import ConfigError
from cellgraph.testing.executor_lab import user_code

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed]

_CODE = """
import os, sys
import cellgraph as cg
import numpy as np

@cg.task(executor="batch")
def look(i):
    print("looking", i)
    own = os.getpid()
    said = {"pid": own, "parent": os.getppid(), "group": os.getpgid(own), "session": os.getsid(own)}
    of_batch = {k: v for k, v in os.environ.items() if k.startswith("AWS_BATCH_JOB_ARRAY")}
    said |= {"environment": of_batch, "command": sys.argv[:3]}
    said |= {"home": os.environ["HOME"], "drawn": float(np.random.random())}
    if i == 2:
        sys.exit(7)
    if i == 3:
        os._exit(9)
    return said
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with cg.sandbox(vcpus=4, speed=300, warm=["numpy"]) as box:
        yield box


def test_each_child_is_a_process_of_its_own(box: Any, opened: Callable[..., Any]) -> None:
    watched = opened()
    look: Any = user_code(_CODE, "notebook_of_warm_calls")["look"]
    seen = watched.session.evaluate([look(i) for i in range(4)], fail="keep")
    one, two, left, died = seen
    assert one["pid"] == one["group"] == one["session"] != two["pid"]
    assert one["parent"] == two["parent"] != os.getpid()  # both were forked from it
    assert one["environment"] == {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "4"}
    assert one["command"] == ["cellgraph", "worker", "run"]
    assert one["home"] != two["home"] and not Path(one["home"]).exists()
    assert one["drawn"] != two["drawn"]
    assert isinstance(left.error, SystemExit)
    assert "exit code 9" in str(died.error) and "looking 3" in str(died.error)


def test_other_commands_are_started_as_ever(box: Any) -> None:
    lab = Lab(box)
    seen = lab.end(lab.submit("echo $PPID; exit 4"))
    assert seen["container"]["exitCode"] == 4
    assert lab.printed(seen) == [str(os.getpid())]


def hanging(lab: Lab) -> str:
    """A worker that asks for minutes at an address where nobody answers."""
    words = "cellgraph worker run --store s3://some-bucket/y --array a --manifest"
    job = lab.submit(
        definition=lab.define(container={"command": ["true"]}),
        containerOverrides={
            "command": [*words.split(), "0" * 64],
            "environment": [{"name": "AWS_ENDPOINT_URL", "value": "http://127.0.0.1:9"}],
        },
    )
    lab.until(job, {"RUNNING"})
    return job


def test_a_worker_that_hangs_is_killed(box: Any) -> None:
    """SIGTERM, and SIGKILL when the grace is over, to a process that the server has forked."""
    lab = Lab(box)
    wrong = lab.define(container={"command": ["cellgraph", "worker", "nonsense"]})
    assert lab.end(lab.submit(definition=wrong))["container"]["exitCode"] == 2
    job = hanging(lab)
    lab.batch.terminate_job(jobId=job, reason="enough")
    seen = lab.end(job)
    assert seen["status"] == "FAILED" and seen["container"]["exitCode"] in (137, 143)


def test_without_the_process_that_forks_jobs_end_and_others_say_why() -> None:
    with cg.sandbox(vcpus=4, speed=300, warm=()) as box:
        lab = Lab(box)
        job = hanging(lab)
        (server,) = [
            p
            for p in psutil.Process().children()
            if "forkserver" in " ".join(p.cmdline()) and str(box.folder) == p.cwd()
        ]
        server.kill()
        lab.batch.terminate_job(jobId=job, reason="enough")
        assert lab.end(job)["container"]["exitCode"] == 137
        wrong = lab.define(container={"command": ["cellgraph", "worker", "nonsense"]})
        assert (
            "the warm process has ended"
            in lab.end(lab.submit(definition=wrong))["container"]["reason"]
        )


def test_a_module_that_is_not_here_is_named() -> None:
    with (
        pytest.raises(ConfigError, match=r"no module 'nonesuch\.deep' is installed here"),
        cg.sandbox(warm=["nonesuch.deep"]),
    ):
        pass
