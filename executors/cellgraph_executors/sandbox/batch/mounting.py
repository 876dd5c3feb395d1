"""Folders of the host at the paths where a container expects them."""

from collections.abc import Mapping, Sequence

from cellgraph_executors.sandbox.batch.model import Mount


def with_mounts(
    command: Sequence[str], environment: Mapping[str, str], mounts: Sequence[Mount]
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the command and the environment that run *command* among its mounts."""
    return command, environment
