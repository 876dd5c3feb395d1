"""`Dataset` in runs: what a call receives, what a result rests on, what is found again."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from tests.core.support.file_lab import Project

import cellgraph as cg

TASKS = """
import pandas as pd
import pyarrow as pa

@task
def make(rows):
    tick("make")
    frame = pd.DataFrame({"gene": ["a", "b", "b"][:rows], "x": [1, 2, 3][:rows]})
    return cg.Dataset("out/genes").write(frame, partition_by="gene")

@task
def total(table: pd.DataFrame):
    tick("total")
    return int(table.x.sum())

@task
def kind(
    plain,
    frame: pd.DataFrame,
    arrow: pa.Table,
    either: "pd.DataFrame | None",
    both: pd.DataFrame | cg.Dataset,
    *rest: pd.DataFrame,
    named: "pa.Table",
):
    return [type(v).__name__ for v in (plain, frame, arrow, either, both, *rest, named)]
"""


def genes(project: Project, **rows: list[int]) -> None:
    frame = pd.DataFrame(
        [(gene, x) for gene, xs in rows.items() for x in xs], columns=["gene", "x"]
    )
    cg.Dataset(project.folder / "genes").write(frame, partition_by="gene")


def test_a_call_gets_what_its_annotation_names(project: Project) -> None:
    project.run(TASKS)
    genes(project, a=[1])
    project.run("d = cg.Dataset('genes')")
    found = project.evaluate("kind(d, d, d, d, d, d, d, named=d)")
    assert found == [
        "Dataset", "DataFrame", "Table", "DataFrame", "Dataset", "DataFrame", "DataFrame", "Table",
    ]  # fmt: skip


def test_a_dataset_is_named_by_what_it_holds(quick: Project) -> None:
    quick.run(TASKS)
    genes(quick, a=[1], b=[2, 3])
    call = "total(cg.Dataset('genes'))"
    assert quick.evaluate(call) == 6
    (quick.folder / "genes/gene=a/part-00000.parquet").rename(
        quick.folder / "genes/gene=a/z.parquet"
    )
    assert quick.evaluate(call) == 6
    shutil.move(quick.folder / "genes", quick.folder / "elsewhere")
    assert quick.evaluate("total(cg.Dataset('elsewhere'))") == 6
    assert quick.ran() == {"total": 1}
    genes(quick, a=[1], b=[2, 4])
    assert quick.evaluate(call) == 7
    assert quick.ran() == {"total": 1}


def test_pieces_are_fanned_out_over_before_they_are_known(quick: Project) -> None:
    quick.run(TASKS)
    call = "total.map(make(3).partitions('gene'))"
    assert quick.evaluate(call) == [1, 5]
    assert quick.ran() == {"make": 1, "total": 2}
    assert quick.evaluate(call) == [1, 5]
    assert quick.evaluate("total.map(make(3).split(2))") == [1, 5]
    assert quick.ran() == {}
    assert quick.evaluate("total.map(make(2).partitions('gene'))") == [1, 2]
    assert quick.ran() == {"make": 1, "total": 1}


@pytest.mark.parametrize("damage", ["gone", "edited", "one more", "folder gone"])
def test_a_result_that_is_not_as_it_was_is_made_again(quick: Project, damage: str) -> None:
    quick.run(TASKS)
    assert quick.evaluate("make(3)").num_rows == 3
    shard = quick.folder / "out/genes/gene=a/part-00000.parquet"
    if damage == "gone":
        shard.unlink()
    elif damage == "edited":
        shard.write_bytes((quick.folder / "out/genes/gene=b/part-00001.parquet").read_bytes())
    elif damage == "one more":
        shutil.copy(shard, shard.with_name("more.parquet"))
    else:
        shutil.rmtree(quick.folder / "out")
    assert quick.evaluate("make(3)").num_rows == 3
    assert quick.ran() == {"make": 2}
    assert quick.evaluate("total(make(3))") == 6
    assert quick.ran() == {"total": 1}


def test_a_piece_in_a_result_rests_on_its_own_shards(quick: Project) -> None:
    quick.run(
        TASKS
        + """
@task
def first(table):
    tick("first")
    return table.partitions("gene")[0]
"""
    )
    call = "first(make(3))"
    assert quick.evaluate(call).values == {"gene": "a"}
    (quick.folder / "out/genes/gene=b/part-00001.parquet").unlink()
    piece = quick.evaluate("first(cg.Dataset('out/genes'))")  # what is left: the same piece
    assert piece.to_pandas().x.tolist() == [1]
    assert quick.evaluate(call).values == {"gene": "a"}  # all of `make`'s result is made again
    assert quick.ran() == {"make": 2, "first": 2}


def test_what_a_task_reads_by_itself_counts(quick: Project) -> None:
    quick.run(
        """
@task
def read():
    tick("read")
    return cg.Dataset("genes").to_pandas().x.tolist()
