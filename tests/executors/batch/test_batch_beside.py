"""Scripts in images that have bash and no Python: the same values, digests and errors as here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.executors.support.processes import lives
from tests.support.aws import aws

import cellgraph as cg
from cellgraph.errors import CallCancelled
from cellgraph.events import RemoteJobAdded
from cellgraph.testing.executor_lab import eventually
from cellgraph_executors.batch.beside import SCRIPT, WORKER, WORKER_VCPUS

pytestmark = pytest.mark.aws

# A real one, so that a live run has it too; in the sandbox it is a label for these programs.
IMAGE: Final = "public.ecr.aws/docker/library/bash:5.2"
PROGRAMS: Final = "bash cat ls mkdir readlink seq sleep sort".split()


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    with aws(vcpus=16, images={IMAGE: PROGRAMS, "of sh": ["sh"]}) as box:
        yield box


def counted(i: int, executor: str, **more: Any) -> Any:
    """A script that needs files, lists and odd texts, and fails for 2 and 3."""
    return cg.script(
        """
        cat "$rows" "$more"/* - > "$all"
        for word in "${words[@]}"; do echo "$word" > "$parts/$i.txt"; done
        : > "$none"
        printf '%s' "$odd"
        echo "said $i" >&2
        test "$i" -ne 2
        case $i in 3) exec cat no-such-file ;; esac
        """,
        inputs={
            "i": i,
            "rows": cg.File("in put's $x.txt"),
            "more": cg.Dir("more"),
            "words": ["one", "two words"],
            "odd": "a 'b' \"c\" $d\n`e`",
        },
        outputs={"all": "a ll.txt", "parts": "parts/*.txt", "none": "none", "text": "-"},
        stdin="of stdin\n",
        executor=executor,
        **more,
    )


def test_an_array_in_an_image_of_bash_alone(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """One SubmitJob; what is kept is what a script keeps here, so each side finds the other's."""
    (tmp_path / "cellgraph.toml").touch()
    (tmp_path / "in put's $x.txt").write_text("from the kernel\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.txt").write_text("and a folder\n")
    watched = opened()
    session = watched.session
    session.evaluate(counted(4, "thread"))
    calls = [counted(i, "batch", image=IMAGE) for i in range(5)]
    run = session.submit(calls, fail="keep")
    values = run.result()
    assert (run.counts.executed, run.counts.reused) == (2, 1)
    assert [job.kind for job in watched.of(RemoteJobAdded)] == ["array"]
    assert [isinstance(value, cg.Failure) for value in values] == [False, False, True, True, False]
    errors = [value.error for value in values[2:4]]
    assert all(isinstance(error, cg.ScriptError) for error in errors)
    assert [error.exit_code for error in errors] == [1, 1]
    assert [error.stderr.splitlines()[0] for error in errors] == ["said 2", "said 3"]
    assert values[1]["text"] == "a 'b' \"c\" $d\n`e`"
    assert values[1]["all"].read_text() == "from the kernel\nand a folder\nof stdin\n"
    assert [file.read_text() for file in values[1]["parts"]] == ["two words\n"]
    assert values[1]["none"].size_bytes == 0
    here = session.submit(counted(1, "thread"))  # what was made there
    assert here.result()["all"] == values[1]["all"]
    assert (here.counts.executed, here.counts.reused) == (0, 1)


def containers(box: Any, watched: Any) -> list[dict[str, Any]]:
    """Of the job that left last."""
    job = watched.of(RemoteJobAdded)[-1].job
    found: dict[str, Any] = box.client("batch").describe_jobs(jobs=[job])["jobs"][0]
    made: list[dict[str, Any]] = found["ecsProperties"]["taskProperties"][0]["containers"]
    return made


def test_several_calls_of_one_child_and_what_they_ask_for(
    box: Any, opened: Callable[..., Any]
) -> None:
    """Their container is one; what a call leaves running ends with it."""

    def call(i: int) -> Any:
        return cg.script(
            """
            sleep 600 &
            test "$i" -ne 1
            echo "$i of $AWS_BATCH_JQ_NAME"
            """,
            inputs={"i": i},
            executor="batch",
            image=IMAGE,
            calls_per_job=3,
            vcpus=2,
            memory_gib=3,
        )

    watched = opened()
    values = watched.session.evaluate([call(i) for i in range(3)], fail="keep")
    assert [isinstance(value, cg.Failure) for value in values] == [False, True, False]
    assert values[2] == f"2 of {box.batch['queue']}\n"
    script, worker = containers(box, watched)
    needs = {each["type"]: each["value"] for each in script["resourceRequirements"]}
    assert (script["name"], script["image"], needs) == (
        SCRIPT,
        IMAGE,
        {"VCPU": "2", "MEMORY": "3072"},
    )
    assert (worker["name"], worker["image"]) == (WORKER, box.batch["image"])
    assert watched.of(RemoteJobAdded)[-1].vcpus == 2 + WORKER_VCPUS


def test_too_long(opened: Callable[..., Any]) -> None:
    call = cg.script("sleep 600", executor="batch", image=IMAGE, timeout_s=1.5)
    with pytest.raises(cg.TaskError, match="ran longer than timeout_s="):
        opened().session.evaluate(call)


@pytest.mark.sandboxed
def test_without_python_a_lost_host_costs_nothing_and_a_secret_travels_by_name(
    box: Any, opened: Callable[..., Any]
) -> None:
    box.faults.lose_host(when="end")
    command = 'command -v python python3 || echo "${#key}"'
    call = cg.script(command, inputs={"key": cg.Secret("env:KEY")}, executor="batch",
                     image=IMAGE)  # fmt: skip
    settings = {"environment": {"KEY": "twelve chars"}}
    assert opened(**settings).session.evaluate(call) == "12\n"


@pytest.mark.sandboxed
def test_an_image_that_cannot_be_described_says_what_to_do(opened: Callable[..., Any]) -> None:
    """Once, also where failures are kept, and nothing else is sent."""

    @cg.task(executor="batch", image="of sh")
    def with_a_package(x: int) -> float:
        return float(np.sin(x))

    watched = opened()
    calls = [with_a_package(i) for i in range(2)]
    with pytest.raises(cg.TaskError, match=r"describe image of sh .* has no cellgraph: `cellgraph"):
        watched.session.evaluate(calls, fail="keep")
    assert [job.task for job in watched.of(RemoteJobAdded)] == ["describe image of sh"]


@pytest.mark.sandboxed
def test_an_image_without_bash_says_so(opened: Callable[..., Any]) -> None:
    call = cg.script("echo never", executor="batch", image="of sh")
    with pytest.raises(cg.TaskError, match='"bash": executable file not found'):
        opened().session.evaluate(call)


def test_what_cannot_be_is_refused_before_anything_is_stored(
    box: Any, opened: Callable[..., Any]
) -> None:
    @cg.task(executor="batch", helper_image="with-cellgraph", image=IMAGE)
    def python(x: int) -> int:
        return x

    @cg.task(executor="batch")
    def with_a_package(x: int) -> float:
        return float(np.sin(x))

    session = opened().session
    box.forget_requests()
    with pytest.raises(cg.CellgraphError, match="only scripts can"):
        session.evaluate(python(1))
    bare = opened(image=IMAGE, helper_image=box.batch["image"]).session
    with pytest.raises(cg.CellgraphError, match="only scripts can"):
        bare.evaluate(with_a_package(1))
    call = cg.script(
        "echo never",
        executor="batch",
        image=IMAGE,
        job_definition={"containerProperties": {"instanceType": "m5.large"}},
    )
    with pytest.raises(cg.TaskError, match="instanceType is not for a script"):
        session.evaluate(call)
    asked = {action for service, action in box.requests if service == "batch"}
    assert not asked & {"RegisterJobDefinition", "SubmitJob"}


@pytest.mark.sandboxed
def test_a_cancelled_call_ends_with_all_that_it_started(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"

    def alive() -> list[str]:
        """Of those that were noted."""
        found = pids.read_text().split() if pids.exists() else []
        return [pid for pid in found if lives(pid)]

    call = cg.script(
        'sleep 600 & echo "$$ $!" > "$pids"; wait',
        inputs={"pids": str(pids)},
        executor="batch",
        image=IMAGE,
    )
    run = opened().session.submit(call)
    eventually(lambda: len(alive()) == 2)
    run.cancel()
    with pytest.raises(CallCancelled):
        run.result()
    eventually(lambda: not alive())


@pytest.mark.slow
@pytest.mark.sandboxed
def test_a_mounted_bucket_is_read_where_it_is(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Both containers have the mount, so a file of it is no copy; one that is elsewhere is."""
    bucket = box.store.removeprefix("s3://").split("/")[0]
    for name in ("a", "b"):
        box.client("s3").put_object(Bucket=bucket, Key=f"raw/{name}.txt", Body=b"in S3")
    mount = tmp_path / "fsx"
    (mount / "ns").mkdir(parents=True)
    (mount / "ns" / "a.txt").write_text("on fs")  # of the same size
    fsx = {"mount": str(mount), "links": {"/ns": f"s3://{bucket}/raw"}}
    files = [cg.File(f"s3://{bucket}/raw/{name}.txt") for name in ("a", "b")]
    call = cg.script(
        'for f in "${files[@]}"; do readlink "$f"; cat "$f"; echo; done',
        inputs={"files": files},
        executor="batch",
        image=IMAGE,
    )
    link, text, copied, other = opened(fsx=fsx).session.evaluate(call).splitlines()
    assert (link, text, other) == (str(mount / "ns" / "a.txt"), "on fs", "in S3")
    assert copied.startswith("/cellgraph/")


@pytest.mark.slow
@pytest.mark.sandboxed
def test_hosts_that_are_lost_while_scripts_run(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Each is tried again, one fails for good, and nothing is left running of any attempt."""
    pids = tmp_path / "pids"
    pids.mkdir()
    lost = range(0, 24, 3)
    for child in lost:
        box.faults.lose_host(child=child, when=2.0)

    def call(i: int) -> Any:
        return cg.script(
            """
            sleep 600 &
            echo "$$ $!" > "$pids/$i-$AWS_BATCH_JOB_ATTEMPT"
            sleep 3
            seq 20000 > "$all"
            echo "$i" >> "$all"
            test "$i" -ne 7
            """,
            inputs={"i": i, "pids": str(pids)},
            outputs={"all": "all.txt"},
            executor="batch",
            image=IMAGE,
        )

    watched = opened()
    values = watched.session.evaluate([call(i) for i in range(24)], fail="keep")
    failures = [i for i, value in enumerate(values) if isinstance(value, cg.Failure)]
    assert failures == [7]
    assert isinstance(values[7].error, cg.ScriptError)
    for i, value in enumerate(values):
        if i != 7:
            assert value["all"].read_text().split()[-2:] == ["20000", str(i)]
    assert {job.task for job in watched.of(RemoteJobAdded)} == {"sleep"}
    began = {path.name for path in pids.iterdir()}
    assert {f"{i}-1" for i in range(24) if i not in lost} <= began
    assert {f"{i}-2" for i in lost} <= began
    noted = [pid for path in pids.iterdir() for pid in path.read_text().split()]
    eventually(lambda: not any(map(lives, noted)))


@pytest.mark.slow
def test_the_reducer_runs_in_the_image_that_has_python(
    box: Any, opened: Callable[..., Any]
) -> None:
    """The executor's own image has none: scripts name nothing, and neither does who asks."""
    session = opened(image=IMAGE, helper_image=box.batch["image"]).session
    first = cg.script('seq 3 > "$output"', outputs="x", executor="batch")
    second = cg.script('cat "$x" "$x"', inputs={"x": first}, executor="batch")
    assert session.submit(second, on="batch").result() == "1\n2\n3\n1\n2\n3\n"
