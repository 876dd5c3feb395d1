"""Parse what follows a magic: options first, the rest of the line verbatim."""

import ast
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple, NoReturn

from IPython.core.error import UsageError

from cellgraph.suggest import closest

_NOTHING: Final[Mapping[str, Any]] = {}
_OPEN: Final = {"(": ")", "[": "]", "{": "}"}


class Options(NamedTuple):
    """The options a magic knows, by their names with underscores."""

    valued: Collection[str] = ()  # a Python literal, or else the text as it stands
    texts: Collection[str] = ()  # a text, also when it looks like a number
    objects: Collection[str] = ()  # a Python expression over the notebook's names
    flags: Collection[str] = ()  # no value
    short: Mapping[str, str] = _NOTHING

    @property
    def names(self) -> tuple[str, ...]:
        """Every option by its full name."""
        return (*self.valued, *self.texts, *self.objects, *self.flags)


class Line(NamedTuple):
    """Options by name, and what is left of the line."""

    options: dict[str, Any]
    rest: str


def parse_line(line: str, known: Options, namespace: Mapping[str, Any] = _NOTHING) -> Line:
    """Read leading ``--name value`` and ``--flag`` options; stop at the first other word or ``--``.

    Dashes and underscores are the same in names; ``--no-x`` says False. Raises UsageError (one red
    line) for an unknown option or a value that is missing or wrong.
    """
    options: dict[str, Any] = {}
    rest = line.strip()
    while _is_option(rest, known):
        word, *after = rest.split(maxsplit=1)
        rest = after[0] if after else ""
        if word == "--":
            break
        said, eq, given = word.partition("=")
        name = said.lstrip("-").replace("-", "_")
        name = known.short.get(name, name)
        if name in known.flags and not eq:
            options[name] = True
        elif name.startswith("no_") and name[3:] in (*known.valued, *known.flags):
            options[name[3:]] = False
        elif name in known.names:
            value, rest = _value(said, f"{given} {rest}".rstrip() if eq else rest)
            options[name] = _understood(said, name, value, known, namespace)
        else:
            refuse(f"unknown option {said}{closest(name, known.names).replace('_', '-')}")
    return Line(options, rest)


def _is_option(text: str, known: Options) -> bool:
    """Whether an option stands here; ``-total`` is an expression, ``-o`` is not."""
    if text.startswith("--"):
        return True
    name = text[1:].split(maxsplit=1)[0].partition("=")[0] if text[:1] == "-" and text[1:] else ""
    return name in known.short or (len(name) == 1 and name in known.names)


def _value(option: str, text: str) -> tuple[str, str]:
    """The value at the beginning of *text* (quotes, brackets and a comma at the end of a word hold
    it together), and the rest."""
    waiting: list[str] = []
    quote = ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            waiting.append(_OPEN[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
        elif char.isspace() and not waiting and text[at - 1] != ",":
            return text[:at], text[at:].lstrip()
    if quote or waiting:
        refuse(f"{option}: {text!r} is not closed: {quote or waiting[-1]} is missing")
    if not text:
        refuse(f"{option} needs a value")
    return text, ""


def _understood(
    option: str, name: str, text: str, known: Options, namespace: Mapping[str, Any]
) -> Any:
    if name in known.objects:
        return evaluated(option, text, namespace)
    value = literal(text)
    if name in known.texts:
        return value if isinstance(value, str) else text
    return value


def evaluated(option: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """The value of a Python expression in an option. Raises UsageError."""
    try:
        return eval(compile(text, "<magic>", "eval"), dict(namespace))  # the user's own expression
    except Exception as error:  # it is the user's code
        refuse(f"{option} {text}: {type(error).__name__}: {error}")


def literal(text: str) -> Any:
    """*text* as a Python literal if it is one, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def refuse(message: str) -> NoReturn:
    """Bad arguments are one red line, never a traceback."""
    raise UsageError(message.replace("\n", " "))
