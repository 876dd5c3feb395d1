"""Undeclared reads of libraries: what they open in compiled code, and what they import."""

import pytest
from tests.core.support.file_lab import Project
from tests.core.support.rerun import twice

READERS = {
    "pq.read_table": "len(pq.read_table('data/t.parquet'))",
    "bound before": "len(read_table('data/t.parquet'))",
    "pq metadata": "pq.read_metadata('data/t.parquet').num_rows",
    "dataset": "ds.dataset('data').to_table().num_rows",
    "csv": "pc.read_csv('data/t.csv').num_rows",
    "feather": "feather.read_table('data/t.feather').num_rows",
    "pandas parquet": "len(pd.read_parquet('data/t.parquet'))",
    "pandas csv": "len(pd.read_csv('data/t.csv'))",
    "pandas folder": "len(pd.read_parquet('data'))",
}
TABLES = """
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.feather as feather
import pyarrow.parquet as pq
from pyarrow.parquet import read_table

def store(rows):
    os.makedirs("data", exist_ok=True)
    table = pa.table({"a": list(range(rows))})
    if NAME.endswith("parquet"):
        pq.write_table(table, NAME)
    elif NAME.endswith("csv"):
        pc.write_csv(table, NAME)
    else:
        feather.write_feather(table, NAME)
"""


@pytest.mark.parametrize("reader", READERS)
def test_a_table_that_is_read_in_compiled_code(quick: Project, reader: str) -> None:
    reading = READERS[reader]
    kind = next((k for k in ("csv", "feather") if f"t.{k}" in reading), "parquet")
    quick.run(f"NAME = 'data/t.{kind}'\n" + TABLES)
    quick.nb["store"](3)
    quick.run(f"""
        @task
        def task():
            tick("task")
            return {reading}
    """)
    assert twice(quick) == 3
    quick.nb["store"](4)
    assert quick.evaluate("task()") == 4
    assert quick.ran() == {"task": 1}
    assert quick.reasons == [f"file data/t.{kind} changed"]


@pytest.mark.parametrize(
    "reading",
    [
        "len(pl.read_parquet('t.parquet'))",
        "len(pl.scan_parquet('t.parquet').collect())",
        "len(pl.read_parquet('t.par*'))",
        "len(pl.read_csv('t.csv'))",
    ],
)
def test_a_table_that_polars_reads(quick: Project, reading: str) -> None:
    pl = pytest.importorskip("polars")

    def store(rows: int) -> None:
        table = pl.DataFrame({"a": list(range(rows))})
        table.write_parquet("t.parquet")
        table.write_csv("t.csv")

    store(3)
    quick.run(f"""
        import polars as pl

        @task
        def task():
            tick("task")
            return {reading}
    """)
    assert twice(quick) == 3
    store(4)
    assert quick.evaluate("task()") == 4
    assert quick.ran() == {"task": 1}


def test_a_library_that_the_call_itself_imports(quick: Project) -> None:
    """In another interpreter, where pyarrow is not loaded before the body runs."""
    cells = """
        import sys

        @cg.task
        def rows():
            tick("rows")
            import pyarrow.parquet as pq
            return pq.read_metadata("t.parquet").num_rows

        with cg.Session(store=store) as session:
            print("pyarrow" in sys.modules, session.evaluate(rows()))
    """
    import pandas as pd

    table = quick.lab.folder / "t.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(table)
    (quick.lab.folder / "cellgraph.toml").touch()
    assert quick.lab.python(cells) == "False 1"
    pd.DataFrame({"a": [1, 2]}).to_parquet(table)
    assert quick.lab.python(cells) == "False 2"
    assert quick.lab.python(cells) == "False 2"
    assert quick.ran() == {"rows": 2}
