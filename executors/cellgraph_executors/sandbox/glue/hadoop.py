"""`s3://` for Spark in the sandbox: a small Hadoop file system of ours, compiled when first used.

pyspark from PyPI brings Hadoop's client and no S3; Glue has EMRFS. The stand-in is Java, see
`java/`; it needs a Java compiler, and is kept in the user's cache by the digest of its source.
"""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import platformdirs

from cellgraph.digest import digest

FILE_SYSTEM: Final = "cellgraph.sandbox.S3FileSystem"
NO_COMPILER: Final = "s3:// from Spark needs a Java compiler (javac), which is not here"
_FOLDER: Final = Path(__file__).parent / "java"
_RELEASE: Final = "11"
_COMPILING_S: Final = 120


@cache
def library() -> Path | None:
    """The folder of classes for Spark's class path; None without pyspark or a Java compiler.

    Compiled once per user and source. Raises RuntimeError when it does not compile.
    """
    spark, compiler = find_spec("pyspark"), _compiler()
    if spark is None or spark.origin is None or compiler is None:
        return None
    jars = Path(spark.origin).parent / "jars"
    sources = sorted(_FOLDER.rglob("*.java"))
    names = "".join(sorted(jar.name for jar in jars.glob("hadoop-client-*.jar")))
    mark = digest(b"".join(source.read_bytes() for source in sources) + names.encode()).hex()[:16]
    made = platformdirs.user_cache_path("cellgraph") / "sandbox" / f"s3-{mark}"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        _compile(compiler, jars, [str(source) for source in sources], made)
    return made


def _compiler() -> str | None:
    home = os.environ.get("JAVA_HOME")
    own = Path(home, "bin", "javac") if home else None
    return str(own) if own is not None and own.exists() else shutil.which("javac")


def _compile(compiler: str, jars: Path, sources: list[str], made: Path) -> None:
    """Beside its place first: two processes may do this at once."""
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        classes = Path(folder, "classes")
        command = [compiler, "--release", _RELEASE, "-nowarn", "-cp", f"{jars}/*", "-d"]
        done = subprocess.run(
            [*command, str(classes), *sources],
            capture_output=True,
            text=True,
            timeout=_COMPILING_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the sandbox's s3:// does not compile: {done.stderr}")
        try:
            classes.rename(made)
        except OSError:  # somebody else was first
            if not made.exists():
                raise
