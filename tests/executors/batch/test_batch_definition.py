"""Job definitions and submissions: by content, validated against AWS's own description."""

import json
from typing import Any

import pytest

from cellgraph.errors import ConfigError
from cellgraph.executor import Resources
from cellgraph_executors.batch.definition import definition, submission
from cellgraph_executors.batch.executor import BatchExecutor
from cellgraph_executors.batch.settings import BatchSettings, checked, of_function, of_script

ROLES = {"jobRoleArn": "arn:aws:iam::123456789012:role/job"}


def submitted(resources: Resources, children: int = 1, **overlay: Any) -> dict[str, Any]:
    return submission("n", "q", "d:1", ["cellgraph"], resources, children, 1, 3, overlay)


def test_equal_contents_have_equal_names_and_others_do_not() -> None:
    made = definition("image", ROLES, {"A": "1"}, {})
    assert made == definition("image", ROLES, {"A": "1"}, {})
    names = {
        made["jobDefinitionName"],
        definition("image2", ROLES, {"A": "1"}, {})["jobDefinitionName"],
        definition("image", {}, {"A": "1"}, {})["jobDefinitionName"],
        definition("image", ROLES, {"A": "2"}, {})["jobDefinitionName"],
        definition("image", ROLES, {"A": "1"}, {"propagateTags": True})["jobDefinitionName"],
    }
    assert len(names) == 5
    assert all(len(name) <= 128 for name in names)


def test_any_field_can_be_laid_over() -> None:
    made = definition(
        "image",
        ROLES,
        {},
        {
            "platformCapabilities": ["FARGATE"],
            "containerProperties": {
                "volumes": [{"name": "data", "host": {"sourcePath": "/data"}}],
                "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
            },
        },
    )
    assert made["containerProperties"]["image"] == "image"
    assert made["containerProperties"]["volumes"][0]["name"] == "data"
    assert made["platformCapabilities"] == ["FARGATE"]


def test_what_batch_does_not_know_is_named_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match=r"job_definition=.*platformCapabilities"):
        definition("image", ROLES, {}, {"platformCapabilites": ["FARGATE"]})
    with pytest.raises(ConfigError, match="mountPoint"):
        definition("image", ROLES, {}, {"containerProperties": {"mountPoint": []}})
    with pytest.raises(ConfigError, match=r"submit_job=.*shareIdentifier"):
        submitted(Resources(), shareIdentifer="me")
    assert submitted(Resources(), shareIdentifier="me")["shareIdentifier"] == "me"


def test_what_a_call_asks_for() -> None:
    made = submitted(Resources(vcpus=2, memory_gib=7.5, gpus=1, tags={"team": "x"}))
    asked = {r["type"]: r["value"] for r in made["containerOverrides"]["resourceRequirements"]}
    assert asked == {"VCPU": "2", "MEMORY": "7680", "GPU": "1"}
    assert made["tags"] == {"team": "x"}
    assert "arrayProperties" not in made
    assert "timeout" not in made
    assert submitted(Resources(), 20)["arrayProperties"] == {"size": 20}


def test_batch_ends_what_hangs_and_the_worker_what_is_late() -> None:
    assert submitted(Resources(timeout_s=0.5))["timeout"] == {"attemptDurationSeconds": 121}


def test_lost_hosts_alone_are_tried_again_by_batch() -> None:
    strategy = submitted(Resources())["retryStrategy"]
    assert strategy["attempts"] == 4
    assert [rule["action"] for rule in strategy["evaluateOnExit"]] == ["RETRY", "RETRY", "EXIT"]
    assert strategy["evaluateOnExit"][-1] == {"onReason": "*", "action": "EXIT"}


def test_a_request_stays_within_30_kib() -> None:
    assert len(json.dumps(submitted(Resources(), 10_000))) < 2000
    with pytest.raises(ConfigError, match="30 KiB"):
        submitted(Resources(), containerOverrides={"environment": [{"name": "x" * 31_000}]})


def test_settings_are_checked_and_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'queue'"):
        BatchExecutor(quue="q")
    for wrong in (
        {"array_max": 20_000},
        {"window_s": 10},
        {"retries_on_host_loss": 1.5},
        {"queue": 3},
        {"job_definition": "x"},
        {"environment": {"A": 1}},
    ):
        with pytest.raises(ConfigError, match="expected"):
            checked("batch", wrong)
    executor = BatchExecutor(queue="q")
    executor.check_options({"image": "other", "memory_max_gib": 8})
    with pytest.raises(ConfigError, match="no option 'imag'"):
        executor.check_options({"imag": "other"})
    with pytest.raises(ConfigError, match="above 0"):
        executor.check_options({"memory_max_gib": 0})


