"""Polars frames keep the contract of codecs. Polars is optional: without it there are no tests."""

import datetime as dt
import decimal
import importlib
import importlib.util
from typing import Any

import pytest

from cellgraph.errors import IdentityError
from cellgraph.identity.values import reference, restore, snapshot
from cellgraph.testing.codec_contract import CodecContract

if importlib.util.find_spec("polars") is not None:
    pl: Any = importlib.import_module("polars")

    def wide_frame() -> Any:
        """One column of every kind."""
        return pl.DataFrame(
            {
                "int": [1, None], "text": ["x", None], "float": [1.5, 2.5], "flag": [True, None],
                "cat": pl.Series(["u", "v"], dtype=pl.Categorical), "list": [[1], []],
                "enum": pl.Series(["u", None], dtype=pl.Enum(["v", "u"])),
                "struct": [{"a": 1}, {"a": 2}],
                "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
                "null": [None, None],
                "big": pl.Series([1, 2**100], dtype=pl.Int128),
                "object": pl.Series([{1}, {2}], dtype=pl.Object),
                "time": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None],
                "date": [dt.date(2020, 1, 1), None],
                "decimal": [decimal.Decimal("1.5"), None], "delta": [dt.timedelta(1), None],
                "bytes": [b"x", b""],
                "clock": [dt.time(1), None], "uint8": pl.Series([1, 2], dtype=pl.UInt8),
            }
        )  # fmt: skip

    class TestFrames(CodecContract):
        def examples(self) -> list[Any]:
            frame = wide_frame().drop("object")
            columns = frame.get_columns()
            return [
                frame, frame.head(1), frame.select("int", "text"), frame.select("text", "int"),
                frame.rename({"int": "INT"}), *columns, pl.DataFrame(), pl.DataFrame({"a": []}),
                pl.DataFrame({"a": range(10_000)}), columns[0].cast(pl.Int32),
            ]  # fmt: skip

        def equal(self, left: Any, right: Any) -> bool:
            same = left.equals(right, null_equal=True)
            if isinstance(left, pl.Series):
                return bool(same and left.dtype == right.dtype and left.name == right.name)
            return bool(same and left.schema == right.schema)

    def test_objects_come_back() -> None:
        column = wide_frame()["object"]
        found: Any = restore(snapshot(column)[1])
        assert found.to_list() == [{1}, {2}]
        assert found.dtype == pl.Object
        assert reference(found) == reference(column)

    def test_chunks_do_not_count() -> None:
        frame = wide_frame().drop("object")
        chunked = pl.concat([frame.head(1), frame.tail(1)], rechunk=False)
        assert reference(chunked) == reference(frame)

    def test_what_else_has_been_seen_does_not_count() -> None:
        before = reference(pl.Series(["u", "v"], dtype=pl.Categorical))
        pl.Series(["v", "w", "u"], dtype=pl.Categorical)
        assert reference(pl.Series(["u", "v"], dtype=pl.Categorical)) == before

    def test_a_lazy_frame_is_refused() -> None:
        with pytest.raises(IdentityError, match=r"value\[0\] is a Polars LazyFrame: call .collect"):
            reference([pl.DataFrame({"a": [1]}).lazy()])
