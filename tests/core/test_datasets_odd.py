"""What people have in their tables and files: read as it is, or one error that says what to do."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cellgraph import Dataset
from cellgraph.errors import ConfigError, IdentityError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cellgraph.toml").touch()
    (tmp_path / "t").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shards(**frames: pd.DataFrame) -> Dataset:
    for name, frame in frames.items():
        frame.to_parquet(f"t/{name}.parquet")
    return Dataset("t")


def files(**texts: str | bytes) -> Dataset:
    for name, text in texts.items():
        data = text.encode() if isinstance(text, str) else text
        Path("t", name.replace("_", ".", 1)).write_bytes(data)
    return Dataset("t")


# --- shards that are not alike ------------------------------------------------------------------

A, AB = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2], "b": ["x"]})
MIXED: dict[str, tuple[Callable[[], Dataset], str]] = {
    "parquet": (lambda: shards(one=A, two=AB), r"two\.parquet has the column 'b', which one\."),
    "csv": (lambda: files(a_csv="a\n1\n", b_csv="a,b\n2,x\n"), r"schema=\{\"b\": \"string\"\}"),
    "json": (
        lambda: files(a_json='{"a": 1}\n', b_json='{"a": 2, "b": "x"}\n'),
        r"schema=\{\"b\": \"string\"\}",
    ),
}


@pytest.mark.parametrize("kind", MIXED)
def test_no_column_is_left_out_without_a_word(kind: str) -> None:
    make, said = MIXED[kind]
    made = make()
    with pytest.raises(ConfigError, match=said):
        made.to_pandas()
    assert made.to_pandas(columns=["a"]).a.tolist() == [1, 2]
    assert made.to_pandas(shards=0).a.tolist() == [1]
    if kind != "parquet":
        told = Dataset("t", schema={"b": "string"}).to_pandas()
        assert told.b.isna().tolist() == [True, False] and told.b[1] == "x"
    else:
        assert made.to_pandas(shards=1).b.tolist() == ["x"]


def test_a_column_that_a_later_shard_lacks_has_no_values_there() -> None:
    made = shards(one=AB, two=A)
    assert made.to_pandas().b.isna().tolist() == [False, True]


@pytest.mark.parametrize("later", [pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": [1.5]})])
def test_types_that_do_not_fit(later: pd.DataFrame) -> None:
    for first in (A, pd.DataFrame({"a": [None]})):
        with pytest.raises(ConfigError, match="does not fit the types of the first one"):
            shards(one=first, two=later).to_pandas()


def test_frames_that_are_not_alike_are_not_written() -> None:
    for later, said in (
        (pd.DataFrame({"a": [1.5]}), "a later frame does not fit the types of the first"),
        (AB, "some frames have a column 'b' and others have not"),
    ):
        with pytest.raises(ConfigError, match=said):
            Dataset("out").write([A, later])
    assert not Path("out").exists()
    small = pa.table({"b": ["y"], "a": pa.array([3], pa.int8())})
    made = Dataset("out").write(
        [AB, small, pd.DataFrame({"a": [None], "b": [None]}).astype(object)]
    )
    assert made.to_pandas().a.fillna(0).tolist() == [2, 3, 0]


# --- partitions ---------------------------------------------------------------------------------


def test_any_text_is_a_partition() -> None:
    texts = [
        "a/b",
        "50%",
        "%2F",
        "é",
        "日本",
        "a=b",
        "..",
        ".",
        "_x",
        ".h",
        "\t",
        "\n",
        "🧬",
        "'",
        "\\",
    ]
    made = Dataset("out").write(pd.DataFrame({"g": texts, "x": range(15)}), partition_by="g")
    found = {p.values["g"]: p.to_pandas() for p in made.partitions("g")}
    assert found.keys() == {*texts}
    for x, text in enumerate(texts):
        assert (found[text].g.tolist(), found[text].x.tolist()) == ([text], [x])


def test_no_value_is_a_partition() -> None:
    for values in (["b", None, "a"], pd.array([2, None, 1], dtype="Int64")):
        frame = pd.DataFrame({"g": values, "x": [1, 2, 3]})
        made = Dataset("out").write(frame, partition_by="g")
        assert [p.to_pandas().x.tolist() for p in made.partitions("g")] == [[3], [1], [2]]
        assert made.partitions("g")[2].values == {"g": None}
        assert made.to_pandas().g.isna().sum() == 1


def test_large_whole_numbers_stay_numbers() -> None:
    large = [-(2**63) + 1, 1_460_000_000_000_000_007, 2**63 - 1]
    made = Dataset("out").write(pd.DataFrame({"g": large, "x": 1}), partition_by="g")
    assert [p.values["g"] for p in made.partitions("g")] == large
    assert made.to_pandas().g.tolist() == large
    beyond = Dataset("text").write(pd.DataFrame({"g": [str(2**63)], "x": 1}), partition_by="g")
    assert beyond.partitions("g")[0].values == {"g": str(2**63)}


def test_categories_as_partitions_and_as_columns() -> None:
    kinds = pd.Categorical(["b", "a", "b"], categories=["a", "b", "c"])
    frame = pd.DataFrame({"g": kinds, "c": kinds, "x": [1, 2, 3]})
    made = Dataset("out").write(frame, partition_by="g")
    assert [p.values["g"] for p in made.partitions("g")] == ["a", "b"]
    assert made.to_pandas().c.tolist() == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([2**63 + 5], dtype="uint64"), "not in range.*make it text"),
        (["__HIVE_DEFAULT_PARTITION__"], "stands for no value"),
        ([True], "a bool cannot name folders"),
        (pd.to_datetime(["2024-01-01"]), "cannot name folders"),
    ],
)
def test_what_cannot_name_folders(values: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Dataset("out").write(pd.DataFrame({"g": values, "x": 1}), partition_by="g")


def test_a_thousand_partitions() -> None:
    made = Dataset("out").write(
        pd.DataFrame({"g": range(1100), "x": range(1100)}), partition_by="g"
    )
    assert len(made.partitions("g")) == len(made.shards) == 1100
    assert sorted(made.to_pandas().x) == list(range(1100))


# --- values -------------------------------------------------------------------------------------


def test_times_with_zones_decimals_and_what_is_nested() -> None:
    times = pd.to_datetime(["2024-03-31T00:30", "2024-03-31T01:30"]).tz_localize("UTC")
    table = pa.table(
        {
            "t": pa.array(times.tz_convert("Europe/Zurich")).cast(
                pa.timestamp("us", "Europe/Zurich")
            ),
            "d": [Decimal("1.10"), None],
            "s": [{"a": 1, "b": [1, 2]}, {"a": 2, "b": []}],
            "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        }
    )
    made = Dataset("out").write(table)
    assert made.to_arrow() == table
    assert made.to_arrow(columns=["s"]) == table.select(["s"])
    with pytest.raises(ConfigError, match=r"there is no column 's\.a'"):
        made.to_arrow(columns=["s.a"])


def test_frames_that_arrow_does_not_take() -> None:
    for frame, said in (
        (pd.DataFrame({"c": [1, "x"]}), "column c .*give the column one type first"),
        (pd.DataFrame({"c": [1 + 2j]}), "column c .*give the column one type first"),
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), "columns called a twice"),
    ):
        with pytest.raises(ConfigError, match=said):
            Dataset("out").write(frame)


def test_no_rows() -> None:
    for format_ in ("parquet", "csv"):
        empty = pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype="str")})
        made = Dataset("out", format_).write(empty)
        assert (made.num_rows, len(made.head()), made.to_pandas().columns.tolist()) == (
            0,
            0,
            ["a", "b"],
        )
        assert len(made.split(3)) == 1
        Path("out").rename(f"done-{format_}")


def test_a_head_of_less_than_nothing() -> None:
    made = Dataset("out").write(A)
    assert len(made.head(0)) == 0
    with pytest.raises(ConfigError, match=r"head\(-1\): expected how many rows"):
        made.head(-1)


# --- files that people have ---------------------------------------------------------------------


def test_csv_with_a_byte_order_mark_and_packed_files() -> None:
    assert files(a_csv=b"\xef\xbb\xbfid,x\n1,2\n").to_pandas().to_dict("list") == {
        "id": [1],
        "x": [2],
    }
    Path("t/a.csv").unlink()
    made = files(**{"a_json.gz": gzip.compress(b'{"a": 1}\n{"a": 2, "b": "x"}\n')})
    assert (made.num_rows, made.to_pandas().a.tolist(), made.format) == (2, [1, 2], "json")


def test_csv_that_is_not_utf8() -> None:
    made = files(a_csv="id,city\n1,Zürich\n".encode("latin1"))
    for read in (made.to_pandas, made.head):
        with pytest.raises(ConfigError, match=r"column 'city' of a\.csv is no UTF-8 text"):
            read()
    taken = Dataset("t", schema={"city": "binary"}).to_pandas()
    assert taken.city[0].decode("latin1") == "Zürich"


def test_a_typo_in_schema() -> None:
    files(a_csv="amount\n1\n")
    with pytest.raises(ConfigError, match=r"names 'amuont', .* did you mean 'amount'"):
        Dataset("t", schema={"amuont": "string"}).to_pandas()
    assert Dataset("t", schema={"other": "string"}).to_pandas().other.isna().all()


def test_files_that_cannot_be_read() -> None:
    array = json.dumps([{"a": 1}], indent=1)
    for name, text in (("a_parquet", b"PAR1"), ("a_csv", "a,b\n1,2\n3\n"), ("a_json", array)):
        made = files(**{name: text})
        with pytest.raises(IdentityError, match=r"cannot be read: .*/t/a\."):
            made.to_pandas()
        Path("t", name.replace("_", ".")).unlink()
