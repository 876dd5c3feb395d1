"""The one line that loading the extension prints."""

from importlib.metadata import version
from pathlib import Path

from IPython.core.error import UsageError

from cellgraph.errors import ConfigError
from cellgraph.plugins import executor_names
from cellgraph.settings import load_settings


def greeting() -> str:
    """What is loaded, where results go, where tasks may run. Opens and computes nothing.

    Raises UsageError (one red line) if the settings are wrong.
    """
    try:
        settings = load_settings({})
    except ConfigError as error:
        raise UsageError(str(error)) from error
    where = settings.store or str(Path(settings.project) / ".cellgraph")
    home = str(Path.home())
    shown = f"~{where[len(home) :]}" if where.startswith(f"{home}/") else where
    names = dict.fromkeys((*executor_names(), *settings.executors))
    executors = ", ".join(name for name in names if name != "local")
    return f"cellgraph {version('cellgraph')} · results in {shown} · executors {executors}"
