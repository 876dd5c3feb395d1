"""The command line: thin commands over `Session`. Nothing here is imported by the library."""

import sys


def main() -> None:
    """Run ``cellgraph`` with the arguments of this process and end it with the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["worker"] and "--help" not in arguments:
        sys.exit(_worker(arguments[1:]))
    from cellgraph.cli.app import run  # typer and rich load only when a command runs

    sys.exit(run(arguments))


def _worker(arguments: list[str]) -> int:
    """Run a call on this machine for another one: thousands of these start, each for one call.

    So typer stays out, and only our own distribution is asked for the command.
    """
    from importlib import import_module
    from importlib.metadata import distribution

    points = distribution("cellgraph").entry_points
    (point,) = points.select(group="cellgraph.commands", name="worker")
    code: int = import_module(point.module).main(arguments)
    return code
