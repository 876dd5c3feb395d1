"""The command line: thin commands over `Session`. Nothing here is imported by the library."""

import sys


def main() -> None:
    """Run ``cellgraph`` with the arguments of this process and end it with the exit code."""
    from cellgraph.cli.app import run  # typer and rich load only when a command runs

    sys.exit(run(sys.argv[1:]))
