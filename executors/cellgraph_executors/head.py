"""The reducer itself as a job: `submit(expr, on="batch")`.

The expression travels with its tasks; a session like the kernel's reduces it there, over the same
store, and hands further calls to the same executors. So every stage starts without the kernel, and
whoever evaluates the same expression later finds it done.
"""

import os
from collections.abc import Mapping
from typing import Any, Final

from cellgraph.errors import ConfigError, ExecutorError
from cellgraph.expression import Expression
from cellgraph.inside import enter
from cellgraph.options import TaskOptions
from cellgraph.settings import Settings
from cellgraph.stores.trusted import VARIABLE
from cellgraph.task import Task
from cellgraph_executors import pickling

# Of this machine, or of the person at it.
_PRIVATE: Final = ("profile", "machine", "workers")
_NAME: Final = "reduce"


def remotely(expr: Any, on: str, settings: Settings, how: Mapping[str, Any]) -> Any:
    """A call that reduces *expr* on executor *on*, with tasks and settings as they are now.

    *how*: what `Session.evaluate` is told there.
    Raises ConfigError for a store that other machines cannot reach, ExecutorError for an
    expression that cannot be sent.
    """
    check_reachable(f"on={on!r}", settings)
    try:
        data, parts = pickling.dump_with_parts(expr)
        data = pickling.dump((expr, pickling.tagged(parts.classes)))
    except Exception as error:  # pickling runs the user's code
        where = pickling.culprit(expr, "the expression")
        raise ExecutorError(f"on={on!r}: {where} cannot be sent ({error})") from error
    helper = settings.executors.get(on, {}).get("helper_image")  # where `image` has no Python
    extra = {"image": helper} if helper else {}
    options = TaskOptions(name=_NAME, executor=on, cache=False, extra=extra)
    task: Any = Task(_reduce, options)
    call: Expression = task(data, pickling.cell_texts(parts.files), travelling(settings), dict(how))
    return call


def check_reachable(asked: str, settings: Settings) -> None:
    """A reducer on another machine can work. *asked* is what asks for one. Raises ConfigError."""
    if not settings.store.startswith("s3://"):
        raise ConfigError(
            f"{asked}: the store is on this machine, and the reducer would run on another one: "
            "give the session a store both reach, store='s3://bucket/prefix'"
        )
    if settings.trust == "signed":
        raise ConfigError(
            f"{asked}: with trust='signed' the reducer runs where your key is, and a job never "
            "has it: evaluate from here, its calls leave as jobs all the same"
        )


def travelling(settings: Settings) -> dict[str, Any]:
    """The settings that hold on another machine as well."""
    executors = {
        name: {k: v for k, v in section.items() if k not in _PRIVATE}
        for name, section in settings.executors.items()
    }
    return {
        "store": settings.store,
        "s3": dict(settings.s3),
        "executor": settings.executor,
        "executors": executors,
        "limits": dict(settings.limits),
        "definitions": settings.definitions,
    }


def _reduce(
    data: bytes, texts: dict[str, str], settings: Mapping[str, Any], how: Mapping[str, Any]
) -> Any:
    """On the worker: reduce the expression in a session of its own."""
    from cellgraph.session import Session

    outer = enter(None)  # this is no task's body
    pickling.install_texts(texts)
    expr, classes = pickling.load(data)
    pickling.install_classes(classes)
    bucket = "/".join(settings["store"].split("/")[:3])
    # whoever sent this trusts the bucket: it is where this very call was read from
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {bucket}".strip()
    try:
        with Session(**settings) as session:
            return session.evaluate(expr, **how)
    finally:
        enter(outer)
