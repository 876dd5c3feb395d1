"""`Dataset` by itself: what it is called, what it reads, what it writes."""

# pyright: reportUnknownMemberType=false
# Arrow's hints are partial.

import os
import pickle
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cellgraph import ConfigError, Dataset, IdentityError
from cellgraph.errors import LostValue
from cellgraph.identity.values import reference, restore, snapshot

FORMATS = ("parquet", "csv", "json")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cellgraph.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gene": ["b", "a", "c/d", "a", "é={x}", "b"],
            "x": [1.5, 2.5, None, 4.5, 5.5, 6.5],
            "n": range(6),
            "t": pd.to_datetime(["2024-02-29T12:00:00.000001"] * 6),
        }
    )


def by_gene(frame: pd.DataFrame) -> pd.DataFrame:
    """As it is read back: partitions sorted, their column last."""
    ordered = frame.sort_values("gene", kind="stable").reset_index(drop=True)
    return ordered[[*(c for c in frame.columns if c != "gene"), "gene"]]


# --- reading and writing --------------------------------------------------------------------------


def test_a_frame_comes_back(frame: pd.DataFrame) -> None:
    made = Dataset("data/t").write(frame)
    pd.testing.assert_frame_equal(made.to_pandas(), frame)
    assert made.num_rows == 6
    assert made.schema.names == ["gene", "x", "n", "t"]


@pytest.mark.parametrize("format_", FORMATS)
def test_partitions_are_columns(frame: pd.DataFrame, format_: str) -> None:
    frame = frame.drop(columns="t")
    made = Dataset("t", format_).write(frame, partition_by="gene")
    assert made.format == format_
    pd.testing.assert_frame_equal(made.to_pandas(), by_gene(frame))
    pd.testing.assert_frame_equal(Dataset("t").to_pandas(), by_gene(frame))
    assert sorted(p.name for p in Path("t").iterdir()) == [
        "gene=a",
        "gene=b",
        "gene=c%2Fd",
        "gene=é%3D%7Bx}",
    ]


def test_large_frames_become_shards() -> None:
    table = pa.table({"n": range(100_000)})
    made = Dataset("t").write(table, shard_bytes=200_000)
    assert len(made.shards) == 4
    assert made.to_arrow() == table
    assert made.to_arrow(shards=3).column("n").to_pylist() == list(range(75_000, 100_000))
    assert made.to_arrow(shards=[1, 0]).num_rows == 50_000
    assert made.to_arrow(shards=slice(1, None)).num_rows == 75_000


def test_frames_are_written_as_they_come() -> None:
    def frames() -> Iterator[pd.DataFrame]:
        for at in range(3):
            yield pd.DataFrame({"key": [at, 7], "at": [at, at]})

    made = Dataset("t").write(frames(), partition_by="key")
    assert [p.values["key"] for p in made.partitions("key")] == [0, 1, 2, 7]
    assert made.partitions("key")[-1].to_pandas()["at"].tolist() == [0, 1, 2]


def test_only_the_columns_asked_for(frame: pd.DataFrame) -> None:
    made = Dataset("t").write(frame, partition_by="gene")
    assert made.to_pandas(columns=["gene", "n"]).columns.tolist() == ["gene", "n"]
    with pytest.raises(ConfigError, match=r"no column 'genes'.*'gene'"):
        made.to_pandas(columns=["genes"])
    with pytest.raises(ConfigError, match=r"expected a list of names: \['gene'\]"):
        made.to_pandas(columns="gene")


def test_head_and_schema_read_one_shard(frame: pd.DataFrame) -> None:
    made = Dataset("t").write(frame, partition_by="gene")
    for shard in made.shards[1:]:
        Path("t", shard.name).write_bytes(b"no parquet")
    found = Dataset("t")
    assert found.head(2)["n"].tolist() == [1, 3]
    assert found.schema.field("gene").type == pa.string()
    with pytest.raises(IdentityError, match=r"cannot be read.*part-00001"):
        found.head(3)


def test_head_goes_on_to_the_next_shard(frame: pd.DataFrame) -> None:
    made = Dataset("t").write(frame, partition_by="gene")
    assert made.head(3)["n"].tolist() == [1, 3, 0]
    assert len(made.head(100)) == 6


