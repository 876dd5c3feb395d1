"""IPython's display machinery in a worker process, for steps that run there.

A worker has no kernel: `display` would print, and figures would be lost. Imported there only.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

Hook = Callable[[dict[str, Any]], None]
_INLINE: Final = "matplotlib_inline.backend_inline"


class _Publisher(DisplayPublisher):
    """Hands messages to hooks, as a kernel's publisher does; without a hook it prints."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # IPython is partly typed
        self._hooks: list[Hook] = []

    def register_hook(self, hook: Hook) -> None:
        self._hooks.append(hook)

    def unregister_hook(self, hook: Hook) -> None:
        self._hooks.remove(hook)

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        if not self._hooks:
            base: Any = super()  # IPython is partly typed
            base.publish(data, metadata, transient=transient, update=update, **kwargs)
            return
        kind = "update_display_data" if update else "display_data"
        content = {"data": _encoded(data), "metadata": metadata or {}, "transient": transient or {}}
        for hook in self._hooks:
            hook({"header": {"msg_type": kind}, "content": content})

    def clear_output(self, wait: bool = False) -> None:
        for hook in self._hooks:
            hook({"header": {"msg_type": "clear_output"}, "content": {"wait": wait}})


class _Shell(InteractiveShell):
    display_pub_class = Type(_Publisher)


def worker_shell() -> Any:
    """The shell of this worker process, made when first asked for."""
    if InteractiveShell.initialized():
        return InteractiveShell.instance()
    config = Config()
    config.HistoryManager.enabled = False
    # The worker's own __main__: classes of the notebook are looked up there.
    shell: Any = _Shell.instance(config=config, user_module=sys.modules["__main__"])
    inline: Any = sys.modules.get(_INLINE)
    if inline is not None:  # imported by an earlier call, when there was no shell to configure
        inline.configure_inline_support(shell, "inline")
    return shell


def _encoded(data: dict[str, Any]) -> dict[str, Any]:
    """Images as text, as they travel in messages."""
    from base64 import b64encode

    return {k: b64encode(v).decode() if isinstance(v, bytes) else v for k, v in data.items()}
