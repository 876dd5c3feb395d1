"""The text of a script: what runs it, and what people call it. Pure."""

import os
import re
import shlex
import textwrap
from typing import Final

from cellgraph.errors import ConfigError

BASH: Final = ("bash", "-euo", "pipefail")
# Words that say nothing of what a script does.
_PREPARING: Final = frozenset(
    ": . ( ) [ [[ case cd declare do done elif else esac exit export fi for if local mkdir module "
    "readonly set shopt source test then time trap ulimit umask unset until while { }".split()
)
# Words whose first argument is the program that matters.
_LAUNCHERS: Final = frozenset("command env exec nice nohup stdbuf sudo time timeout".split())
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PROGRAM: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,39}")


def dedented(command: object) -> str:
    """The command without the indentation of the cell around it. Raises ConfigError."""
    if not isinstance(command, str):
        raise ConfigError(f"script() takes its command as a text, not as {type(command).__name__}")
    if "\0" in command:
        raise ConfigError("script(): a command cannot hold a NUL character")
    text = textwrap.dedent(command).strip("\n").rstrip() + "\n"
    if not text.strip():
        raise ConfigError("script(): the command is empty")
    return text


def interpreter(text: str) -> list[str] | None:
    """What the first line names to run the script: program and options; None: bash, strictly."""
    if not text.startswith("#!"):
        return None
    first = text.partition("\n")[0][2:].strip()
    program, _, argument = first.partition(" ")
    argument = argument.strip()
    if not program:
        raise ConfigError('script(): the line "#!" names no program')
    if os.path.basename(program) == "env" and argument:  # noqa: PTH119 - text
        return [program, *shlex.split(argument.removeprefix("-S").strip())]
    return [program, argument] if argument else [program]


def program_name(text: str) -> str:
    """What people call the script: the program that its first telling line runs."""
    line = interpreter(text)
    if line is not None:
        named = [word for word in line[1:] if not word.startswith("-")]
        env = os.path.basename(line[0]) == "env"  # noqa: PTH119 - text
        return _bare(named[0] if env and named else line[0]) or "script"
    for line_of_text in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||;|\|", line_of_text):
            name = _program_in(part)
            if name:
                return name
    return "script"


def _program_in(part: str) -> str:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:  # a quotation that goes on in the next line
        words = part.split()
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in _LAUNCHERS):
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
    if not words or words[0] in _PREPARING or words[0].startswith("#"):
        return ""
    return _bare(words[0])


def _bare(word: str) -> str:
    found = _PROGRAM.fullmatch(os.path.basename(word))  # noqa: PTH119 - text
    return found[0] if found else ""
