"""Parse what follows a magic: options first, the rest of the line verbatim."""

import ast
import shlex
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

from IPython.core.error import UsageError

from cellgraph.suggest import closest


class Line(NamedTuple):
    """Options by name (values as Python literals where they are ones), and what is left."""

    options: dict[str, Any]
    rest: str


def parse_line(
    line: str, *, flags: Collection[str], valued: Collection[str], short: Mapping[str, str]
) -> Line:
    """Read leading ``--name value`` and ``--flag`` options; stop at the first other word.

    Dashes and underscores are the same in names. Raises UsageError (one red line) for a typo.
    """
    options: dict[str, Any] = {}
    rest = line.strip()
    while rest.startswith("-") and len(rest) > 1 and not rest[1].isdigit():
        word, rest = _word(rest)
        if word == "--":
            break
        name, eq, given = word.lstrip("-").partition("=")
        name = (
            short.get(name, name).replace("-", "_")
            if word.startswith("--")
            else short.get(name, name)
        )
        if name in flags:
            options[name] = True
        elif name.startswith("no_") and name[3:] in valued:
            options[name[3:]] = False
        elif name in valued:
            if not eq:
                if not rest:
                    refuse(f"--{name.replace('_', '-')} needs a value")
                given, rest = _word(rest)
            options[name] = literal(given)
        else:
            refuse(f"unknown option {word}{closest(name, (*flags, *valued))}")
    return Line(options, rest)


def _word(text: str) -> tuple[str, str]:
    """The first word, quotes respected, and what follows it."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        word = lexer.get_token() or ""
    except ValueError as error:
        refuse(f"cannot read the options: {error}")
    return word, text[lexer.instream.tell() :].lstrip()


def literal(text: str) -> Any:
    """*text* as a Python literal if it is one, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def refuse(message: str) -> NoReturn:
    """Bad arguments are one red line, never a traceback."""
    raise UsageError(message)
