"""What a call finds where it runs: the interpreter and the versions of packages, written down.

An environment record is made once per image, in the image (`cellgraph describe`), and read where
keys are computed: packages count by their version where the call runs.
"""

import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ConfigError

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
    packages: dict[str, str] = {}
    for found in distributions():
        name = re.sub(r"[-_.]+", "-", str(found.metadata["Name"] or "")).lower()
        if name:
            packages.setdefault(name, found.version.partition("+")[0])
    machine = f"{platform.machine()}-{sys.platform}"
    return Described(platform.python_version(), machine, packages)


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
