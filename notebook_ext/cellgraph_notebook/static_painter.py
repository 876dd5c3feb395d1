"""Shows a run once, when it is over: one output, no widget, nothing to update."""

from collections.abc import Callable

from cellgraph_notebook.snapshot import Snapshot
from cellgraph_notebook.static_view import run_bundle
from cellgraph_notebook.view_model import RunModel


class StaticPainter:
    """Displays the settled bundle of a run, as *edit* leaves its last snapshot."""

    interval_s = 1.0

    def __init__(self, edit: Callable[[Snapshot], Snapshot]) -> None:
        self._edit = edit

    def open(self, model: RunModel, now: float) -> None:
        """Show nothing."""

    def paint(self, model: RunModel, now: float) -> None:
        """Show nothing."""

    def close(self, model: RunModel, now: float) -> None:
        """Display the bundle in the cell of this thread."""
        from cellgraph_notebook.outputs import show

        show(*run_bundle(self._edit(model.snapshot(now))))

    def brief(self, model: RunModel, now: float) -> None:
        """Display the bundle: whether a run was quick must not show."""
        self.close(model, now)
