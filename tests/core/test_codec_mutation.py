"""Every example of every codec is changed by who receives it: all get the same, wherever they run.

Two consumers of one result, computed just now or found, on this machine and on another
one that shares the bucket, see what was returned and never what another one did to it.
tests/executors/batch/test_batch_mutation.py does the same in Batch jobs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.mutations import Mutations
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


def test_each_consumer_has_its_own(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point_at(server, monkeypatch, tmp_path)
    outcomes: dict[str, Any] = {}
    for executor, how, machine in (
        ("thread", "cold", "a"),
        ("thread", "warm", "a"),
        ("thread", "warm", "b"),
        ("process", "cold", "a"),
        ("process", "warm", "b"),
    ):
        mutations = Mutations(executor=executor)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        with cg.Session(store=f"s3://{BUCKET}/{executor}") as session:
            made = len(mutations.made) if how == "cold" else 0
            outcomes[f"{executor}, {how}, {machine}"] = mutations.outcome(session, made=made)
            mutations.check_stored(session)
    for where, found in outcomes.items():
        assert found == outcomes["thread, cold, a"], f"{where} differs from thread, cold"
