"""A Spark step through Glue: one run for all of it, because a Java start is dear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.executors.glue.support.spark_notebook import joined, rows

import cellgraph as cg
from cellgraph.events import CallProgress, RemoteJobAdded

pytestmark = [pytest.mark.aws, pytest.mark.spark]


def test_a_spark_step_reads_and_returns_datasets_of_the_bucket(
    box: Any, uri: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    sales = cg.Dataset(f"{uri}-data/sales").write(
        pd.DataFrame({"shop": [1, 2, 2, 3] * 25, "amount": [2.0, 4.0, 6.0, 8.0] * 25})
    )
    notes = cg.File(f"{uri}-data/notes.txt")
    source = tmp_path / "notes.txt"
    source.write_text("mine")
    notes.receive(str(source))
    shops = pd.DataFrame({"shop": [1, 2, 3], "town": ["Kyiv", "Lviv", "Kyiv"]})
    watched = opened(arguments={"--conf": "spark.sql.shuffle.partitions=3"})
    table = joined.options(executor="glue")(sales, shops, f"{uri}-data")
    assert watched.session.evaluate(rows(table)) == [("Kyiv", 125.0), ("Lviv", 125.0)]
    made = watched.session.evaluate(table)
    assert isinstance(made, cg.Dataset)
    assert made.name.startswith(f"{uri}/datasets/")
    assert (
        cg.Dataset(f"{uri}-data/kept").num_rows == 1
    )  # the second frame, in the place of the first
    assert notes.read_text() == "mine"
    # which Spark this Glue has is asked first, unless the documented one is that of here
    *asked, added = watched.of(RemoteJobAdded)
    assert {job.task for job in asked} <= {"describe AWS Glue 5.0"}
    assert (added.kind, added.task) == ("glue", "joined")
    for said in watched.of(CallProgress):
        assert "Spark tasks" in said.text and said.total >= said.done

    # where it runs is no part of what it is: a local Spark finds it, and is not even begun
    box.forget_requests()
    with cg.Session(store=uri) as local:
        run = local.submit(rows(joined.options(executor="spark")(sales, shops, f"{uri}-data")))
        assert run.result() == [("Kyiv", 125.0), ("Lviv", 125.0)]
        assert run.counts.executed == 0
    assert box.requests["glue", "StartJobRun"] == 0