def test_what_is_said_of_one_container_is_dealt_out_to_two() -> None:
    """The worker's image beside one that has bash alone, whose a call's resources are."""
    made = definition(
        "with/cellgraph",
        {**ROLES, "executionRoleArn": "arn:aws:iam::123456789012:role/execution"},
        {"A": "1"},
        {
            "propagateTags": True,
            "containerProperties": {
                "volumes": [{"name": "data", "host": {"sourcePath": "/data"}}],
                "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
                "ephemeralStorage": {"sizeInGiB": 100},
            },
        },
        "with/bash",
    )
    assert "containerProperties" not in made
    assert made["propagateTags"] is True
    task = made["ecsProperties"]["taskProperties"][0]
    assert task["taskRoleArn"] == ROLES["jobRoleArn"]
    assert task["executionRoleArn"].endswith("role/execution")
    assert task["ephemeralStorage"] == {"sizeInGiB": 100}
    assert [volume["name"] for volume in task["volumes"]] == ["data", "cellgraph"]
    script, worker = task["containers"]
    assert (script["image"], script["essential"]) == ("with/bash", False)
    assert (worker["image"], worker["essential"]) == ("with/cellgraph", True)
    assert worker["dependsOn"] == [{"containerName": script["name"], "condition": "START"}]
    for each in (script, worker):
        assert {"name": "A", "value": "1"} in each["environment"]
        paths = [mount["containerPath"] for mount in each["mountPoints"]]
        assert paths == ["/data", "/cellgraph"]
    sent = submission(
        "n", "q", "d:1", ["cellgraph"], Resources(vcpus=4), 3, 1, 3,
        {"containerOverrides": {"environment": [{"name": "B", "value": "2"}]}}, pair=True,
    )  # fmt: skip
    over = sent["ecsPropertiesOverride"]["taskProperties"][0]["containers"]
    assert [each["name"] for each in over] == [script["name"], worker["name"]]
    assert all(each["environment"] == [{"name": "B", "value": "2"}] for each in over)
    assert over[0]["resourceRequirements"][0] == {"type": "VCPU", "value": "4"}
    assert over[1]["command"] == ["cellgraph"]
    assert "command" not in over[0]
    assert "containerOverrides" not in sent


def test_fargate_takes_no_host_of_a_volume() -> None:
    overlay = {
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {"fargatePlatformConfiguration": {"platformVersion": "1.4.0"}},
    }
    task = definition("image", ROLES, {}, overlay, "bash")["ecsProperties"]["taskProperties"][0]
    assert task["volumes"] == [{"name": "cellgraph"}]
    assert task["platformVersion"] == "1.4.0"


@pytest.mark.parametrize(
    ("overlay", "says"),
    [
        ({"containerProperties": {"mountPoint": []}}, "mountPoint"),
        ({"containerProperties": {"instanceType": "m5.large"}}, "instanceType is not for a script"),
        ({"type": "multinode", "nodeProperties": {"numNodes": 2, "mainNode": 0,
          "nodeRangeProperties": []}}, "nodeProperties is not for a script"),
        ({"containerProperties": {"environment": [{"name": "AWS_BATCH_X"}]}}, "Batch's own"),
    ],
)  # fmt: skip
def test_what_has_no_place_in_two_containers(overlay: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        definition("image", ROLES, {}, overlay, "bash")


def test_which_image_stands_beside_which() -> None:
    own = checked("batch", {"queue": "q", "image": "ours"})

    def of(settings: BatchSettings, **said: str) -> tuple[str, str]:
        made = of_script(settings, Resources(extra=said))
        return made.image, made.helper_image

    assert of(own) == ("ours", "")
    assert of(own, image="ours") == ("ours", "")
    assert of(own, image="bwa") == ("bwa", "ours")
    assert of(own, image="bwa", helper_image="other") == ("bwa", "other")
    assert of(own, image="both", helper_image="both") == ("both", "")
    bare = checked("batch", {"queue": "q", "image": "bwa", "helper_image": "ours"})
    assert of(bare) == ("bwa", "ours")
    assert of(bare, image="samtools") == ("samtools", "ours")
    with pytest.raises(ConfigError, match="only scripts can"):
        of_function(bare, Resources())
    assert of_function(bare, Resources(extra={"image": "ours"})).image == "ours"
    assert of_function(own, Resources()).helper_image == ""
    assert (bare.with_cellgraph().image, own.with_cellgraph().image) == ("ours", "ours")


def test_a_script_is_where_its_worker_is() -> None:
    """What is described is the worker's image, by a call in Python that can run there."""
    for settings, extra in (
        ({"image": "bwa", "helper_image": "ours"}, {}),
        ({"image": "ours"}, {"image": "bwa"}),
        ({"image": "theirs"}, {"image": "bwa", "helper_image": "ours"}),
        ({"image": "ours"}, {}),
    ):
        executor = BatchExecutor(queue="q", **settings)
        found = executor.surroundings(extra, script=True)
        assert found is not None
        assert found.name == "image ours"
        assert executor.surroundings(found.options) == found
