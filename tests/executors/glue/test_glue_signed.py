"""Runs under ``trust="signed"``: results and progress count with the signature of their run."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.executors.glue.support.notebook import slow
from tests.executors.glue.test_glue_journey import runs_of
from tests.executors.support.remote_lab import Watched

import cellgraph as cg
from cellgraph.events import CallProgress
from cellgraph.stores import trusted
from cellgraph.testing.executor_lab import eventually
from cellgraph_executors.remote.beats import Beat

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow]


def test_progress_of_somebody_else_is_not_shown(box: Any, uri: str, tmp_path: Path) -> None:
    trusted.keep_secret(b"a" * 32)
    gate = tmp_path / "gate"
    prefix = uri.removeprefix(f"s3://{box.bucket}/")
    s3 = box.client("s3")
    section = {**box.glue, "poll_s": 0.2}
    with cg.Session(store=uri, trust="signed", executors={"glue": section}) as session:
        watched = Watched(session)
        run = session.submit(slow(0, str(gate), str(tmp_path)))
        eventually(lambda: bool(watched.of(CallProgress)))
        (array,) = {
            item["Key"].removeprefix(f"{prefix}/arrays/").split("/")[0]
            for item in s3.list_objects_v2(Bucket=box.bucket, Prefix=f"{prefix}/arrays/")[
                "Contents"
            ]
        }
        beat = f"{prefix}/arrays/{array}/out/0.beat"
        for _ in range(20):
            forged = msgspec.msgpack.encode(Beat(0, 1, 1, "forged"))
            s3.put_object(Bucket=box.bucket, Key=beat, Body=forged)
        told = len(watched.of(CallProgress))
        eventually(lambda: len(watched.of(CallProgress)) > told)
        gate.touch()
        assert run.result() == 0
        assert {said.total for said in watched.of(CallProgress)} == {100}
    (made,) = [
        run for run in runs_of(box) if f"--array {array} " in run["Arguments"]["--cellgraph"]
    ]
    assert "--array-key" in made["Arguments"]["--cellgraph"]
    assert "cryptography>=42" in made["Arguments"]["--additional-python-modules"]
    left = s3.list_objects_v2(Bucket=box.bucket, Prefix=f"{prefix}/arrays/").get("Contents", [])
    assert not [item["Key"] for item in left if item["Key"].endswith(".beat")]
