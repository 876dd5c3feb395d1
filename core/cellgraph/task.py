"""A function whose calls are lazy: `Task`, and the decorator that makes one."""

import inspect
import itertools
import os
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast, get_args, get_origin, overload

from cellgraph.errors import ConfigError, GraphError
from cellgraph.expression import Apply, Call, Expression, rule
from cellgraph.options import TaskOptions, checked
from cellgraph.suggest import closest

P = ParamSpec("P")
R = TypeVar("R")
_NONE: Final[Mapping[str, object]] = {}


class Task(Generic[P, R]):
    """An ordinary function as a task. Calling it builds an expression; `func` is the function.

    Two tasks are the same only if they are the same object; what a result is filed under is decided
    by the code they hold when they run.
    """

    _cellgraph_task_ = True  # how the code walker knows a task without importing this module

    def __init__(
        self,
        func: Callable[P, R],
        declared: TaskOptions,
        *,
        said: Mapping[str, Any] = _NONE,
        token: str | None = None,
        binder: "Binder | None" = None,
    ) -> None:
        if not callable(func):
            raise ConfigError(f"@task needs a function, not {type(func).__name__}")
        self.func = func
        self.declared = declared  # at the definition
        self.said = said  # for the calls made through this object
        self.own: TaskOptions = declared.with_(said) if said else declared
        self.name: str = declared.name or str(getattr(func, "__name__", "task"))
        self.token = token or _new_token()
        self.__name__ = self.name
        self.__qualname__ = getattr(func, "__qualname__", self.name)
        self.__module__ = getattr(func, "__module__", "__main__")
        self.__doc__ = func.__doc__
        self.__wrapped__ = func
        self._binder = binder or Binder(func)
        for option, names in (("ignore", self.own.ignore), ("harmless", self.own.harmless)):
            for name in names:
                self._binder.check(self.name, option, name)
        if not said:
            _LIVE[self.token] = self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Build a lazy call. Arguments that do not fit the signature raise TypeError at once."""
        binder = self._binder
        if kwargs or len(args) != binder.exact:
            return cast(R, Call(self, *binder.bind(args, kwargs)))
        return cast(R, Call(self, args))

    def options(self, **said: Any) -> "Task[P, R]":
        """Return this task with options for the calls made through it; values may be lazy."""
        lazy = {k: v for k, v in said.items() if isinstance(v, Expression)}
        if lazy:
            fixed = {k: v for k, v in said.items() if k not in lazy}
            return cast("Task[P, R]", _LazyOptions(self.options(**fixed), lazy))
        more = {**self.said, **said}
        return Task(self.func, self.declared, said=more, token=self.token, binder=self._binder)

    @property
    def defaults(self) -> Mapping[str, object]:
        """Default values by parameter name."""
        return self._binder.defaults

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the positional parameters, in order."""
        return self._binder.names

    @property
    def all_names(self) -> frozenset[str]:
        """Names of all parameters."""
        return self._binder.known

    def map(self, items: Iterable[Any], **fixed: Any) -> list[R]:
        """Return one call per item (the first argument), with *fixed* keyword arguments.

        *items* may be lazy; then the result is one lazy list.
        """
        if isinstance(items, Expression):
            return cast("list[R]", Apply(MAP, (items,), (self, fixed)))
        call = cast("Callable[..., R]", self)
        return [call(item, **fixed) for item in items]

    def partial(self, *args: Any, **kwargs: Any) -> "Partial":
        """Return a value that calls this task with these arguments first."""
        return Partial(self, args, kwargs)

    def identity_options(self) -> tuple[Any, ...]:
        """The declared options that change what a result means."""
        d = self.own
        return (d.version, d.nout, d.ignore, d.packages)

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    def __copy__(self) -> "Task[P, R]":
        return self

    def __deepcopy__(self, memo: object) -> "Task[P, R]":
        return self

    def __reduce__(self) -> tuple[object, ...]:
        if getattr(self.func, "_cellgraph_by_value_", False):  # a script says all it is
            return (_remade, (self.func, self.declared, dict(self.said)))
        # A worker process sends back a reference only: the code is already where it came from.
        processes = sys.modules.get("multiprocessing.process")
        in_worker = processes is not None and processes.parent_process() is not None
        return _parts(self, None if in_worker else self.func)


def reference_to(task: Task[..., Any]) -> tuple[object, ...]:
    """How *task* is pickled for where its code came from: without the code."""
    return _parts(task, None)


def _parts(task: Task[..., Any], func: Callable[..., Any] | None) -> tuple[object, ...]:
    where = (task.__module__, task.__qualname__)
    return (_revive, (task.token, *where, func, task.declared, dict(task.said)))


# Live tasks by token, weakly: how an expression that comes back from a worker process finds the
# very task it was sent with. Identity never looks here.
_LIVE: Final["weakref.WeakValueDictionary[str, Task[Any, Any]]"] = weakref.WeakValueDictionary()
_PROCESS: Final = os.urandom(6).hex()
_COUNTER: Final = itertools.count()


# In a worker process nothing else may hold a revived task while its token is still in use.
_REVIVED: Final[list[Any]] = []


def _new_token() -> str:
    return f"{_PROCESS}-{os.getpid()}-{next(_COUNTER)}"


