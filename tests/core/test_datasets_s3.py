"""`Dataset` in a bucket: listed once, named by what S3 says, read as copies, written whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.core.support.file_lab import Project
from tests.support.s3server import BUCKET, S3Server, point_at, serving

import cellgraph as cg
from cellgraph.dependencies import Verifier
from cellgraph.errors import LostValue
from cellgraph.executor import Function, Job, JobDone, Resources
from cellgraph.identity.values import reference
from cellgraph.places import Roots
from cellgraph.stores.memory import MemoryStore
from cellgraph.worker import run_job


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def bucket(
    server: S3Server, quick: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    point_at(server, monkeypatch, tmp_path)
    server.forget_requests()
    return f"s3://{BUCKET}/{tmp_path.name}"


FRAME = pd.DataFrame({"gene": ["a", "b", "b", "c"], "x": [1, 2, 3, 4]})


def test_a_frame_comes_back(server: S3Server, bucket: str) -> None:
    made = cg.Dataset(f"{bucket}/genes").write(FRAME, partition_by="gene")
    assert made.to_pandas().x.tolist() == [1, 2, 3, 4]
    assert made.name == f"{bucket}/genes"
    server.forget_requests()
    found = cg.Dataset(f"{bucket}/genes")
    assert [p.values["gene"] for p in found.partitions("gene")] == ["a", "b", "c"]
    assert reference(found) == reference(made)
    assert not [path for _, path in server.requests if ".parquet" in path]  # only listed
    assert found.partitions("gene")[1].to_pandas().x.tolist() == [2, 3]


def test_writing_again_replaces(bucket: str) -> None:
    place = cg.Dataset(f"{bucket}/genes")
    before = place.write(FRAME, partition_by="gene")
    after = place.write(FRAME.iloc[:2], partition_by="gene")
    assert after.to_pandas().x.tolist() == [1, 2]
    assert len(place.shards) == 2
    with pytest.raises((LostValue, cg.IdentityError), match=r"gene=b|no files|changed"):
        before.to_pandas()


def test_other_objects_are_never_replaced(server: S3Server, bucket: str) -> None:
    server.write(f"{bucket.removeprefix(f's3://{BUCKET}/')}/genes/notes.txt", b"mine")
    with pytest.raises(cg.ConfigError, match=r"holds notes\.txt, which is no data"):
        cg.Dataset(f"{bucket}/genes").write(FRAME)


TASKS = """
import pandas as pd

@task
def make(place):
    tick("make")
    frame = pd.DataFrame({"gene": ["a", "b", "b"], "x": [1, 2, 3]})
    return cg.Dataset(place).write(frame, partition_by="gene")

@task
def total(table: pd.DataFrame):
    tick("total")
    return int(table.x.sum())
"""


def test_pieces_are_fanned_out_over(quick: Project, bucket: str) -> None:
    quick.run(TASKS)
    call = f"total.map(make('{bucket}/genes').partitions('gene'))"
    assert quick.evaluate(call) == [1, 5]
    assert quick.evaluate(call) == [1, 5]
    assert quick.ran() == {"make": 1, "total": 2}
    cg.Dataset(f"{bucket}/genes").write(FRAME, partition_by="gene")
    assert quick.evaluate(call) == [1, 5]
    assert quick.ran() == {"make": 1}


def test_a_result_made_on_another_machine_rests_on_the_bucket(bucket: str) -> None:
    """There nobody asks what a call reads; what it returns has to be as it was all the same."""
    made = cg.Dataset(f"{bucket}/genes").write(FRAME, partition_by="gene")

    def give() -> Any:
        return {"all": made, "one": made.partitions("gene")[0], "here": cg.File(__file__)}

    ended = run_job(Job(1, Function("give", give, b""), (), {}, Resources()), MemoryStore())
    assert isinstance(ended, JobDone)
    assert [(read.kind, read.name.removeprefix(bucket)) for read in ended.reads] == [
        ("result", "/genes/"), ("result", f"/genes/{made.shards[0].name}"),
    ]  # fmt: skip
    verifier = Verifier(MemoryStore(), Roots("/"))
    assert [verifier.present(read) for read in ended.reads] == [r.digest for r in ended.reads]


def test_what_is_there_decides(quick: Project, bucket: str) -> None:
    quick.run(TASKS)
    place: Any = cg.Dataset(f"{bucket}/genes")
    place.write(FRAME)
    call = f"total(cg.Dataset('{bucket}/genes'))"
    assert quick.evaluate(call) == 10
    place.write(FRAME.iloc[1:])
    assert quick.evaluate(call) == 9
    assert quick.ran() == {"total": 2}


def test_what_a_task_asks_of_its_own_dataset_counts(quick: Project, bucket: str) -> None:
    quick.run(
        f"""
@task
def ask():
    tick("ask")
    try:
        return cg.Dataset("{bucket}/genes").num_rows
    except cg.IdentityError:
        return "nothing"
"""
    )
    assert quick.evaluate("ask()") == "nothing"
    cg.Dataset(f"{bucket}/genes").write(FRAME)
    assert [quick.evaluate("ask()") for _ in range(2)] == [4, 4]
    assert quick.ran() == {"ask": 2}
    cg.Dataset(f"{bucket}/genes").write(FRAME.iloc[1:])
    assert quick.evaluate("ask()") == 3
    assert quick.reasons == [f"folder {bucket}/genes/ changed"]
