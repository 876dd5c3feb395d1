"""`cellgraph doctor` looks at what Batch needs and says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from cellgraph.cli.doctor import findings

pytestmark = pytest.mark.aws


def said(folder: Path, store: Path, **settings: Any) -> dict[str, tuple[str, str]]:
    """Detail -> level and advice of what is said of the executor with these settings."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "cellgraph.toml").write_text("\n".join(["[executors.batch]", *lines]))
    found = [f for f in findings(str(store)) if f.what == "batch"]
    return {f.detail: (f.level, f.remedy) for f in found}


def test_queue_role_and_image_are_looked_at(box: Any, uri: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    iam = box.client("iam")
    service = {"Service": "s3.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    other = iam.create_role(
        RoleName="not-for-jobs",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]

    well = said(tmp_path, store, **box.batch)
    assert well[f"the queue {box.batch['queue']} takes jobs"] == ("ok", "")
    assert {level for level, _ in well.values()} == {"ok"}
    assert any("docker run" in advice for _, advice in well.values())

    ill = said(tmp_path, store, queue="nowhere", image="", job_role=other)
    level, advice = ill["there is no queue nowhere"]
    assert level == "broken"
    assert "cellgraph aws template" in advice
    assert ill["job_role: jobs cannot take the role not-for-jobs"][0] == "broken"
    assert ill["no image: [executors.batch] image = ..."][0] == "missing"

    gone = said(tmp_path, store, **{**box.batch, "job_role": "arn:aws:iam::1:role/gone"})
    (detail,) = [d for d in gone if d.startswith("job_role could not be looked at")]
    assert gone[detail] == ("missing", "check that arn:aws:iam::1:role/gone exists")

    bare = said(tmp_path, store, **{**box.batch, "image": "bwa", "helper_image": "ours"})
    advices = [advice for detail, (_, advice) in bare.items() if "looked at by Batch" in detail]
    assert ["docker run --rm bwa bash" in advices[0], "ours cellgraph" in advices[1]] == [True] * 2

    mapped = said(tmp_path, store, **box.batch)
    assert not any(detail.startswith("fsx") for detail in mapped)


def test_without_a_queue_or_an_answer(
    box: Any, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    assert (
        said(tmp_path, store, image="x")["no queue: [executors.batch] queue = ..."][0] == "missing"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = said(tmp_path, store, queue="q", image="x")
    (level,) = [level for detail, (level, _) in found.items() if "does not answer" in detail]
    assert level == "broken"
