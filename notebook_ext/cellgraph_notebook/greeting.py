"""The one line that loading the extension prints."""

from importlib.metadata import version
from pathlib import Path

from cellgraph.plugins import executor_names
from cellgraph.settings import load_settings


def greeting() -> str:
    """What is loaded, where results go, where tasks may run. Opens and computes nothing."""
    settings = load_settings({})
    where = settings.store or str(Path(settings.project) / ".cellgraph")
    home = str(Path.home())
    shown = "~" + where[len(home) :] if where.startswith(home) else where
    names = ", ".join(n for n in executor_names() if n != "local")
    return f"cellgraph {version('cellgraph')} · results in {shown} · executors {names}"
