"""AWS on loopback: no account, no container engine, and jobs really run. See README.md here."""

from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cellgraph.errors import ConfigError

if TYPE_CHECKING:
    from cellgraph_executors.sandbox.box import Sandbox

__all__ = ["sandbox"]


def sandbox(**settings: Any) -> "AbstractContextManager[Sandbox]":
    """Start a sandbox for the block; its settings are those of `box.Sandbox`.

    Raises ConfigError when moto is not installed, or for a setting that it does not have.
    """
    if find_spec("moto") is None or find_spec("flask") is None:
        raise ConfigError("the sandbox needs moto: pip install 'cellgraph[sandbox]'")
    from cellgraph_executors.sandbox.box import open_sandbox

    return open_sandbox(settings)
