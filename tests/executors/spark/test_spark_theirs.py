"""A Spark session that the user has begun. In a process of its own: a process has one session."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SCRIPT = """
from pyspark.sql import SparkSession
import cellgraph as cg

ZONE = "spark.sql.session.timeZone"
mine = SparkSession.builder.master("local[1]").config(ZONE, "Europe/Kyiv").getOrCreate()

@cg.task(executor="spark")
def zone():
    return cg.spark().sparkContext.master, cg.spark().conf.get(ZONE)

with cg.Session(".cellgraph") as session:
    print(*session.evaluate(zone()))
print(mine.range(3).count(), mine.conf.get(ZONE))
mine.stop()
"""


def test_a_session_of_the_user_is_used_as_it_is_and_never_stopped(tmp_path: Path) -> None:
    (tmp_path / "cellgraph.toml").touch()
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == ["local[1] Europe/Kyiv", "3 Europe/Kyiv"], ran.stderr
