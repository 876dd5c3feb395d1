"""Lazy nodes: what a task call, an operator or a combinator builds instead of running.

An expression is immutable and knows nothing of sessions or results. Two kinds exist: `Call` (a task
and its bound arguments) and `Apply` (a rule such as ``+``, ``[]``, ``cond``). Attribute names of
expressions begin with an underscore, so that every other attribute can be lazy.
"""

# pyright: reportPrivateUsage=false
# Fields of expressions begin with an underscore so that every other name can be lazy.

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cellgraph.errors import GraphError
from cellgraph.inside import current_task

if TYPE_CHECKING:
    from cellgraph.task import Task

_EMPTY: Final[Mapping[str, object]] = {}
_ASKS_FOR_VALUE: Final = frozenset({"compute", "collect", "result"})


class NotAValue(GraphError, TypeError):
    """A lazy expression was used where Python needs the value itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """How an `Apply` reduces: ``reduce(*args, *rest)`` once its *args* are values.

    *rest* is handed over unevaluated, for branches not taken. The function returns a value or
    another expression. A `tolerant` rule gets `Failure`s in place of arguments that failed. A
    `control` rule only builds expressions: it is quick and reduces on the owner thread.
    """

    name: str
    reduce: Callable[..., object]
    tolerant: bool = False
    control: bool = False


class Expression:
    """Base of the lazy nodes; carries the operators."""

    __slots__ = ("__weakref__",)

    # numpy and pandas leave operators with us to our reflected methods
    __array_ufunc__ = None
    __pandas_priority__ = 1_000_000

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # protocols probe for these; none of them is lazy
            raise AttributeError(name)
        if name in _ASKS_FOR_VALUE:
            raise NotAValue(f"an expression has no .{name}(): call evaluate(...) to get the value")
        return Apply(GETATTR, (self, name))

    def __getitem__(self, key: object) -> Any:
        return Apply(GETITEM, (self, key))

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return Apply(CALL, (self, args, kwargs))

    def __setattr__(self, name: str, value: object) -> None:
        raise NotAValue(f"cannot set .{name} on {self!r}: it is lazy; evaluate(...) it first")

    def __setitem__(self, key: object, value: object) -> None:
        raise NotAValue(f"cannot assign into {self!r}: it is lazy; evaluate(...) it first")

    def __delitem__(self, key: object) -> None:
        raise NotAValue(f"cannot delete from {self!r}: it is lazy; evaluate(...) it first")

    def __bool__(self) -> bool:
        _refuse(self, "has no truth value (use cond(...) to branch on it)")

    def __len__(self) -> int:
        _refuse(self, "has no length")

    def __iter__(self) -> Iterator[Any]:
        _refuse(self, "cannot be iterated (give the task nout=, or use map_)")

    def __contains__(self, item: object) -> bool:
        _refuse(self, "cannot be searched with `in`")

    def __index__(self) -> int:
        _refuse(self, "is not an integer")

    def __int__(self) -> int:
        _refuse(self, "is not a number")

    def __float__(self) -> float:
        _refuse(self, "is not a number")

    def __complex__(self) -> complex:
        _refuse(self, "is not a number")

    def __format__(self, spec: str) -> str:
        _refuse(self, "cannot be formatted into text")

    def __str__(self) -> str:
        # A lazily built file name or query would be silently wrong.
        _refuse(self, "cannot be turned into text")

    def __array__(self, *args: object, **kwargs: object) -> NoReturn:
        _refuse(self, "is not an array")

    def __repr__(self) -> str:
        from cellgraph.label import label  # the label module imports this one

        return label(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """IPython's plain display: what it is, never its value."""
        printer.text(f"<lazy {self!r}>")


def _refuse(expression: Expression, why: str) -> NoReturn:
    """Raise the error that helps where it happened: in a cell, or inside another task's body."""
    inside = current_task()
    if inside is not None and isinstance(expression, Call):
        name = expression._task.name
        raise NotAValue(
            f"{name} is a task, so {name}(...) is lazy inside {inside}: use `{name}.func(...)`, "
            f"rename it `_{name}`, or list the tasks: `%%task {inside}`"
        )
    raise NotAValue(f"{expression!r} is lazy and {why}: evaluate(...) it first")