def _revive(
    token: str,
    module: str,
    qualname: str,
    func: Callable[..., Any] | None,
    declared: TaskOptions,
    said: Mapping[str, Any],
) -> Task[..., Any]:
    base: Any = _LIVE.get(token)
    if base is None and func is not None:
        base = Task(func, declared, token=token)
        _REVIVED.append(base)
    if base is None:
        base = sys.modules.get(module)
        for part in qualname.split("."):
            base = getattr(base, part, None)
    if not isinstance(base, Task):
        raise GraphError(
            f"a worker returned a call of {qualname}, which is not a task of module {module} here: "
            "define the task at the top level of its module"
        )
    return cast("Task[..., Any]", base.options(**said) if said else base)


def _remade(
    func: Callable[..., Any], declared: TaskOptions, said: Mapping[str, Any]
) -> Task[..., Any]:
    base = Task(func, declared)
    return base.options(**said) if said else base


class Binder:
    """Binds arguments to a signature in one canonical form, compiled once per task.

    Positional parameters (defaults applied, extra ones after them) become a tuple; keyword-only and
    extra keyword arguments a dict sorted by name. So ``f(1, 2)`` and ``f(1, b=2)`` are one call.
    """

    __slots__ = ("_defaults", "_signature", "defaults", "exact", "known", "names", "variadic")

    def __init__(self, func: Callable[..., Any]) -> None:
        self._signature = signature = inspect.signature(func)
        kinds = [p.kind for p in signature.parameters.values()]
        self.variadic = frozenset(
            p.name
            for p in signature.parameters.values()
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        )
        positional = [
            p
            for p in signature.parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        simple = len(positional) == len(kinds)
        self.names = tuple(p.name for p in positional)
        self.known = frozenset(signature.parameters)
        # the number of arguments that needs no binding at all; -1: always bind
        self.exact = len(positional) if simple else -1
        self.defaults = {
            p.name: p.default for p in signature.parameters.values() if p.default is not p.empty
        }
        self._defaults = (
            tuple(p.default for p in positional if p.default is not p.empty) if simple else ()
        )

    def check(self, task: str, option: str, name: str) -> None:
        """Raise ConfigError unless *name* is one argument."""
        if name not in self.known:
            known = closest(name, self.known)
            raise ConfigError(f"{option}={name!r}: {task} has no such argument{known}")
        if name in self.variadic:
            raise ConfigError(
                f"{option}={name!r}: {name} takes any number of arguments: give the ones that are "
                "meant a name of their own"
            )

    def bind(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[object, ...], Mapping[str, object]]:
        """Return canonical (args, kwargs). Raises TypeError as Python would."""
        missing = self.exact - len(args)
        if not kwargs and 0 < missing <= len(self._defaults):
            return args + self._defaults[-missing:], _NONE
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, {name: bound.kwargs[name] for name in sorted(bound.kwargs)}


@dataclass(frozen=True, slots=True, repr=False)
class Partial:
    """A task with some arguments given: a value, so tasks may take and return it.

    As a dataclass it is a container like any other: lazy arguments inside it are resolved.
    """

    task: Task[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.task(*self.args, *args, **{**self.kwargs, **kwargs})

    def partial(self, *args: Any, **kwargs: Any) -> "Partial":
        """Return a partial with further arguments."""
        return Partial(self.task, (*self.args, *args), {**self.kwargs, **kwargs})

    def __repr__(self) -> str:
        return f"<partial {self.task.name}>"


class _LazyOptions:
    """What `Task.options` returns when a value is lazy: calls wait for the options."""

    def __init__(self, task: Task[..., Any], lazy: Mapping[str, Any]) -> None:
        self._task = task
        self._lazy = dict(lazy)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Apply(WITH_OPTIONS, (self._lazy,), (self._task, args, kwargs))


def _with_options(
    options: Mapping[str, Any],
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> object:
    return task.options(**options)(*args, **kwargs)


def _map(items: Iterable[Any], function: Callable[..., Any], fixed: Mapping[str, Any]) -> object:
    return [function(item, **fixed) for item in items]


MAP: Final = rule("map", _map, control=True)
WITH_OPTIONS: Final = rule("with_options", _with_options, control=True)


@overload
def task(func: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(**options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(func: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task: bare, or with options (see `TaskOptions`).

    Raises ConfigError for an unknown or wrong option; the message names the closest known one.
    """
    declared = TaskOptions(**checked(options, executor=options.get("executor")))

    def make(function: Callable[..., Any]) -> Task[..., Any]:
        if isinstance(function, Task):
            raise ConfigError(
                f"{function.name} is a task already: use {function.name}.options(...)"
            )
        return Task(function, _with_nout(function, declared))

    return make if func is None else make(func)


def _with_nout(func: Callable[..., Any], declared: TaskOptions) -> TaskOptions:
    """A ``-> tuple[A, B]`` annotation says how many values come out."""
    returns = getattr(func, "__annotations__", {}).get("return")
    if declared.nout is not None or get_origin(returns) is not tuple:
        return declared
    parts = get_args(returns)
    if Ellipsis in parts:
        return declared
    return declared.with_({"nout": 0 if parts == ((),) else len(parts)})
