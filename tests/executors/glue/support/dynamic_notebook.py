"""Steps with DynamicFrames as a notebook has them, on a machine without AWS's package."""

from typing import Any, Final

from cellgraph.testing.executor_lab import user_code

_CODE: Final = """
import cellgraph as cg

@cg.task(executor="glue", choices={"price": "cast:double"})
def resolved(table: "awsglue.dynamicframe.DynamicFrame", plain, raw):
    from awsglue.dynamicframe import DynamicFrame
    from pyspark.sql import functions as F
    context = cg.glue_context()
    assert isinstance(table, DynamicFrame) and isinstance(plain, cg.Dataset)
    mixed = context.create_dynamic_frame.from_options("s3", {"paths": [raw]}, format="json")
    doubled = table.toDF().withColumn("x", F.col("x") * 2)
    return {
        "as it came": table,
        "made": [DynamicFrame.fromDF(doubled, context, "doubled"), plain.to_dynamic_frame()],
        "mixed": mixed,
    }

@cg.task(executor="glue")
def unresolved(raw):
    read = cg.glue_context().create_dynamic_frame.from_options
    return read("s3", {"paths": [raw]}, format="json")
"""

_made: Final[dict[str, Any]] = user_code(_CODE, "notebook_of_dynamic_frames")
resolved: Final[Any] = _made["resolved"]
unresolved: Final[Any] = _made["unresolved"]
