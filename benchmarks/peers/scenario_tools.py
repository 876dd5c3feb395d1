"""redun and joblib as tools of the scenario table (`tests.core.identity_table`)."""

# Neither is typed, or only in part.
# pyright: basic

import asyncio
import atexit
import functools
import inspect
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import redun
from joblib import Memory  # type: ignore[import-untyped]  # it ships no types
from redun.config import Config
from tests.core.identity_table.tool import Forecast, Impossible, Make

_REDUN_OPTIONS: Final = frozenset({"name", "version", "cache", "nout"})


class _Silent:
    """What both have in common: neither says what it will do, or why it did it."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.notices: list[str] = []
        self.executed = 0

    def forecast(self, make: Make) -> Forecast:
        return Forecast()


class RedunTool(_Silent):
    """A scheduler on a SQLite file, opened when something is first evaluated."""

    def open(self, store: Path) -> dict[str, Any]:
        logging.getLogger("redun").setLevel(logging.CRITICAL)
        self._store = store
        self._scheduler: redun.Scheduler | None = None
        return {"task": self._task}

    def evaluate(self, make: Make, *, cache: bool) -> Any:
        expression = make()
        if self._scheduler is None:
            database = self._store / "redun.db"
            if not database.exists():
                self._store.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._empty(), database)
            self._scheduler = _scheduler(database)
            self._scheduler.load()
        return self._scheduler.run(expression, cache=cache)

    def close(self) -> None:
        """Every job is committed as it ends; the connection goes with the scheduler."""
        self._scheduler = None

    def _empty(self) -> Path:
        """A database that has its tables already: setting them up takes longer than most rows."""
        path = Path(tempfile.gettempdir()) / f"cellgraph-bench-redun-{os.getpid()}.db"
        if not path.exists():
            _scheduler(path).load(migrate=True)
            atexit.register(path.unlink)
        return path

    def _task(self, func: Callable[..., Any] | None = None, **options: Any) -> Any:
        unknown = options.keys() - _REDUN_OPTIONS
        if unknown:
            raise Impossible(f"redun has no option {', '.join(sorted(unknown))}")
        make = redun.task(namespace="table", **options)
        return make if func is None else make(func)


def _scheduler(database: Path) -> redun.Scheduler:
    return redun.Scheduler(config=Config({"backend": {"db_uri": f"sqlite:///{database}"}}))


class JoblibTool(_Silent):
    """A Memory folder. Calls run at once; without the cache, the plain function is called."""

    def open(self, store: Path) -> dict[str, Any]:
        self._memory = Memory(store, verbose=0)
        self._caching = True
        return {"task": self._task}

    def evaluate(self, make: Make, *, cache: bool) -> Any:
        self._caching = cache
        try:
            return make()
        finally:
            self._caching = True

    def close(self) -> None:
        """Every result is a file of its own, written as the call ends."""

    def _task(self, func: Callable[..., Any] | None = None, **options: Any) -> Any:
        if options.keys() - {"ignore"}:
            raise Impossible(f"joblib has no option {', '.join(sorted(options))}")
        if func is None:
            return functools.partial(self._task, **options)
        plain: Callable[..., Any] = func
        cached = self._memory.cache(plain, **options)

        @functools.wraps(plain)
        def call(*args: Any, **kwargs: Any) -> Any:
            value = (cached if self._caching else plain)(*args, **kwargs)
            return asyncio.run(value) if inspect.iscoroutine(value) else value

        call.func = plain  # type: ignore[attr-defined]  # as tasks of the others have it
        return call
