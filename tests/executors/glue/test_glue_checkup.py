"""`cellgraph doctor` looks at what Glue needs and says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from cellgraph.cli.doctor import findings

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed]


def said(folder: Path, **settings: Any) -> dict[str, tuple[str, str]]:
    """Detail -> level and advice of what is said of the executor with these settings."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "cellgraph.toml").write_text("\n".join(["[executors.glue]", *lines]))
    found = [f for f in findings(str(folder / "store")) if f.what == "glue"]
    return {f.detail: (f.level, f.remedy) for f in found}


def test_the_role_and_glue_itself_are_looked_at(
    box: Any, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    box.client("iam").create_role(
        RoleName="not-for-glue",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    well = said(tmp_path, **box.glue, workers=4, worker_type="G.2X")
    assert well["Glue answers; runs have 4 x G.2X"] == ("ok", "")
    assert {level for detail, (level, _) in well.items() if "this is Python" not in detail} == {
        "ok"
    }
    assert said(tmp_path, role="not-for-glue")["role: Glue cannot take the role not-for-glue"] == (
        "broken",
        "let glue.amazonaws.com assume it",
    )
    level, advice = said(tmp_path, workers=3)["no role: [executors.glue] role = ..."]
    assert level == "missing" and "cellgraph aws template" in advice
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert {level for level, _ in said(tmp_path, **box.glue).values()} >= {"broken"}
