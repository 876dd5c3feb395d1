"""The notebook side of Cellgraph: magics, live views, settled outputs."""

from typing import Any

_MAGICS = "CellgraphMagics"


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext cellgraph``: register the magics and completions, once, and say what is here."""
    if _MAGICS in ipython.magics_manager.registry:
        return
    from cellgraph_notebook import completion
    from cellgraph_notebook.greeting import greeting
    from cellgraph_notebook.kernel import Kernel
    from cellgraph_notebook.magics.extension import CellgraphMagics

    kernel = Kernel()
    ipython.register_magics(CellgraphMagics(ipython, kernel))
    completion.install(ipython)
    print(greeting())


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext cellgraph``: leave no trace."""
    from cellgraph_notebook import completion
    from cellgraph_notebook.kernel import Kernel

    registry = ipython.magics_manager.registry
    ours = registry.pop(_MAGICS, None)
    if ours is None:
        return
    for kind in ("line", "cell"):
        magics = ipython.magics_manager.magics[kind]
        for name, function in list(magics.items()):
            if getattr(function, "__self__", None) is ours:
                del magics[name]
    completion.remove(ipython)
    Kernel().close()
