"""The notebook side of Cellgraph: magics, live views, settled outputs."""

from typing import Any

_MAGICS = "CellgraphMagics"


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext cellgraph``: register the magics and completions, once, and say what is here."""
    if _MAGICS in ipython.magics_manager.registry:
        return
    from cellgraph.current import show_through
    from cellgraph_notebook import completion, errors, rich
    from cellgraph_notebook.greeting import greeting
    from cellgraph_notebook.kernel import Kernel
    from cellgraph_notebook.magics.extension import CellgraphMagics

    greeted = greeting()
    kernel = Kernel()
    ipython.register_magics(CellgraphMagics(ipython, kernel))
    completion.install(ipython, kernel)
    rich.install(ipython)
    errors.install()
    show_through(kernel)
    print(greeted)


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext cellgraph``: leave no trace; the session is closed."""
    ours = ipython.magics_manager.registry.pop(_MAGICS, None)
    if ours is None:
        return
    from cellgraph.current import show_through, use
    from cellgraph_notebook import completion, errors, rich

    for magics in ipython.magics_manager.magics.values():
        for name, function in list(magics.items()):
            if getattr(function, "__self__", None) is ours:
                del magics[name]
    if ours in ipython.configurables:
        ipython.configurables.remove(ours)
    completion.remove(ipython)
    rich.remove(ipython)
    errors.remove()
    show_through(None)
    use(None)