def test_a_named_index_becomes_a_column_and_another_is_left_out() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="id"))
    assert Dataset("t").write(frame).to_pandas()["id"].tolist() == ["a", "b"]
    made = Dataset("t").write(frame.rename_axis(None))
    assert made.schema.names == ["x"]


def test_the_types_of_all_shards_are_those_of_the_first() -> None:
    Path("t").mkdir()
    Path("t/a.csv").write_text("id,x\n1,1\n")
    Path("t/b.csv").write_text("id,x\nz1,2\n")
    with pytest.raises(ConfigError, match=r"does not fit.*schema="):
        Dataset("t").to_pandas()
    told = Dataset("t", schema={"id": "string"})
    assert told.to_pandas()["id"].tolist() == ["1", "z1"]
    assert [p.to_pandas()["id"].tolist() for p in told.split(2)] == [["1"], ["z1"]]


def test_a_piece_has_the_types_of_the_whole() -> None:
    Path("t").mkdir()
    Path("t/a.csv").write_text("x\n1.5\n")
    Path("t/b.csv").write_text("x\n2\n")
    first, second = Dataset("t").split(2)
    assert first.schema == second.schema == pa.schema([("x", pa.float64())])
    assert second.to_arrow().column("x").to_pylist() == [2.0]


def test_compressed_text_is_read() -> None:
    import gzip

    Path("t").mkdir()
    Path("t/a.csv.gz").write_bytes(gzip.compress(b"x\n1\n2\n"))
    assert Dataset("t").to_pandas()["x"].tolist() == [1, 2]


def test_a_file_is_a_dataset_too() -> None:
    Path("one.csv").write_text("x\n1\n")
    assert Dataset("one.csv").to_pandas()["x"].tolist() == [1]


