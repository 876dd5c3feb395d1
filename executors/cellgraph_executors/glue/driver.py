"""What runs in AWS Glue: one call, or a few, with a Spark session around them.

Started by the script that Glue starts (`package.SCRIPT`); the worker is that of every remote
executor (`remote.worker`). A Glue run shows as FAILED when a call of it failed.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cellgraph_executors.remote import worker
from cellgraph_executors.spark.running import SparkPlace, driving


class CallFailed(Exception):
    """A call raised; the exception itself is in the store, and its traceback in the log above."""


class WorkerFailed(Exception):
    """The worker could not do its work; why is in the log above."""


def drive(words: Sequence[str]) -> None:
    """Run what `cellgraph worker` would with these arguments. Raises CallFailed, WorkerFailed."""
    given = list(words)
    region, choices = _taken(given, "--region"), _taken(given, "--choices")
    if region:
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
    place = SparkPlace(
        _session,
        f"{given[given.index('--store') + 1].rstrip('/')}/datasets",
        reads_buckets=True,
        glue_context=_glue_context,
        choices=json.loads(choices or "{}"),
    )
    code = worker.main(given, lambda hear: driving(place, hear))
    sys.stdout.flush()
    sys.stderr.flush()
    if code == 1:
        raise CallFailed("a call raised: its traceback is in the log")
    if code:
        raise WorkerFailed(f"exit code {code}: why is in the log")


def _taken(words: list[str], name: str) -> str:
    """Take an argument out of *words*; empty if it is not there."""
    if name not in words:
        return ""
    at = words.index(name)
    value = words[at + 1]
    del words[at : at + 2]
    return value


def _session() -> Any:
    """The session that Glue has set up."""
    sql: Any = import_module("pyspark.sql")
    return sql.SparkSession.builder.getOrCreate()


def _glue_context() -> Any:
    """AWS's GlueContext over the same SparkContext; AWS provides it there."""
    context: Any = import_module("awsglue.context")
    return context.GlueContext(_session().sparkContext)
