"""How the command line speaks: coloured on a terminal, plain in a file or a pipe."""

from rich.console import Console
from rich.text import Text

from cellgraph.words import duration, plural

__all__ = ["console", "duration", "error_console", "plural", "show_error"]

_FILE_WIDTH = 160  # a file or a pipe has no edge to wrap at; tables still need a width


def console() -> Console:
    """Where results go."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, _FILE_WIDTH))


def error_console() -> Console:
    """Where errors and progress go."""
    return Console(stderr=True, highlight=False)


def show_error(message: str) -> None:
    """Print the first line of *message* in red, what follows (a traceback, a log) as it is."""
    line, _, rest = message.partition("\n")
    out = error_console()
    out.print(Text(line, style="bold red"), soft_wrap=True)
    if rest.strip():
        out.print(Text.from_ansi(rest.strip("\n")), soft_wrap=True)
