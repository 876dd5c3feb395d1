"""DynamicFrames through Glue.

In the sandbox `awsglue` is a labelled stand-in; with `AWS_LIVE=1` the same tests run against AWS's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.executors.glue.support.dynamic_notebook import resolved, unresolved
from tests.executors.spark.support import standin_awsglue
from tests.support.aws import LIVE

import cellgraph as cg

# slow: `test_spark` has the same conversions, in a session that is there anyway
pytestmark = [pytest.mark.aws, pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(600)]

MIXED = '{"price": 1, "n": 1}\n{"price": "2.5", "n": 2}\n'


@pytest.fixture
def glue(uri: str, opened: Callable[..., Any], tmp_path: Path) -> cg.Session:
    """A session whose runs have `awsglue`: AWS's, or in the sandbox the stand-in."""
    if LIVE:
        return opened().session  # type: ignore[no-any-return]  # `Watched.session`
    archive = cg.File(f"{uri}-data/awsglue.zip")
    source = tmp_path / "awsglue.zip"
    source.write_bytes(standin_awsglue.archive())
    archive.receive(str(source))
    return opened(extra_py_files=[archive.name]).session  # type: ignore[no-any-return]  # as above


@pytest.fixture
def raw(uri: str, tmp_path: Path) -> str:
    """A file of JSON lines whose prices are of two types."""
    (tmp_path / "mixed.json").write_text(MIXED)
    there = cg.File(f"{uri}-data/mixed/part.json")
    there.receive(str(tmp_path / "mixed.json"))
    return there.name.rpartition("/")[0]


def test_dynamic_frames_come_go_and_are_resolved(glue: cg.Session, uri: str, raw: str) -> None:
    frame = pd.DataFrame({"gene": ["b", "é", None], "x": [1.5, 2.5, 3.5], "n": [1, 2, 3]})
    table = cg.Dataset(f"{uri}-data/table").write(frame)
    found = glue.evaluate(resolved(table, table, raw))

    def rows(made: cg.Dataset) -> pd.DataFrame:
        assert made.name.startswith(f"{uri}/datasets/")
        columns = sorted(made.schema.names)
        return made.to_pandas()[columns].sort_values("n", ignore_index=True)

    pd.testing.assert_frame_equal(rows(found["as it came"]), frame[["gene", "n", "x"]])
    doubled, plain = found["made"]
    assert rows(doubled)["x"].tolist() == [3.0, 5.0, 7.0]
    pd.testing.assert_frame_equal(rows(plain), frame[["gene", "n", "x"]])
    assert rows(found["mixed"])["price"].tolist() == [1.0, 2.5]


def test_a_column_of_several_types_is_named(glue: cg.Session, raw: str) -> None:
    with pytest.raises(cg.TaskError, match=r"several types in the DynamicFrame: price: say which"):
        glue.evaluate(unresolved(raw))
