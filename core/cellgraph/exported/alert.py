"""Who is told when an exported run fails or works again: a command, or an address. Pure."""

import re
import shlex
from typing import Final

from cellgraph.errors import ExportError

VARIABLE: Final = "env:"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Addresses that are keys themselves: whoever has one can post there.
_SECRET: Final = re.compile(r"(?i)hooks\.slack|webhook\.office|discord(app)?\.com/api|://[^/]*@|"
                            r"[?&/](token|key|secret|sig)[=/]|[A-Za-z0-9_-]{24,}")  # fmt: skip


def checked(target: str) -> str:
    """*target* as it may stand in a bundle. Raises ExportError."""
    if target.startswith(VARIABLE):
        if not _NAME.fullmatch(target.removeprefix(VARIABLE)):
            raise ExportError(f"--alert {target!r}: expected env:NAME, a variable's name")
    elif target.startswith(("http://", "https://")):
        if _SECRET.search(target):
            raise ExportError(
                "--alert: this address looks like a key, and a bundle is no place for one: put it "
                "into a variable of the environment and say --alert env:NAME"
            )
    elif target:
        try:
            words = shlex.split(target)
        except ValueError as error:
            raise ExportError(f"--alert {target!r} is no command: {error}") from None
        if not words:
            raise ExportError("--alert: expected a command, http(s)://..., or env:NAME")
    return target
