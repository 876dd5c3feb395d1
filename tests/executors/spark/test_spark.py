"""Spark steps on this machine: one session for the module, because Java takes seconds to start."""

import dataclasses
import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pandas as pd
import psutil
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it
from tests.executors.spark.support import standin_awsglue

import cellgraph as cg
from cellgraph.events import CallProgress
from cellgraph.executor import Function, Job, JobDone, JobFailed, Resources
from cellgraph.inside import Progress
from cellgraph.stores.memory import MemoryStore
from cellgraph.stores.tended import Tended
from cellgraph.worker import run_job
from cellgraph_executors.spark.choices import checked_choices
from cellgraph_executors.spark.local import shared
from cellgraph_executors.spark.running import SparkPlace, driving

pytestmark = [
    pytest.mark.spark,
    # pyspark 3.5's own: what it imports, and sockets that it leaves to the garbage collector
    pytest.mark.filterwarnings("ignore:The distutils package is deprecated"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]
# Any: a call takes what is converted to what its annotation names.
_FRAME: Any = pd.DataFrame(
    {
        "gene": ["b", "a", "c/d", "a", "é={x}", "001"],
        "x": [1.5, 2.5, None, 4.5, 5.5, 6.5],
        "n": range(6),
        "t": pd.to_datetime(["2024-02-29T12:00:00.000001"] * 6),
    }
)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project, in which the whole module works; a Java that starts fast rather than runs fast."""
    mp = pytest.MonkeyPatch()
    mp.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto")
    folder = tmp_path_factory.mktemp("project")
    (folder / "cellgraph.toml").touch()
    mp.chdir(folder)
    yield folder
    mp.undo()


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[cg.Session]:
    made = cg.Session(folder / ".cellgraph", executors={"spark": {"cores": 2}})
    yield made
    made.close()
    shared.let_go("interpreter")  # who has called `cellgraph.spark()` outside of tasks
    children = psutil.Process().children(recursive=True)
    assert [child for child in children if "java" in child.name()] == []


@cg.udf("double")
def twice(x: float | None) -> float | None:
    return None if x is None else 2 * x


@cg.task(executor="spark")
def by_gene(table: DataFrame, factor: int) -> Any:
    assert cg.spark() is table.sparkSession
    total = F.sum(twice("x")) * factor
    return table.groupBy("gene").agg(total.alias("x"), F.max("t").alias("t")).orderBy("gene")


@cg.task(executor="spark")
def in_parts(table: DataFrame) -> Any:
    return cg.Dataset().write(table, partition_by="gene")


@cg.task
def rows(table: pd.DataFrame) -> int:
    return len(table)


def test_a_frame_comes_as_spark_and_goes_as_a_dataset(session: cg.Session) -> None:
    made = session.evaluate(by_gene(_FRAME, 1))
    found = made.to_pandas()
    assert found["gene"].tolist() == ["001", "a", "b", "c/d", "é={x}"]
    assert found["x"].fillna(-1).tolist() == [13.0, 14.0, 3.0, -1.0, 11.0]
    assert found["t"].unique().tolist() == [_FRAME["t"][0]]
    assert [s.name for s in made.shards] == ["part-00000-c000.snappy.parquet"]
    assert made.name.startswith(".cellgraph/datasets/")


def test_what_a_step_wrote_is_seen_by_the_care_of_its_store(session: cg.Session) -> None:
    made = session.evaluate(by_gene(_FRAME, 1))
    assert isinstance(session.store, Tended)
    assert {made.name.rpartition("/")[2]} <= {f.name for f in session.store.datasets()}
    assert session.cache.verify().sound and session.cache.info().datasets > 0


def test_what_is_stored_is_found_again(session: cg.Session) -> None:
    made = session.evaluate(by_gene(_FRAME, 1))
    run = session.submit(by_gene(_FRAME, 1))
    assert run.result() == made
    assert run.counts.executed == 0
    for shard in made.shards:
        Path(made.name, shard.name).unlink()
    again = session.submit(by_gene(_FRAME, 1))
    assert again.result().num_rows == 5
    assert again.counts.executed == 1


def test_the_executor_is_no_part_of_what_a_result_is(session: cg.Session) -> None:
    @cg.task
    def lengths(table: pd.DataFrame) -> list[int]:
        return [len(gene) for gene in table.gene]

    there = session.submit(lengths.options(executor="spark", worker_type="G.1X")(_FRAME))
    here = session.submit(lengths(_FRAME))
    assert there.result() == here.result() == [1, 1, 3, 1, 5, 3]
    assert there.counts.executed + here.counts.executed == 1


@pytest.mark.parametrize("format_", ["parquet", "csv", "json"])
@pytest.mark.parametrize("by", [None, "gene"])
def test_a_dataset_is_the_same_in_spark_as_in_pandas(
    session: cg.Session, format_: str, by: str | None
) -> None:
    frame = _FRAME if format_ == "parquet" else _FRAME.drop(columns="t")
    frame = frame.assign(s=['say "so", he said', "a\\", '"', "x,y", "'", "z"])
    made: Any = cg.Dataset(f"{format_}-{by}", format_).write(frame, partition_by=by)

    @cg.task(executor="spark")
    def there(table: DataFrame) -> Any:
        return table.orderBy("n")

    expected = made.to_pandas().sort_values("n", ignore_index=True)
    found = session.evaluate(there(made)).to_pandas()
    assert found.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert made.to_pandas().sort_values("n")["s"].tolist() == frame["s"].tolist()


def test_csv_written_by_spark_is_the_same_in_pandas(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def written(table: DataFrame) -> Any:
        return cg.Dataset("by-spark", "csv").write(table.coalesce(1))

    texts = ['say "so", he said', "a\\", '"', "x,y"]
    found = session.evaluate(written(cast("Any", pd.DataFrame({"s": texts}))))
    assert found.to_pandas()["s"].tolist() == texts


def test_csv_with_columns_in_another_order_is_refused_by_spark(session: cg.Session) -> None:
    Path("swapped").mkdir()
    Path("swapped/a.csv").write_text("x,y\n1,2\n")
    Path("swapped/b.csv").write_text("y,x\n2,1\n")
    swapped: Any = cg.Dataset("swapped")
    assert swapped.to_pandas()["x"].tolist() == [1, 1]
    with pytest.raises(cg.TaskError, match=r"does not fit.*b\.csv has the columns y, x, not x, y"):
        session.evaluate(in_parts(swapped))


def test_pieces_are_read_by_spark(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def numbers(table: DataFrame) -> list[int]:
        return sorted(row.n for row in table.select("n").collect())

    parted: Any = cg.Dataset("parted").write(_FRAME, partition_by="gene")
    groups = session.evaluate(numbers.map(parted.partitions("gene")))
    assert groups == [[5], [1, 3], [0], [2], [4]]
    Path("grouped").mkdir()
    pq: Any = importlib.import_module("pyarrow.parquet")
    pq.write_table(pa.table({"n": range(10)}), "grouped/a.parquet", row_group_size=2)
    pieces: list[Any] = list(cg.Dataset("grouped").split(2))
    assert session.evaluate(numbers.map(pieces)) == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]


def test_partitions_of_a_spark_result_are_fanned_out_over(session: cg.Session) -> None:
    run = session.submit(rows.map(in_parts(_FRAME).partitions("gene")))
    assert run.result() == [1, 2, 1, 1, 1]
    assert run.counts.executed == 6
    pieces = session.evaluate(in_parts(_FRAME)).partitions("gene")
    assert [p.values["gene"] for p in pieces] == ["001", "a", "b", "c/d", "é={x}"]


def test_frames_inside_containers(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def two(table: DataFrame) -> Any:
        return {"few": table.limit(1), "all": (table, 3)}

    found = session.evaluate(two(_FRAME))
    assert found["few"].num_rows == 1
    assert found["all"][0].num_rows == 6
    assert found["all"][1] == 3


def test_what_lives_in_the_session_is_not_returned(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def bad(table: DataFrame) -> Any:
        return table.rdd

    with pytest.raises(cg.TaskError, match=r"cannot return a pyspark\.rdd\.RDD"):
        session.evaluate(bad(_FRAME))


def test_partitions_that_folders_cannot_name(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def bad(table: DataFrame, by: str) -> Any:
        return cg.Dataset().write(table, partition_by=by)

    with pytest.raises(cg.TaskError, match="a double cannot name folders"):
        session.evaluate(bad(_FRAME, "x"))
    with pytest.raises(cg.TaskError, match=r"no such column.*'gene'"):
        session.evaluate(bad(_FRAME, "gen"))


def test_what_spark_cannot_write_leaves_what_was_there(session: cg.Session) -> None:
    made = cg.Dataset("kept").write(_FRAME, partition_by="gene")
    frame = cg.Dataset("kept").to_spark()
    for there, by, said in (
        (frame.where("n > 99"), "gene", "a frame without rows has no partitions"),
        (frame.select("gene"), "gene", "takes every column"),
    ):
        with pytest.raises(cg.ConfigError, match=said):
            cg.Dataset("kept").write(there, partition_by=by)
    assert made.num_rows == 6


def test_names_and_empty_texts_mean_the_same_in_spark(session: cg.Session) -> None:
    Path("odd").mkdir()
    Path("odd/a.csv").write_text('n,a.b,c`d\n1,,x\n2,"",NA\n,z,\n')
    table = cg.Dataset("odd")
    rows = [tuple(row) for row in table.to_spark().collect()]
    assert rows == [(1, "", "x"), (2, "", "NA"), (None, "z", "")]
    read = table.to_pandas()
    assert read.drop(columns="n").to_numpy().tolist() == [[*row[1:]] for row in rows]


def test_spark_says_how_far_it_is(session: cg.Session) -> None:
    heard: list[CallProgress] = []
    unsubscribe = session.bus.subscribe(
        lambda event: heard.append(event) if isinstance(event, CallProgress) else None
    )

    @cg.task(executor="spark")
    def slow() -> int:
        def wait(rows: Iterator[int]) -> Iterator[int]:
            time.sleep(0.9)
            yield from rows

        return int(cg.spark().sparkContext.parallelize(range(8), 8).mapPartitions(wait).count())

    assert session.evaluate(slow()) == 8
    unsubscribe()
    assert heard
    assert {event.total for event in heard} == {8}
    assert [event.done for event in heard] == sorted(event.done for event in heard)
    assert "of 8 Spark tasks, stage 1" in heard[0].text


def test_a_step_that_is_stopped_stops_spark(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def endless() -> int:
        def wait(rows: Iterator[int]) -> Iterator[int]:
            time.sleep(120)
            yield from rows

        return int(cg.spark().sparkContext.parallelize(range(2), 2).mapPartitions(wait).count())

    run = session.submit(endless())
    tracker = shared.session("test", "local", {}).sparkContext.statusTracker()
    shared.let_go("test")
    until = time.monotonic() + 60
    while not tracker.getActiveJobsIds():
        assert time.monotonic() < until
        time.sleep(0.05)
    run.cancel()
    while tracker.getActiveJobsIds():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert session.evaluate(rows(_FRAME)) == 6


def test_the_plain_function_runs_in_the_same_session(session: cg.Session) -> None:
    table = cg.Dataset("plain").write(_FRAME).to_spark()
    assert by_gene.func(table, 2).count() == 5
    assert twice.func(4.0) == 8.0  # type: ignore[attr-defined]  # what a udf offers


def test_there_is_no_glue_here(session: cg.Session) -> None:
    @cg.task(executor="spark")
    def context() -> Any:
        return cg.glue_context()

    with pytest.raises(cg.TaskError, match=r"GlueContext is AWS's.*cellgraph\.spark\(\)"):
        session.evaluate(context())


# --- DynamicFrame, against the labelled stand-in ------------------------------------------------


@pytest.fixture
def on_glue(
    session: cg.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Any]:
    """Call a function as the driver of a Glue job does, with the stand-in for AWS's package."""
    standin_awsglue.install(monkeypatch)

    def call(func: Callable[..., Any], *args: Any, **choices: str) -> Any:
        place = SparkPlace(
            cg.spark,
            str(tmp_path / "results"),
            glue_context=lambda: standin_awsglue.GlueContext(cg.spark().sparkContext),
            choices=checked_choices(choices),
        )
        store = MemoryStore()
        shared_session = cg.spark()
        with driving(dataclasses.replace(place, session=lambda: shared_session), ignore):
            job = Job(1, Function(func.__name__, func, b""), args, {}, Resources())
            return run_job(job, store), store

    return call


def ignore(progress: Progress) -> None:
    """Nobody looks."""


def test_a_dynamic_frame_comes_and_goes(on_glue: Callable[..., Any]) -> None:
    def step(table: standin_awsglue.DynamicFrame, name: str) -> Any:
        assert isinstance(table, standin_awsglue.DynamicFrame)
        assert isinstance(cg.glue_context(), standin_awsglue.GlueContext)
        return {name: table}

    ended, store = on_glue(step, cg.Dataset("dyn").write(_FRAME.drop(columns="t")), "out")
    made = ended.outcome.load(store)["out"]
    found = made.to_pandas().sort_values("n", ignore_index=True)
    assert found["gene"].tolist() == _FRAME["gene"].tolist()
    assert found["n"].tolist() == list(range(6))
    again, _ = on_glue(step, pd.DataFrame({"x": [1]}), "out")
    assert isinstance(again, JobDone)


def test_columns_of_several_types_are_named_or_resolved(on_glue: Callable[..., Any]) -> None:
    def step() -> Any:
        records: list[dict[str, Any]] = [
            {"price": 1, "order": {"total": 1}, "tags": ["a"]},
            {"price": "2.5", "order": {"total": "x"}, "tags": ["b", 3]},
        ]
        return standin_awsglue.DynamicFrame(records, cg.glue_context())

    ended, _ = on_glue(step)
    assert isinstance(ended, JobFailed)
    assert "several types in the DynamicFrame: price, order.total, tags[]" in str(ended.error)
    assert 'choices={"price": "cast:double"}' in str(ended.error)

    def simple() -> Any:
        records: list[dict[str, Any]] = [{"price": 1, "n": 1}, {"price": "2.5", "n": 2}]
        return standin_awsglue.DynamicFrame(records, cg.glue_context())

    ended, store = on_glue(simple, price="cast:double")
    assert sorted(ended.outcome.load(store).to_pandas()["price"]) == [1.0, 2.5]
