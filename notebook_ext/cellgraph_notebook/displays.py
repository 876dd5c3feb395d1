"""What a cached step displays, kept with its result: figures, tables, `display(...)`.

`run_step` is what the engine calls, on a thread of the kernel or in a worker process. Displayed
outputs are caught there and returned after the step's own values, so that they are stored, and
shown whether the step ran or was found. Text printed is caught by the executor.
"""

import asyncio
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, cast

# A view of a widget says nothing once its kernel has gone.
_ONLY_LIVE: Final = frozenset({"application/vnd.jupyter.widget-view+json"})


class Display(NamedTuple):
    """One displayed output: its MIME bundle and metadata."""

    data: dict[str, Any]
    metadata: dict[str, Any]


def run_step(body: Callable[..., Any], *inputs: Any) -> tuple[Any, ...]:
    """Call a step; return its values and, last, a tuple of what it displayed.

    *body* returns its values as a tuple, and what its last line gives.
    """
    with _kept() as kept:
        answer = body(*inputs)
        if inspect.iscoroutine(answer):
            answer = asyncio.run(_awaited(answer))
        values, last = answer
        if last is not None:
            _display(last)
    return (*values, tuple((d.data, d.metadata) for d in kept))


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _display(value: object) -> None:
    if "IPython" in sys.modules:
        import IPython.display

        cast(Any, IPython.display).display(value)  # IPython is partly typed
    else:
        print(repr(value))


@contextmanager
def _kept() -> Generator[list[Display]]:
    """Collect what this thread displays. Without a kernel, displaying is printing."""
    shell = _shell()
    publisher = getattr(shell, "display_pub", None)
    if not hasattr(publisher, "register_hook"):
        yield []
        return
    catcher = _Catcher()
    hooked: Any = publisher
    hooked.register_hook(catcher)
    before = set(_figures())
    try:
        yield catcher.kept
        _show_figures(before)
    finally:
        hooked.unregister_hook(catcher)


class _Catcher:
    """Takes display messages of one thread instead of the front end."""

    def __init__(self) -> None:
        self.kept: list[Display] = []
        self._places: dict[str, int] = {}

    def __call__(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["header"]["msg_type"] == "clear_output":
            self.kept.clear()
            self._places.clear()
            return
        data = {k: v for k, v in content["data"].items() if k not in _ONLY_LIVE}
        shown = Display(data, dict(content["metadata"]))
        name = content.get("transient", {}).get("display_id")
        at = self._places.get(name) if name else None
        if message["header"]["msg_type"] == "update_display_data":
            if at is not None:
                self.kept[at] = shown
            return
        if name:
            self._places[name] = len(self.kept)
        self.kept.append(shown)


def _shell() -> Any:
    """The shell of this process; a worker process of a kernel gets one. None: there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None and _serves_a_kernel():
        from cellgraph_notebook.worker_shell import worker_shell

        return worker_shell()
    return shell


def _serves_a_kernel() -> bool:
    """Whether this is a worker process and the backend of matplotlib is that of a kernel."""
    processes = sys.modules.get("multiprocessing.process")
    is_worker = processes is not None and processes.parent_process() is not None
    return is_worker and "matplotlib_inline" in os.environ.get("MPLBACKEND", "")


def _figures() -> dict[int, Any]:
    """The open figures of matplotlib by number, if they are shown inline."""
    if "matplotlib_inline.backend_inline" not in sys.modules:
        return {}
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    return dict(helpers.Gcf.figs) if helpers is not None else {}


def _show_figures(before: set[int]) -> None:
    """Show and close the figures that the step has left open, as the end of a cell does."""
    for number, manager in _figures().items():
        if number not in before:
            _display(manager.canvas.figure)
            cast(Any, sys.modules["matplotlib._pylab_helpers"]).Gcf.destroy(number)
