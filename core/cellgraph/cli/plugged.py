"""Commands that other packages add: entry points of the group `cellgraph.commands`.

Each names a function with typer's annotations or a `typer.Typer` with several. It is imported when
it is run or listed, so that starting any other command costs nothing more.
"""

from typing import Any

import typer
from typer.core import TyperGroup

from cellgraph.errors import ConfigError
from cellgraph.plugins import commands


class PluggedGroup(TyperGroup):
    """The built-in commands, and then those of other packages."""

    # typer keeps its own copy of click, whose place changes: its types are Any here
    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in sorted(commands()) if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None; one that cannot be imported says why when it is run."""
        own = super().get_command(ctx, cmd_name)
        point = commands().get(cmd_name)
        if own is not None or point is None:
            return own
        try:
            found = point.load()
        except ImportError as error:
            found = _broken(cmd_name, str(error))
        return _as_command(cmd_name, found)


def _as_command(name: str, found: Any) -> Any:
    if not isinstance(found, typer.Typer):
        made = typer.Typer(add_completion=False, rich_markup_mode=None)
        made.command(name)(found)
        found = made
    command = typer.main.get_command(found)
    command.name = name
    return command


def _broken(name: str, reason: str) -> Any:
    def cannot_run() -> None:
        raise ConfigError(f"`cellgraph {name}` cannot be loaded: {reason}")

    cannot_run.__doc__ = f"(cannot be loaded: {reason})"
    return cannot_run
