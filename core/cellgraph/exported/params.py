"""Typed parameters of an exported run. Pure.

The name ``scheduled`` is filled with the time at which the run is due.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from cellgraph.errors import ConfigError, ExportError
from cellgraph.suggest import closest

SCHEDULED: Final = "scheduled"
_TYPES: Final[Mapping[str, Any]] = {
    "str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict,
    "tuple": tuple, "date": date, "datetime": datetime,
}  # fmt: skip
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Parameter(NamedTuple):
    """One parameter: `kind` is the name of its type, `choices` what it may be (empty: anything)."""

    name: str
    kind: str
    default: str  # as it is written
    choices: tuple[Any, ...]
    line: int

    def read(self, value: Any) -> Any:
        """*value* (a text is understood) as the type says. Raises ExportError."""
        made = self._made(value)
        if self.choices and made not in self.choices:
            said = ", ".join(map(repr, self.choices))
            raise ExportError(f"parameter {self.name}={value!r}: expected one of {said}")
        return made

    def _made(self, value: Any) -> Any:
        wanted = _TYPES.get(self.kind)
        if wanted is None or type(value) is wanted:
            return value
        try:
            return _converted(wanted, value)
        except (ValueError, SyntaxError, TypeError):
            raise ExportError(f"parameter {self.name}={value!r}: expected {self.kind}") from None


def _converted(wanted: Any, value: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if not isinstance(value, str):
        raise TypeError
    if wanted is bool:
        if value.lower() not in _WORDS:
            raise ValueError
        return _WORDS[value.lower()]
    if wanted in (date, datetime):
        return wanted.fromisoformat(value)
    if wanted in (float, str):
        return wanted(value)
    if wanted is int and value.strip().lstrip("+-").isdecimal():
        return int(value)  # `007` is no literal
    made = ast.literal_eval(value)
    if type(made) is not wanted:  # True is no number
        raise TypeError
    return made


def parse(given: Iterable[str]) -> dict[str, str]:
    """Read ``name=value``; what the text is, the type of the parameter says. Raises ConfigError."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f"--param {text!r}: expected name=value")
        found[name] = value
    return found


def literal(text: str) -> Any:
    """What *text* is where no type is known: a Python literal, or else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def as_text(value: Any) -> str:
    """*value* as a record keeps it, for `from_text`."""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else repr(value)


def from_text(parameter: Parameter, text: str) -> Any:
    """What `as_text` was given. Raises ExportError for what the parameter is not."""
    if parameter.kind in _TYPES:
        return parameter.read(text)
    return parameter.read(literal(text))


def read_all(known: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check *given* against *known*. Raises ExportError with the closest name, or the type."""
    by_name = _by_name(known, given)
    return {name: by_name[name].read(value) for name, value in given.items()}


def read_said(known: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """As `read_all`, of what `parse` gave: texts, which are what the parameters' types say."""
    by_name = _by_name(known, given)
    return {
        name: from_text(by_name[name], v) if isinstance(v, str) else by_name[name].read(v)
        for name, v in given.items()
    }


def _by_name(known: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Parameter]:
    by_name = {p.name: p for p in known}
    for name in given:
        if name not in by_name:
            raise ExportError(f"no parameter {name!r}{closest(name, by_name)}")
    return by_name
