"""How Spark is set up in a run: as small as it goes, on loopback, with `s3://`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cellgraph_executors.sandbox.glue.hadoop import FILE_SYSTEM, library

_DEFAULTS: Final[Mapping[str, str]] = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    # A run lives for seconds: compiling thoroughly costs it twice the CPU that its work takes.
    "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
_SCHEMES: Final = ("s3", "s3a", "s3n")


def write_conf(folder: Path, said: str) -> Path:
    """Write `spark-defaults.conf` into a new folder, for SPARK_CONF_DIR; return the folder.

    *said*: `--conf` as Glue takes it: ``name=value --conf name=value``.
    """
    conf = dict(_DEFAULTS)
    jar = library()
    if jar is not None:
        conf["spark.driver.extraClassPath"] = conf["spark.executor.extraClassPath"] = str(jar)
        for scheme in _SCHEMES:
            conf[f"spark.hadoop.fs.{scheme}.impl"] = FILE_SYSTEM
    for part in said.split("--conf"):
        name, equals, value = part.strip().partition("=")
        if equals:
            conf[name] = value
    folder.mkdir()
    text = "".join(f"{name} {value}\n" for name, value in conf.items())
    (folder / "spark-defaults.conf").write_text(text)
    return folder
