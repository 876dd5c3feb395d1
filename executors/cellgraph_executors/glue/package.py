"""The script that Glue starts, made once per process and named by its content."""

from functools import cache
from typing import Final

from cellgraph.digest import digest
from cellgraph_executors.wheel import Asset

SCRIPT: Final = b'''"""Started by AWS Glue: runs one call of a Cellgraph workflow."""

import shlex
import sys

from cellgraph_executors.glue.driver import drive

if __name__ == "__main__":
    drive(shlex.split(sys.argv[sys.argv.index("--cellgraph") + 1]))
'''


@cache
def script() -> Asset:
    """What Glue starts."""
    return Asset(f"cellgraph-{digest(SCRIPT).hex()[:16]}.py", SCRIPT)