"""
    )
    genes(quick, a=[1])
    assert quick.evaluate("read()") == [1]
    assert quick.evaluate("read()") == [1]
    assert quick.ran() == {"read": 1}
    genes(quick, a=[2])
    assert quick.evaluate("read()") == [2]
    genes(quick, a=[2], b=[3])
    assert quick.evaluate("read()") == [2, 3]


ASKED = {
    "schema": "d.schema.names",
    "num_rows": "d.num_rows",
    "shards": "[s.name for s in d.shards]",
    "size_bytes": "d.size_bytes",
    "values": "d.values",
    "partitions": "[p.values for p in d.partitions('gene')]",
    "split": "[p.num_rows for p in d.split(1)]",
    "head": "len(d.head())",
}


@pytest.mark.parametrize("asked", ASKED)
def test_all_that_a_task_asks_of_its_own_dataset_counts(quick: Project, asked: str) -> None:
    quick.run(
        f"""
@task
def ask():
    tick("ask")
    d = cg.Dataset("g")
    return {ASKED[asked]}
"""
    )
    cg.Dataset("g").write(pd.DataFrame({"gene": ["a"], "x": [1]}), partition_by="gene")
    before = quick.evaluate("ask()")
    assert quick.evaluate("ask()") == before
    assert quick.ran() == {"ask": 1}
    cg.Dataset("g").write(pd.DataFrame({"gene": ["a", "b"], "y": [1.5, 2]}), partition_by="gene")
    assert quick.evaluate("ask()") == eval(ASKED[asked], {"d": cg.Dataset("g")}) != before


def test_a_folder_that_was_empty_or_not_there_counts(quick: Project) -> None:
    quick.run(
        """
@task
def read():
    try:
        return cg.Dataset("g").to_pandas().x.tolist()
    except cg.IdentityError:
        return "nothing"
"""
    )
    assert quick.evaluate("read()") == "nothing"
    (quick.folder / "g/sub").mkdir(parents=True)
    (quick.folder / "g/a.csv").write_text("x\n1\n")
    assert quick.evaluate("read()") == [1]
    (quick.folder / "g/sub/b.csv").write_text("x\n2\n")
    assert quick.evaluate("read()") == [1, 2]


def test_another_annotation_is_another_task(quick: Project) -> None:
    genes(quick, a=[1])
    cell = "@task\ndef f(t: cg.Dataset):\n    return type(t).__name__\n"
    quick.run(cell)
    assert quick.evaluate("f(cg.Dataset('genes'))") == "Dataset"
    quick.run(
        "import pandas as pd\nimport polars as pl\n" + cell.replace("cg.Dataset", "pd.DataFrame")
    )
    assert quick.evaluate("f(cg.Dataset('genes'))") == "DataFrame"
    quick.run(cell.replace("cg.Dataset", "pl.DataFrame").replace("__name__", "__module__"))
    assert quick.evaluate("f(cg.Dataset('genes'))") == "polars.dataframe.frame"
    quick.run(cell.replace("cg.Dataset", "pd.DataFrame").replace("__name__", "__module__"))
    assert quick.evaluate("f(cg.Dataset('genes'))").startswith("pandas")


def test_a_missing_one_is_said_before_anything_runs(quick: Project) -> None:
    quick.run(TASKS)
    with pytest.raises(cg.CellgraphError, match=r"Dataset.*has no files"):
        quick.evaluate("total(cg.Dataset('nowhere'))")
    assert quick.ran() == {}


def test_a_moved_project_finds_its_results(quick: Project, tmp_path: Path) -> None:
    quick.run(TASKS)
    assert quick.evaluate("total.map(make(3).partitions('gene'))") == [1, 5]
    quick.move(tmp_path / "another name")
    quick.run(TASKS)
    assert quick.evaluate("total.map(make(3).partitions('gene'))") == [1, 5]
    assert quick.ran() == {"make": 1, "total": 2}


def test_spark_is_asked_for_where_there_is_none(quick: Project) -> None:
    quick.run("@task\ndef f():\n    return cg.spark()\n")
    with pytest.raises(cg.TaskError) as caught:
        quick.evaluate("f()")
    assert 'f asks for Spark where there is none: give it executor="spark"' in str(caught.value)


def test_a_dataset_that_was_handed_in_is_where_it_is_now(quick: Project) -> None:
    """What answers for the whole expression has the dataset in it, with its place."""
    quick.run(TASKS)
    genes(quick, a=[1], b=[2, 3])
    call = "{'of': cg.Dataset('%s'), 'is': total(cg.Dataset('%s'))}"
    assert quick.evaluate(call % ("genes", "genes"))["of"].num_rows == 3
    shutil.move(quick.folder / "genes", quick.folder / "elsewhere")
    found = quick.evaluate(call % ("elsewhere", "elsewhere"))
    assert (found["of"].name, found["of"].num_rows, found["is"]) == ("elsewhere", 3, 6)
    assert quick.ran() == {"total": 1}
