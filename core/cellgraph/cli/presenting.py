"""How a run is shown in a terminal: whatever is registered for it, by entry point."""

from importlib.metadata import entry_points

from cellgraph.session import Presenter


def presenter() -> Presenter | None:
    """The registered presenter; None, and runs are silent, if there is none."""
    for point in entry_points(group="cellgraph.presenters"):
        made: Presenter = point.load()()
        return made
    return None
