"""Lazy tasks, graph reduction, results that are found again. This module is the public API.

Everything but the names of tasks and expressions is imported when it is first used, so that
``import cellgraph`` costs little more than the standard library.
"""

from typing import TYPE_CHECKING, Any

from cellgraph import control
from cellgraph.control import catch, catch_all, cond, context, get_context, seq
from cellgraph.current import (
    accept,
    calls,
    configure,
    current_session,
    diff,
    evaluate,
    explain,
    get_call,
    get_run,
    invalidate,
    lineage,
    plan,
    runs,
    submit,
)
from cellgraph.errors import (
    CallCancelled,
    CallTimeout,
    CellgraphError,
    CodecError,
    ConfigError,
    ExecutorError,
    ExportError,
    GraphError,
    HostLost,
    IdentityError,
    LimitError,
    OutOfMemory,
    ScriptError,
    StoreError,
    TaskError,
)
from cellgraph.expression import Expression
from cellgraph.failure import Failure
from cellgraph.task import Partial, Task, task

if TYPE_CHECKING:
    from cellgraph.datasets import Dataset
    from cellgraph.explaining import Explanation
    from cellgraph.files import Dir, File
    from cellgraph.identity.registry import register_value
    from cellgraph.inside import progress
    from cellgraph.planning import Plan
    from cellgraph.plugins import sandbox
    from cellgraph.run import Run
    from cellgraph.scripting import script
    from cellgraph.secret import Secret
    from cellgraph.session import Session
    from cellgraph.sparkside import glue_context, spark, udf

__all__ = [
    "CallCancelled",
    "CallTimeout",
    "CellgraphError",
    "CodecError",
    "ConfigError",
    "Dataset",
    "Dir",
    "ExecutorError",
    "Explanation",
    "ExportError",
    "Expression",
    "Failure",
    "File",
    "GraphError",
    "HostLost",
    "IdentityError",
    "LimitError",
    "OutOfMemory",
    "Partial",
    "Plan",
    "Run",
    "ScriptError",
    "Secret",
    "Session",
    "StoreError",
    "Task",
    "TaskError",
    "accept",
    "calls",
    "catch",
    "catch_all",
    "cond",
    "configure",
    "context",
    "control",
    "current_session",
    "diff",
    "evaluate",
    "explain",
    "get_call",
    "get_context",
    "get_run",
    "glue_context",
    "invalidate",
    "lineage",
    "plan",
    "progress",
    "register_value",
    "runs",
    "sandbox",
    "script",
    "seq",
    "spark",
    "submit",
    "task",
    "udf",
]

_LATER = {
    "Dataset": "cellgraph.datasets",
    "Dir": "cellgraph.files",
    "Explanation": "cellgraph.explaining",
    "File": "cellgraph.files",
    "Plan": "cellgraph.planning",
    "Run": "cellgraph.run",
    "Secret": "cellgraph.secret",
    "Session": "cellgraph.session",
    "script": "cellgraph.scripting",
    "register_value": "cellgraph.identity.registry",
    "glue_context": "cellgraph.sparkside",
    "progress": "cellgraph.inside",
    "sandbox": "cellgraph.plugins",
    "spark": "cellgraph.sparkside",
    "udf": "cellgraph.sparkside",
}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'cellgraph' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(module), name)


def load_ipython_extension(ipython: Any) -> None:
    """Support ``%load_ext cellgraph``."""
    from cellgraph_notebook import load_ipython_extension as load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Support ``%unload_ext cellgraph``."""
    from cellgraph_notebook import unload_ipython_extension as unload

    unload(ipython)
