"""The Spark session of this machine: one for all who use it in this process.

A session is a Java process. It is begun by the first who needs it, with what that one asks for, and
stopped when the last has let go, or when the interpreter ends. A session that the user has begun
is used as it is, and never stopped.
"""

import atexit
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cellgraph.errors import ConfigError, ExecutorError

_MIB: Final = 1 << 10  # of a GiB
_LOG: Final = """rootLogger.level = error
logger.repl.name = org.apache.spark.api.python.PythonGatewayServer
logger.repl.level = error
rootLogger.appenderRef.out.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


class LocalSpark:
    """The session and who uses it. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: set[object] = set()
        self._session: Any = None  # begun by `session`
        self._folder = ""  # of the session that is ours

    def session(self, user: object, master: str, options: Mapping[str, str]) -> Any:
        """The session, begun with *master* and *options* if there is none.

        Raises ConfigError when pyspark is not installed, ExecutorError when Java does not start.
        """
        with self._lock:
            self._users.add(user)
            if self._session is None or self._session.sparkContext._jsc is None:  # stopped by hand
                self._session = self._begun(master, options)
            return self._session

    def let_go(self, user: object) -> None:
        """*user* needs it no more."""
        with self._lock:
            self._users.discard(user)
            if not self._users:
                self._stop()

    def stop(self) -> None:
        """The interpreter ends."""
        with self._lock:
            self._users.clear()
            self._stop()

    def _begun(self, master: str, options: Mapping[str, str]) -> Any:
        try:
            from pyspark import SparkContext
            from pyspark.sql import SparkSession
        except ImportError:
            raise ConfigError(
                "Spark is not installed here: pip install 'cellgraph[spark]'"
            ) from None
        self._remove()  # of a session of ours that was stopped by hand
        # "Active" is the one of this thread alone; `getOrCreate` would change another thread's.
        known: Any = SparkSession
        theirs = known.getActiveSession() or known._instantiatedSession
        if theirs is not None and theirs.sparkContext._jsc is not None:
            return theirs
        context: Any = SparkContext
        if context._active_spark_context is not None:  # a context without a session
            return known(context._active_spark_context)
        atexit.unregister(self.stop)
        atexit.register(self.stop)
        self._folder = tempfile.mkdtemp(prefix="cellgraph-spark-")
        builder: Any = SparkSession.builder
        settings = {**_settings(_quiet(self._folder)), **options}
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            return builder.master(master).appName("cellgraph").getOrCreate()
        except Exception as error:  # pyspark has a class of its own for each version
            self._remove()
            raise ExecutorError(
                f"Spark did not start ({_first_line(error)}): it needs Java 8, 11 or 17 (`java "
                "-version`), and its options as `cg.configure(executors={'spark': ...})` has them"
            ) from error

    def _stop(self) -> None:
        session, self._session = self._session, None
        if session is not None and self._folder:  # ours
            with suppress(Exception):  # Java may have ended before us
                session.stop()
            _end_java()
        self._remove()

    def _remove(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""


# A process has one Java beside it at most, so all sessions and executors share this.
shared: Final = LocalSpark()


def session() -> Any:
    """The shared session, for who is in no task: stopped when the interpreter ends."""
    return shared.session("interpreter", master_of(None), default_options(None, None))


def master_of(vcpus: int | None) -> str:
    """How many calls of a stage run at once: one per core of this machine unless told."""
    return f"local[{vcpus or '*'}]"


def default_options(vcpus: int | None, memory_gib: float | None) -> dict[str, str]:
    """What a session on one machine is begun with."""
    cores = vcpus or os.cpu_count() or 1
    options = {
        # 200 tasks after each shuffle are for clusters
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.default.parallelism": str(2 * cores),
    }
    if memory_gib:
        options["spark.driver.memory"] = f"{int(memory_gib * _MIB)}m"
    return options


def _settings(folder: str) -> dict[str, str]:
    """As on Glue where a result could differ; alone on this machine; nothing left behind."""
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": os.path.join(folder, "warehouse"),  # noqa: PTH118 - text
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={folder}/log4j2.properties",
    }


def _quiet(folder: str) -> str:
    """Have Java log errors only, from its first line on; return *folder*."""
    Path(folder, "log4j2.properties").write_text(_LOG)
    return folder


def _end_java() -> None:
    """End the Java process: pyspark keeps it for a next session until the interpreter ends."""
    from pyspark import SparkContext

    context: Any = SparkContext
    with context._lock:
        gateway, context._gateway, context._jvm = context._gateway, None, None
    if gateway is None:
        return
    with suppress(Exception):
        gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is not None:
        process.stdin.close()  # what it waits for
        with suppress(Exception):
            process.wait(10)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
