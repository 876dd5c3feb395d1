"""Inputs of a script: checked by name and type, and laid out as shell variables.

A value never becomes a part of the command's text: it is the value of a variable, handed over in
the environment or, for lists, as a quoted assignment in a file that bash reads first.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from cellgraph.errors import ConfigError
from cellgraph.expression import Expression
from cellgraph.files import Dir, File
from cellgraph.secret import Secret
from cellgraph.shell.programs import chosen

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The shell's own, the system's, and what a script's tools find their libraries and accounts by.
_RESERVED: Final = frozenset(
    "_ CDPATH COLUMNS DIRSTACK ENV EUID FUNCNAME GLOBIGNORE GROUPS HOME HOSTNAME HOSTTYPE IFS LANG "
    "LINENO LINES LOGNAME MACHTYPE MAPFILE OLDPWD OPTARG OPTERR OPTIND OSTYPE PATH PIPESTATUS "
    "POSIXLY_CORRECT PPID PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 PWD RANDOM REPLY SECONDS SHELL "
    "SHELLOPTS SHLVL SRANDOM TEMP TERM TMP TMPDIR TZ UID USER".split()
)
_RESERVED_PREFIXES: Final = ("AWS_", "BASH", "CELLGRAPH_", "COMP_", "DYLD_", "LC_", "LD_", "PYTHON")
_SCALARS: Final = (str, bool, int, float)
_TYPES: Final = "a text, number, bool, cg.File, cg.Dir, cg.Secret, or a list of these"


def check_names(inputs: Iterable[object], outputs: Iterable[object]) -> None:
    """Raise ConfigError for a name that cannot be a variable, or stands for two things."""
    seen: set[object] = set()
    for role, names in (("input", inputs), ("output", outputs)):
        for name in names:
            if not isinstance(name, str) or _IDENTIFIER.fullmatch(name) is None:
                raise ConfigError(
                    f"script(): {role} {name!r} cannot be a shell variable: use letters, digits "
                    "and _, not beginning with a digit"
                )
            if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
                raise ConfigError(
                    f"script(): {role} {name!r} is a variable that the shell or the tools in it "
                    f"use themselves: call it {name.lower()!r}, say"
                )
            if name in seen:
                raise ConfigError(f"script(): {name!r} is an input and an output: rename one")
            seen.add(name)


def check_value(name: str, value: object) -> None:
    """Raise ConfigError, which names the input, for a value that cannot be a variable.

    Lazy values are looked at when they are known.
    """
    items = cast("list[object]", value) if isinstance(value, (list, tuple)) else [value]
    for item in items:
        if isinstance(item, Secret) and item is not value:
            raise ConfigError(f"script(): input {name} is a list with a Secret: give it a name")
        if isinstance(item, Expression):
            continue
        plain = _plain(item)
        if isinstance(plain, str):
            _refuse_nul(name, plain)
        if plain is not None and not isinstance(plain, (*_SCALARS, File, Dir, Secret)):
            path = hasattr(plain, "__fspath__")
            hint = f": use cg.File({str(plain)!r})" if path else f", not {_TYPES}"
            raise ConfigError(f"script(): input {name} is a {type(plain).__name__}{hint}")


def _refuse_nul(name: str, text: str) -> None:
    if "\0" in text:
        raise ConfigError(
            f"script(): input {name} holds a NUL character, which no variable can: "
            "write it to a file and give that"
        )


def _plain(value: object) -> object:
    """A numpy scalar as Python's own."""
    item: Any = getattr(value, "item", None)
    is_scalar = getattr(value, "shape", None) == () and callable(item)
    return item() if is_scalar else value


@dataclass(slots=True)
class Variables:
    """What a script sees: plain variables, lists, and secrets by their references."""

    plain: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])

    def environment(self) -> dict[str, str]:
        """For the process; a list is one text, an item a line. Raises ConfigError."""
        lines = {name: "\n".join(items) for name, items in self.lists.items()}
        hidden = {name: secret.value() for name, secret in self.secrets.items()}
        return {**self.plain, **lines, **hidden}

    def arrays(self) -> str:
        """Bash's assignments of the lists: its environment has no arrays."""
        rows = [
            f"unset {name}; {name}=({' '.join(map(shlex.quote, items))})\n"
            for name, items in self.lists.items()
        ]
        return "unset BASH_ENV\n" + "".join(rows)

    def shown(self, home: str) -> str:
        """For a message: names and values, a secret by its name, paths below *home* short."""
        rows = [f"{name}={shlex.quote(value)}" for name, value in self.plain.items()]
        for name, items in self.lists.items():
            more = " …" if len(items) > 4 else ""
            rows.append(f"{name}=({' '.join(map(shlex.quote, items[:4]))}{more})")
        rows += [f"{name}={secret!r}" for name, secret in self.secrets.items()]
        return "\n".join(row.replace(f"{home}/", "") for row in rows)


def staged(inputs: Mapping[str, Any], folder: Path) -> Variables:
    """Lay the inputs out below *folder*. Raises ConfigError for a value of another type."""
    variables = Variables()
    for name, value in inputs.items():
        check_value(name, value)
        if isinstance(value, Secret):
            variables.secrets[name] = value
        elif isinstance(value, (list, tuple)):
            items = list(cast("list[object]", value))
            texts = [_staged(item, folder / name / str(at)) for at, item in enumerate(items)]
            variables.lists[name] = texts
        else:
            variables.plain[name] = _staged(value, folder / name)
    return variables


def _staged(value: object, folder: Path) -> str:
    if isinstance(value, (File, Dir)):
        return stage(value, folder)
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return "" if plain is None else str(plain)


def stage(value: File | Dir, folder: Path) -> str:
    """Give the script a path of *value* below *folder*, under its own name.

    A link: what a tool writes beside its input (an index) stays in the script's own folder. A copy
    where the script's programs do not see the file.
    """
    folder.mkdir(parents=True)
    source = os.path.abspath(os.fspath(value))  # noqa: PTH100 - links stay what they are
    target = folder / (os.path.basename(source) or "root")  # noqa: PTH119 - text
    if chosen().sees(source):
        target.symlink_to(source)
    elif isinstance(value, Dir):
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
    return str(target)
