"""PySpark in a run, with `s3://` paths: one run for all of it, because a Java start is dear.

The short run of `make test` that reads and writes objects is tests/executors/glue/test_glue_spark.
"""

import pytest
from tests.executors.sandbox.support.glue_lab import GlueLab

pytestmark = [pytest.mark.aws, pytest.mark.spark, pytest.mark.slow]

SCRIPT = """
import sys
from pyspark.context import SparkContext
from pyspark.sql import SparkSession, functions as F

root = sys.argv[sys.argv.index("--root") + 1]
spark = SparkSession(SparkContext.getOrCreate())
assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
table = spark.read.csv(root + "/in", header=True, inferSchema=True)
sums = table.groupBy("k").agg(F.sum("v").alias("v")).orderBy("k")
out = root + "/out a+b"
sums.write.partitionBy("k").parquet(out)
sums.write.mode("overwrite").partitionBy("k").parquet(out)
print([tuple(row) for row in spark.read.parquet(out).orderBy("k").select("k", "v").collect()])
table.limit(0).write.json(root + "/none")
print(spark.read.schema("k string").json(root + "/none").count())
try:
    spark.read.parquet(root + "/absent")
except Exception as error:
    print(type(error).__name__, "PATH_NOT_FOUND" in str(error))
raise RuntimeError("after all")
"""


def test_spark_reads_and_writes_objects_of_the_sandbox(glue: GlueLab) -> None:
    for number in range(3):
        glue.put(f"spark/in/{number}.csv", f"k,v\na,{number}\nb,{10 * number}\n")
    glue.box.faults.s3_unavailable(0.1)
    seen = glue.run(
        glue.job(SCRIPT),
        {
            "--root": f"s3://{glue.box.bucket}/spark",
            "--conf": "spark.sql.shuffle.partitions=3 --conf spark.app.name=lab",
        },
        Timeout=2000,
    )
    said = glue.printed(seen["Id"])
    assert said == ["[('a', 3), ('b', 30)]", "0", "AnalysisException True"], glue.printed(
        seen["Id"], errors=True
    )
    assert (seen["JobRunState"], seen["ErrorMessage"]) == ("FAILED", "RuntimeError: after all")
    listed = glue.box.client("s3").list_objects_v2(Bucket=glue.box.bucket, Prefix="spark/out")
    names = [item["Key"] for item in listed["Contents"]]
    assert [name.partition("/part-")[0] for name in names] == [
        "spark/out a+b/_SUCCESS",
        "spark/out a+b/k=a",
        "spark/out a+b/k=b",
    ]
