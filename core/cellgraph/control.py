"""Control flow on lazy values. Each combinator is an ordinary rule; the engine knows none of them.

`cond` and `catch` evaluate only the branch that is taken. Everything here is imported from
``cellgraph.control``; the four most used names are also in ``cellgraph``.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cellgraph.errors import ExecutorError, GraphError
from cellgraph.expression import Apply, rule
from cellgraph.failure import Failure, Refailed
from cellgraph.structure import leaves, rebuild
from cellgraph.task import MAP

__all__ = [
    "catch",
    "catch_all",
    "cond",
    "context",
    "flat_map",
    "flatten",
    "get_context",
    "identity",
    "map_",
    "seq",
    "starmap",
    "throw",
    "zip_",
]

_FAILURES: Final = frozenset({Failure})
_ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]


def cond(condition: Any, then: Any, *rest: Any) -> Any:
    """*then* if *condition* holds, else the next ``condition, then`` pair, else the last value.

    ``cond(a, x, b, y, z)`` reads: x if a, else y if b, else z. Without a last value it is None.
    """
    return Apply(COND, (condition,), (then, *rest))


def _cond(condition: Any, then: Any, *rest: Any) -> object:
    if condition:
        return then
    if len(rest) < 2:
        return rest[0] if rest else None
    return cond(*rest)


def catch(expr: Any, *clauses: Any) -> Any:
    """Evaluate *expr*; on an error of a named class, evaluate ``recover(error)`` instead.

    *clauses* are pairs ``ErrorClass, recover`` (a class or a tuple of classes; the first that
    matches wins). What the place of execution did wrong (`ExecutorError`) is taken only when such a
    class is named, and then the result is not stored.
    """
    if len(clauses) < 2 or len(clauses) % 2:
        raise GraphError("catch takes pairs: catch(expr, ValueError, recover, KeyError, other)")
    return Apply(CATCH, (expr,), clauses)


def matches(failure: Failure, classes: _ErrorTypes) -> bool:
    """Whether a clause for *classes* takes *failure*."""
    named = classes if isinstance(classes, tuple) else (classes,)
    if failure.by_executor:
        named = tuple(c for c in named if issubclass(c, ExecutorError))
    return isinstance(failure.error, named)


def _catch(outcome: Any, *clauses: Any) -> object:
    failure = next(leaves(outcome, _FAILURES), None)
    if failure is None:
        return outcome
    for classes, recover in zip(clauses[::2], clauses[1::2], strict=True):
        if matches(failure, classes):
            return recover(failure.error)
    raise Refailed(failure)


def catch_all(exprs: Any, error: Any = None, recover: Callable[..., Any] | None = None) -> Any:
    """Let every expression in the container finish, then return it, or ``recover(container)``.

    With *recover*, the container it gets has the caught exceptions in the places of the values
    that failed. An error of another class, or any error without *recover*, is raised: the first.
    """
    return Apply(CATCH_ALL, (exprs,), (error, recover))


def _catch_all(
    values: Any, error: _ErrorTypes | None, recover: Callable[..., Any] | None
) -> object:
    failures = list(leaves(values, _FAILURES))
    if not failures:
        return values
    for failure in failures:
        if error is None or recover is None or not matches(failure, error):
            raise Refailed(failure)
    assert recover is not None
    return recover(rebuild(values, lambda f: f.error, _FAILURES.__contains__))


def seq(exprs: Iterable[Any]) -> Any:
    """Evaluate expressions strictly one after the other; the value is the list of their values."""
    steps = list(exprs)
    return Apply(SEQ, (), ((), tuple(steps)))


def _seq(*args: Any) -> object:
    *value, done, todo = args
    done = (*done, *value)
    if not todo:
        return list(done)
    return Apply(SEQ, (todo[0],), (done, todo[1:]))


def throw(error: BaseException) -> Any:
    """Fail with *error* when evaluated."""
    return Apply(THROW, (error,))


def _throw(error: BaseException) -> object:
    raise error


def map_(function: Callable[..., Any], items: Any, **fixed: Any) -> Any:
    """One call of *function* (a task) per item of the (lazy) *items*, as a lazy list."""
    return Apply(MAP, (items,), (function, fixed))


def starmap(function: Callable[..., Any], items: Any) -> Any:
    """Like `map_`, but each item is a tuple of arguments or a dict of keyword arguments."""
    return Apply(STARMAP, (items,), (function,))


def _starmap(items: Iterable[Any], function: Callable[..., Any]) -> object:
    return [function(**i) if isinstance(i, Mapping) else function(*i) for i in items]


def flat_map(function: Callable[..., Any], items: Any, **fixed: Any) -> Any:
    """`map_` followed by `flatten`: *function* returns a list for each item."""
    return flatten(map_(function, items, **fixed))


def flatten(lists: Any) -> Any:
    """One list of all items of a (lazy) list of lists."""
    return Apply(FLATTEN, (lists,))


def _flatten(lists: Iterable[Iterable[Any]]) -> object:
    return list(itertools.chain.from_iterable(lists))


def zip_(*lists: Any) -> Any:
    """Tuples of items taken in step from (lazy) lists."""
    return Apply(ZIP, lists)


def _zip(*lists: Iterable[Any]) -> object:
    return list(zip(*lists, strict=False))


def identity(value: Any) -> Any:
    """The value itself, lazily."""
    return Apply(IDENTITY, (value,))


def context(expr: Any, **settings: Any) -> Any:
    """Evaluate *expr* with *settings* added to the context that its sub-graph can read."""
    return Apply(CONTEXT, (), (expr, settings))


def get_context(path: str, default: Any = None) -> Any:
    """The context's value at a dotted *path* (``"model.depth"``) where this is evaluated."""
    return Apply(GET_CONTEXT, (), (path, default))


def _engine_only(*args: object) -> object:
    raise GraphError("this rule is reduced by the engine, which knows the context")


def _same(value: object) -> object:
    return value


COND: Final = rule("cond", _cond, control=True)
CATCH: Final = rule("catch", _catch, tolerant=True, control=True)
CATCH_ALL: Final = rule("catch_all", _catch_all, tolerant=True, control=True)
SEQ: Final = rule("seq", _seq, control=True)
THROW: Final = rule("throw", _throw)
STARMAP: Final = rule("starmap", _starmap, control=True)
FLATTEN: Final = rule("flatten", _flatten)
ZIP: Final = rule("zip", _zip)
IDENTITY: Final = rule("identity", _same)
CONTEXT: Final = rule("context", _engine_only, control=True)
GET_CONTEXT: Final = rule("get_context", _engine_only, control=True)
