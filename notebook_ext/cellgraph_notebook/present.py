"""How this run is shown: live in a notebook, settled only, or as text. What the kernel glue calls.

    view = present(label, on_stop=run.cancel)
    unsubscribe = bus.subscribe(view.subscriber)
    with view:                   # display(); at the end settle(), which returns when all is shown
        ...                      # block until the run is over; an exception settles as well
    unsubscribe()

A run over within 0.3 s is one line. A background run says `background=True`, calls
`view.display()` in the cell that starts it and need not call `settle()`: the view settles by itself
when it hears of the run's end. `subscriber` may be subscribed before or after `display`, but not
without it: what it is told is kept until it is shown.

`CELLGRAPH_DISPLAY` is `live` (the default where there is a kernel), `static` (one output when the
run ends: no widget, no update of an output) or `plain` (text; the default elsewhere).
`CELLGRAPH_REPRODUCIBLE=1` leaves out times and the run's id, so that equal runs look equal; it
shows nothing before the end.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, TextIO

from cellgraph.errors import ConfigError
from cellgraph_notebook.pump import Painter, RunDisplay
from cellgraph_notebook.snapshot import Snapshot, without_times
from cellgraph_notebook.static_painter import StaticPainter
from cellgraph_notebook.text_view import LogPainter, ReportPainter, TerminalPainter

if TYPE_CHECKING:
    from cellgraph_notebook.children import Hands

Mode = Literal["live", "static", "plain"]
PATIENCE_S: Final = 0.3
_DISPLAY: Final = "CELLGRAPH_DISPLAY"
_REPRODUCIBLE: Final = "CELLGRAPH_REPRODUCIBLE"


def present(
    label: str,
    *,
    on_stop: Callable[[], None],
    hands: "Hands | None" = None,
    background: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> RunDisplay:
    """Return the display for a run about to start; nothing is shown before its `display()`.

    *on_stop* is called when the reader presses Stop, from any thread; *hands* reach the jobs of
    other machines, for logs and to end them. Raises ConfigError for a
    `CELLGRAPH_DISPLAY` that does not exist.
    """
    kernel = in_kernel()
    mode, same = display_mode(environ, kernel=kernel), reproducible(environ)
    patience_s = 0.0 if background else PATIENCE_S
    if mode == "live" and not same:
        # Imported when used: ipywidgets alone takes a tenth of a second.
        from cellgraph_notebook.live_view import LiveView

        return LiveView(label, on_stop, hands=hands, patience_s=patience_s)
    if mode != "plain":
        return RunDisplay(label, StaticPainter(without_times if same else _as_it_is))
    stream = sys.stdout if kernel else sys.stderr
    return RunDisplay(label, _text_painter(stream, same=same), patience_s=patience_s)


def display_mode(environ: Mapping[str, str], *, kernel: bool) -> Mode:
    """Return how runs are shown, as *environ* asks or as fits where this process runs."""
    asked = environ.get(_DISPLAY, "")
    modes: tuple[Mode, ...] = ("live", "static", "plain")
    for mode in modes:
        if asked == mode:
            return mode
    if asked:
        raise ConfigError(f"{_DISPLAY}={asked!r} is not a way to show runs: use {', '.join(modes)}")
    return "live" if kernel else "plain"


def reproducible(environ: Mapping[str, str]) -> bool:
    """Return whether outputs must not tell times and ids."""
    return environ.get(_REPRODUCIBLE, "") not in ("", "0")


def in_kernel() -> bool:
    """Return whether this process is a Jupyter kernel. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _text_painter(stream: TextIO, *, same: bool) -> Painter:
    if same:
        return ReportPainter(stream, without_times)
    return TerminalPainter(stream) if stream.isatty() else LogPainter(stream)


def _as_it_is(snapshot: Snapshot) -> Snapshot:
    return snapshot