_set: Final = object.__setattr__


class Call(Expression):
    """One call of a task; `_args` and `_kwargs` are bound to its signature, defaults applied."""

    __slots__ = ("_args", "_kwargs", "_task")
    _task: "Task[..., Any]"
    _args: tuple[object, ...]
    _kwargs: Mapping[str, object]

    def __init__(
        self,
        task: "Task[..., Any]",
        args: tuple[object, ...],
        kwargs: Mapping[str, object] = _EMPTY,
    ) -> None:
        _set(self, "_task", task)
        _set(self, "_args", args)
        _set(self, "_kwargs", kwargs)

    def __len__(self) -> int:
        nout = self._task.own.nout
        if nout is None:
            return super().__len__()
        return nout

    def __bool__(self) -> bool:
        # Python falls back to __len__ for truth, which nout would answer: never silently true.
        return super().__bool__()

    def __iter__(self) -> Iterator[Any]:
        nout = self._task.own.nout
        if nout is None:
            return super().__iter__()
        return iter([self[i] for i in range(nout)])

    def __reduce__(self) -> tuple[object, ...]:
        return (Call, (self._task, self._args, dict(self._kwargs)))


class Apply(Expression):
    """A rule over arguments: an operator, an attribute, a combinator."""

    __slots__ = ("_args", "_rest", "_rule")
    _rule: Rule
    _args: tuple[object, ...]
    _rest: tuple[object, ...]

    def __init__(self, rule: Rule, args: tuple[object, ...], rest: tuple[object, ...] = ()) -> None:
        _set(self, "_rule", rule)
        _set(self, "_args", args)
        _set(self, "_rest", rest)

    def __reduce__(self) -> tuple[object, ...]:
        return (_apply_named, (self._rule.name, self._args, self._rest))


EXPRESSIONS: Final[frozenset[type]] = frozenset({Call, Apply})
RULES: Final[dict[str, Rule]] = {}


def rule(
    name: str, reduce: Callable[..., object], *, tolerant: bool = False, control: bool = False
) -> Rule:
    """Define a rule under its stable name (stored graphs name rules); at import time only."""
    RULES[name] = made = Rule(name, reduce, tolerant, control)
    return made


def _apply_named(name: str, args: tuple[object, ...], rest: tuple[object, ...]) -> Apply:
    return Apply(RULES[name], args, rest)


def _call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> object:
    return function(*args, **kwargs)


GETATTR: Final = rule("getattr", getattr)
GETITEM: Final = rule("getitem", operator.getitem)
CALL: Final = rule("call", _call)


def _install_operators() -> None:
    """Give `Expression` Python's operators, each with its reflected form."""
    for name in "add sub mul truediv floordiv mod matmul and or xor lshift rshift".split():
        symbol = f"__{name}__"
        _install_binary(name, getattr(operator, symbol))
    _install_binary("divmod", divmod)
    _install_binary("pow", pow)
    for name in "eq ne lt le gt ge".split():
        compare = rule(name, getattr(operator, name))
        setattr(Expression, f"__{name}__", _binary(compare))
    for name, function in (
        ("neg", operator.neg),
        ("pos", operator.pos),
        ("invert", operator.invert),
        ("abs", abs),
    ):
        setattr(Expression, f"__{name}__", _unary(rule(name, function)))
    round_rule = rule("round", round)

    def rounded(self: Expression, *digits: object) -> Apply:
        return Apply(round_rule, (self, *digits))

    setattr(Expression, "__round__", rounded)  # noqa: B010  # assigning it would not type-check


def _install_binary(name: str, function: Callable[[Any, Any], object]) -> None:
    made = rule(name, function)
    setattr(Expression, f"__{name}__", _binary(made))
    setattr(Expression, f"__r{name}__", _reflected(made))


def _binary(made: Rule) -> Callable[..., Apply]:
    # pow() may have a third operand
    def binary(self: Expression, other: object, *more: object) -> Apply:
        return Apply(made, (self, other, *more))

    return binary


def _reflected(made: Rule) -> Callable[[Expression, object], Apply]:
    return lambda self, other: Apply(made, (other, self))


def _unary(made: Rule) -> Callable[[Expression], Apply]:
    return lambda self: Apply(made, (self,))


_install_operators()
