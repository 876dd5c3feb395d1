"""How the command line speaks: coloured on a terminal, plain in a file or a pipe."""

from rich.console import Console
from rich.text import Text

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


def duration(seconds: float) -> str:
    """A length of time as people say it: "8 ms", "3.2 s", "4 min 10 s", "2 h 5 min"."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, one: str) -> str:
    """ "1 call", "86 calls"."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