def test_json_holds_what_was_written() -> None:
    table = pa.table(
        {
            "x": [1e-15, 0.12345678901234567, None],
            "n": pa.array([2**53 + 1, None, 3], pa.int64()),
            "s": ['"é\u2028\n', None, ""],
            "l": [[1, 2], [], None],
            "t": pa.array([1_000_001, None, 2_000_000], pa.timestamp("us")),
            "d": pa.array([1, None, 2], pa.date32()),
        }
    )
    made = Dataset("t", "json", schema={"t": "timestamp[us]"}).write(table)
    assert made.to_arrow().drop_columns("d") == table.drop_columns("d")
    dates = made.to_pandas()["d"].dropna().astype(str)
    assert dates.tolist() == ["1970-01-02", "1970-01-03"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, float("nan")], "'x' cannot be written as json: .*float values are not JSON"),
        ([{"deep": [b"raw"]}], "'x' cannot be written as json: it has no bytes"),
        ([Decimal("0.1")], "it has no Decimal.*write parquet"),
        (pa.array([1], pa.timestamp("ns")), "finer than microseconds"),
    ],
)
def test_what_json_cannot_hold(values: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Dataset("t", "json").write(pa.table({"x": values}))
    assert not Path("t").exists()


def test_empty_json_is_not_written_and_passed_over() -> None:
    with pytest.raises(ConfigError, match="nothing to write"):
        Dataset("t", "json").write(pd.DataFrame({"x": []}))
    Path("t").mkdir()
    Path("t/a.json").touch()  # as Spark leaves them
    Path("t/b.json").write_text('{"x": 1}\n')
    assert Dataset("t").to_pandas()["x"].tolist() == [1]


# --- pieces ---------------------------------------------------------------------------------------


def test_pieces_by_value_are_sorted_as_values() -> None:
    frame = pd.DataFrame({"n": [10, 9, 100, None], "x": range(4)}).astype({"n": "Int64"})
    pieces = Dataset("t").write(frame, partition_by="n").partitions("n")
    assert [p.values for p in pieces] == [{"n": 9}, {"n": 10}, {"n": 100}, {"n": None}]
    assert [p.to_pandas()["x"].tolist() for p in pieces] == [[1], [0], [2], [3]]


def test_pieces_by_two_columns() -> None:
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": [1, 2, 1], "v": [1, 2, 3]})
    made = Dataset("t").write(frame, partition_by=["a", "b"])
    assert [p.values for p in made.partitions("b")] == [{"b": 1}, {"a": "x", "b": 2}]
    assert len(made.partitions("a", "b")) == 3


def test_an_unknown_partition_says_how_to_get_it(frame: pd.DataFrame) -> None:
    plain = Dataset("t").write(frame)
    with pytest.raises(ConfigError, match=r"not partitioned.*partition_by=\"gene\""):
        plain.partitions("gene")
    with pytest.raises(ConfigError, match=r"partitioned by gene.*'gene'"):
        Dataset("u").write(frame, partition_by="gene").partitions("gen")


def test_split_keeps_the_order_and_goes_into_files() -> None:
    Path("t").mkdir()
    table = pa.table({"n": range(1000)})
    pq.write_table(table, "t/a.parquet", row_group_size=100)
    whole = Dataset("t")
    pieces = whole.split(4)
    assert len(pieces) == 4
    assert pa.concat_tables([p.to_arrow() for p in pieces]) == whole.to_arrow()
    assert len({reference(p) for p in pieces}) == 4
    assert [len(p.split(99)) for p in pieces] == [len(p.to_arrow()) // 100 for p in pieces]
    with pytest.raises(ConfigError, match="1 or more"):
        whole.split(0)


def test_split_by_whole_shards() -> None:
    made = Dataset("t").write(pa.table({"n": range(100_000)}), shard_bytes=80_000)
    assert len(made.shards) == 10
    assert [len(p.shards) for p in made.split(3)] == [3, 4, 3]
    assert len(made.split(1)) == 1


# --- identity -------------------------------------------------------------------------------------


def test_names_and_places_do_not_count(frame: pd.DataFrame) -> None:
    one = Dataset("t").write(frame, partition_by="gene")
    two = Dataset("u").write(frame, partition_by="gene")
    Path("u/gene=a/part-00000.parquet").rename("u/gene=a/other.parquet")
    assert reference(Dataset("u")) == reference(one) == reference(Dataset("t"))
    with pytest.raises(IdentityError, match=r"has no files \(.*part-00000"):
        reference(two)


@pytest.mark.parametrize("edit", ["content", "value", "more", "less"])
def test_what_counts(frame: pd.DataFrame, edit: str) -> None:
    Dataset("t").write(frame, partition_by="gene")
    before = reference(Dataset("t"))
    if edit == "content":
        Dataset("t").write(frame.assign(n=range(1, 7)), partition_by="gene")
    elif edit == "value":
        Path("t/gene=a").rename("t/gene=aa")
    elif edit == "more":
        os.link("t/gene=a/part-00000.parquet", "t/gene=a/part-1.parquet")
    else:
        Path("t/gene=a/part-00000.parquet").unlink()
    assert reference(Dataset("t")) != before


def test_other_pieces_do_not_count(frame: pd.DataFrame) -> None:
    before = Dataset("t").write(frame, partition_by="gene").partitions("gene")
    frame.loc[0, "n"] = 99  # of gene b
    after = Dataset("t").write(frame, partition_by="gene").partitions("gene")
    same = [reference(a) == reference(b) for a, b in zip(before[2:], after[2:], strict=True)]
    assert same == [True, True]
    assert reference(after[0]) == reference(Dataset("t").partitions("gene")[0])
    assert reference(after[1]) != reference(Dataset("t").partitions("gene")[0])


def test_it_stands_for_what_was_there(frame: pd.DataFrame) -> None:
    made = Dataset("t").write(frame)
    Dataset("t").write(frame.assign(n=0))
    with pytest.raises(LostValue, match="has changed since it was named"):
        made.to_pandas()
    with pytest.raises(LostValue):
        reference(made)
    assert Dataset("t").to_pandas()["n"].tolist() == [0] * 6


@pytest.mark.parametrize("travel", ["stored", "pickled"])
def test_it_travels(frame: pd.DataFrame, travel: str) -> None:
    made = Dataset("t", "csv").write(frame.drop(columns="t"), partition_by="gene")
    for value in (made, made.partitions("gene")[1], Dataset("t", schema={"n": "double"})):
        if travel == "stored":
            name, payload = snapshot(value)
            back: Any = restore(payload, code=False)
            assert name == reference(value)
        else:
            back = pickle.loads(pickle.dumps(value))
            assert back == value
            assert repr(back) == repr(value)
        assert reference(back) == reference(value)
        pd.testing.assert_frame_equal(back.to_pandas(), value.to_pandas())
        assert back.values == value.values


# --- what is refused ------------------------------------------------------------------------------


def test_what_there_is_not() -> None:
    with pytest.raises(IdentityError, match="has no files: make it first"):
        Dataset("nowhere").to_pandas()
    Path("t").mkdir()
    Path("t/_SUCCESS").touch()
    with pytest.raises(IdentityError, match="has no files"):
        _ = Dataset("t").shards


def test_formats_are_told_apart() -> None:
    Path("t").mkdir()
    Path("t/a.csv").write_text("x\n1\n")
    Path("t/b.json").write_text('{"x": 1}\n')
    with pytest.raises(ConfigError, match=r"several formats \(a.csv, b.json\)"):
        _ = Dataset("t").schema
    Path("t/b.json").rename("t/b.dat")
    with pytest.raises(ConfigError, match=r"b\.dat does not say its format"):
        _ = Dataset("t").schema
    with pytest.raises(ConfigError, match=r"format='parket'.*parquet"):
        Dataset("t", "parket")


def test_other_files_are_never_replaced(frame: pd.DataFrame) -> None:
    Path("t/sub").mkdir(parents=True)
    Path("t/sub/notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds sub/notes\.txt, which is no data"):
        Dataset("t").write(frame)
    assert Path("t/sub/notes.txt").read_text() == "mine"
    Path("data").mkdir()
    Path("data/raw.csv").write_text("x\n1\n")
    with pytest.raises(
        ConfigError, match=r"holds raw\.csv, which is no data of a dataset in parquet"
    ):
        Dataset("data").write(frame)
    assert [p.name for p in Path("data").iterdir()] == ["raw.csv"]
    with pytest.raises(ConfigError, match="is no folder"):
        Dataset("cellgraph.toml").write(frame)


def test_a_failed_write_leaves_what_was_there(frame: pd.DataFrame) -> None:
    Dataset("t").write(frame)

    def frames() -> Iterator[pd.DataFrame]:
        yield frame
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        Dataset("t").write(frames())
    pd.testing.assert_frame_equal(Dataset("t").to_pandas(), frame)
    assert sorted(p.name for p in Path().iterdir()) == ["cellgraph.toml", "t"]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("x", [1.5, 2.5], "a double cannot name folders"),
        ("x", ["", "a"], "an empty text cannot name a folder"),
        ("y", [1, 2], "no such column"),
    ],
)
def test_partitions_that_folders_cannot_name(column: str, values: list[Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Dataset("t").write(pd.DataFrame({"x": values, "v": 1}), partition_by=column)


def test_what_cannot_be_written() -> None:
    with pytest.raises(ConfigError, match="a dict is no frame"):
        Dataset("t").write({"x": [1]})
    fine = pd.DataFrame({"t": pd.to_datetime(["2024-01-01T00:00:00.000000001"])})
    with pytest.raises(ConfigError, match=r"cannot be written as parquet.*lose data"):
        Dataset("t").write(fine)
    with pytest.raises(ConfigError, match="without a place"):
        Dataset().write(pd.DataFrame({"x": [1]}))
    with pytest.raises(ConfigError, match="names of columns in a dataset are text"):
        Dataset("t").write(pd.DataFrame({1: [1]}))
    assert not Path("t").exists()


def test_shards_that_are_not_there() -> None:
    made = Dataset("t").write(pa.table({"n": [1]}))
    with pytest.raises(ConfigError, match="shards=3: there are 1"):
        made.to_pandas(shards=3)
    with pytest.raises(ConfigError, match="expected a position"):
        made.to_pandas(shards="x")  # type: ignore[arg-type]  # what people do
