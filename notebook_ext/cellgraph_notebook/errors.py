"""How an error looks in a notebook: the user's frames first, none of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from cellgraph.errors import CellgraphError, TaskError


@contextmanager
def shown_well() -> Iterator[None]:
    """Give errors of Cellgraph's own tree a short rendering; anything else passes untouched."""
    try:
        yield
    except CellgraphError as error:
        if not hasattr(error, "_render_traceback_"):
            # IPython asks the exception for its lines before it draws a traceback
            setattr(error, "_render_traceback_", partial(_lines, error))  # noqa: B010  # IPython's protocol, unknown to types
        raise


def _lines(error: CellgraphError) -> list[str]:
    red, bold, off = "\x1b[0;31m", "\x1b[1m", "\x1b[0m"
    first, _, rest = str(error).partition("\n")
    lines = [f"{red}{bold}{type(error).__name__}{off}: {first}"]
    if rest.strip():
        lines += rest.strip("\n").split("\n")
    if isinstance(error, TaskError) and error.call:
        lines.append(f"{bold}What had finished is kept{off}: mend the code and evaluate again.")
    return lines
