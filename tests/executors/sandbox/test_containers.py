"""Jobs of several containers: in ECS's order, around volumes of their own."""

from typing import Any

import pytest
from tests.executors.sandbox.support.lab import Lab

from cellgraph.errors import ConfigError
from cellgraph_executors.sandbox import sandbox

pytestmark = pytest.mark.aws


def container(name: str, script: str, *after: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": "sandbox/sh",
        "command": ["sh", "-c", script],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "64"},
        ],
        "dependsOn": [{"containerName": other, "condition": when} for other, when in after],
        "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared folder"}],
        **more,
    }


def define(lab: Lab, *containers: dict[str, Any]) -> str:
    task: dict[str, Any] = {
        "containers": list(containers),
        "volumes": [{"name": "shared", "host": {}}],
    }
    made = lab.batch.register_job_definition(
        jobDefinitionName="several",
        type="container",
        ecsProperties={"taskProperties": [task]},
    )
    return f"several:{made['revision']}"


def containers(seen: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in seen["ecsProperties"]["taskProperties"][0]["containers"]}


def test_containers_of_an_array_follow_each_other_around_a_volume_of_each_child(lab: Lab) -> None:
    said = '"$AWS_BATCH_JOB_ARRAY_INDEX $MORE"'
    definition = define(
        lab,
        container("last", "cat '/shared folder/x'; ls '/shared folder'", ("work", "COMPLETE")),
        container("first", f"printf {said} > '/shared folder/x'", essential=False),
        container("work", "read -r x < '/shared folder/x' || exit 7", ("first", "SUCCESS"),
                  essential=False),
    )  # fmt: skip
    more = {"name": "first", "environment": [{"name": "MORE", "value": "more"}]}
    job = lab.submit(
        size=2,
        definition=definition,
        ecsPropertiesOverride={"taskProperties": [{"containers": [more]}]},
    )
    assert lab.end(job)["status"] == "SUCCEEDED"
    for index, child in enumerate(lab.children(job, 2)):
        found = containers(child)
        codes = {name: each["exitCode"] for name, each in found.items()}
        assert codes == {"first": 0, "work": 7, "last": 0}  # `read` found no end of a line
        assert lab.printed({"container": found["last"]}) == [f"{index} morex"]
        ended = child["attempts"][0]["taskProperties"][0]["containers"]
        assert [each["name"] for each in ended] == ["last", "first", "work"]


def test_the_end_of_an_essential_container_ends_the_others(lab: Lab) -> None:
    definition = define(
        lab,
        container("beside", "trap 'echo asked; exit 3' TERM; echo up; sleep 60 & wait"),
        container("main", "exit 4", ("beside", "START")),
    )
    seen = lab.end(lab.submit(definition=definition))
    assert seen["status"] == "FAILED"
    assert containers(seen)["main"]["exitCode"] == 4
    assert containers(seen)["beside"]["exitCode"] in (3, 143)  # 143: before its trap was set


def test_what_can_never_start_ends_the_job(lab: Lab) -> None:
    definition = define(
        lab,
        container("first", "exit 1", essential=False),
        container("main", "echo never", ("first", "SUCCESS")),
    )
    seen = lab.end(lab.submit(definition=definition))
    assert seen["status"] == "FAILED"
    assert "exitCode" not in containers(seen)["main"]
    absent = container("beside", "", essential=False, command=["no-such-program"])
    main = container("main", "sleep 60", ("beside", "START"))
    seen = lab.end(lab.submit(definition=define(lab, absent, main)))
    assert seen["statusReason"] == "Task failed to start"


def test_a_task_is_terminated_as_a_whole(lab: Lab) -> None:
    pair = [container(name, "echo up; exec sleep 60") for name in ("one", "other")]
    job = lab.submit(definition=define(lab, *pair))
    lab.until(job, {"RUNNING"})
    lab.batch.terminate_job(jobId=job, reason="enough")
    seen = lab.end(job)
    assert seen["statusReason"] == "enough"
    assert {each["exitCode"] for each in containers(seen).values()} == {143}


def test_an_image_has_the_programs_that_were_named(lab: Lab) -> None:
    script = "command -v cat; command -v python3 || command -v ls || echo nothing else"
    job = lab.submit(definition=lab.define(script, container={"image": "few"}))
    where, rest = lab.printed(lab.end(job))
    assert where.endswith("/cat")
    assert rest == "nothing else"
    with pytest.raises(ConfigError, match="no program 'nosuch'"), sandbox(images={"x": ["nosuch"]}):
        pass


@pytest.mark.parametrize(
    ("containers", "says"),
    [
        ([container("a", "", essential=False)], "at least one essential"),
        ([container("a", ""), container("a", "")], "a name of its own"),
        ([container("a", "", ("b", "START"))], "cannot depend on"),
        ([container("a", ""), container("b", "", ("a", "SUCCESS"))], "an essential container"),
        ([container("a", "", ("b", "START")), container("b", "", ("a", "START"))], "each other"),
        ([container(f"c{n}", "") for n in range(11)], "1 to 10"),
    ],
)
def test_what_batch_does_not_take(lab: Lab, containers: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(lab.batch.exceptions.ClientException, match=says):
        define(lab, *containers)
