"""What a call finds where it runs: the interpreter and the versions of packages, written down.

An environment is described once, by the first job that runs in it (or `cellgraph describe`), and
that is read where keys are computed: packages count by their version where the call runs.
"""

import json
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.identity.packages import installed

_FORMAT: Final = 1


class Described(NamedTuple):
    """An environment. `packages`: canonical name -> public version."""

    python: str  # 3.11.7
    machine: str  # x86_64-linux
    packages: Mapping[str, str]

    @property
    def minor(self) -> tuple[int, int]:
        """The version that bytecode is bound to."""
        major, minor, *_ = self.python.split(".")
        return int(major), int(minor)

    @property
    def digest(self) -> bytes:
        """Names the environment. 32 bytes."""
        return digest(self.text().encode())

    def text(self) -> str:
        """The record, as JSON."""
        said = {
            "format": _FORMAT,
            "python": self.python,
            "machine": self.machine,
            "packages": dict(sorted(self.packages.items())),
        }
        return json.dumps(said, indent=1) + "\n"


def describe() -> Described:
    """Describe this interpreter. Reads what is installed; imports nothing of it."""
    import platform  # where it is asked for, once

    machine = f"{platform.machine()}-{sys.platform}"
    return Described(platform.python_version(), machine, packages_here())


def packages_here() -> dict[str, str]:
    """Canonical name -> public version of what can be imported here, Spark's own library too.

    That may lie beside Spark, as in AWS Glue, where no installer has noted it.
    """
    found = installed()
    if "pyspark" not in found:
        spec = find_spec("pyspark")
        said = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
        text = said.read_text(errors="replace") if said is not None and said.is_file() else ""
        number = re.search(r"__version__.*?[\"'](\d+(?:\.\d+)+)", text)
        if number is not None:
            found["pyspark"] = number[1]
    return found


def describe_text(after: float = 0.0) -> str:
    """The same as a text: what a job that describes its environment returns.

    *after*: when that was described before. Who knows the same asks the same; who wants to know
    more than what is on record is not answered by the job that gave it.
    """
    return describe().text()


def read(text: str | bytes) -> Described:
    """Read a record. Raises ConfigError."""
    try:
        said: dict[str, Any] = json.loads(text)
        if said["format"] != _FORMAT:
            raise ConfigError(
                f"an environment record has format {said['format']}: upgrade cellgraph to read it"
            )
        packages = {str(k): str(v) for k, v in said["packages"].items()}
        return Described(str(said["python"]), str(said["machine"]), packages)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"an environment record cannot be read ({error!r}): make it again in the image with "
            "`cellgraph describe`"
        ) from error
