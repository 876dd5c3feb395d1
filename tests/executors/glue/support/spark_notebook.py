"""Spark steps as a notebook has them."""

from typing import Any, Final

from cellgraph.testing.executor_lab import user_code

_CODE: Final = """
import pandas as pd
from pyspark.sql import DataFrame
import cellgraph as cg

@cg.udf("double")
def halved(v):
    return v / 2

@cg.task
def joined(sales: DataFrame, shops: DataFrame, data: str):
    from pyspark.sql import functions as F
    spark = cg.spark()
    print("partitions", spark.conf.get("spark.sql.shuffle.partitions"))
    table = sales.join(shops, "shop").withColumn("half", halved("amount"))
    for frame in (table, table.limit(1)):
        kept = cg.Dataset(data + "/kept").write(frame, partition_by="town")
        print("kept", kept.num_rows)
    try:
        cg.Dataset(data).write(table)
    except cg.ConfigError as error:
        print(error)
    return table.groupBy("town").agg(F.sum("half").alias("half")).repartition(2)

@cg.task
def rows(table: pd.DataFrame):
    return sorted(zip(table["town"], pd.to_numeric(table["half"])))
"""

_made: Final[dict[str, Any]] = user_code(_CODE, "notebook_of_spark_calls")
joined: Final[Any] = _made["joined"]
rows: Final[Any] = _made["rows"]
