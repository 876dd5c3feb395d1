"""Cell outputs by MIME bundle: the one place that calls IPython's display functions."""

from collections.abc import Mapping
from typing import Any, cast

import IPython.display


def show(data: Mapping[str, object], metadata: Mapping[str, object], display_id: str = "") -> None:
    """Display *data* in the cell of this thread; *display_id* is by what `replace` finds it."""
    # IPython is typed in part only.
    ipython = cast(Any, IPython.display)
    ipython.display(dict(data), raw=True, metadata=dict(metadata), display_id=display_id or None)


def replace(data: Mapping[str, object], metadata: Mapping[str, object], display_id: str) -> None:
    """Put *data* in place of what was shown under *display_id*."""
    ipython = cast(Any, IPython.display)
    ipython.update_display(dict(data), raw=True, metadata=dict(metadata), display_id=display_id)
