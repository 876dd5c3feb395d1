"""What a script leaves behind: declared as text, looked for when it has ended.

A declaration is one text, so that it can be an argument of the call: ``x.bam`` (kept in the
store), ``parts/*.txt`` (every match, kept), ``report/`` (a folder, kept), ``-`` (what the script
writes to its standard output, as text), ``> results/x.bam`` and ``> results/`` (written there).
"""

import glob
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cellgraph.errors import ConfigError
from cellgraph.files import Dir, File, keep
from cellgraph.places import S3

STDOUT: Final = "-"
_THERE: Final = "> "


@dataclass(frozen=True, slots=True)
class Output:
    """One output: the variable's *name*, and where below the work folder the script puts it."""

    name: str
    kind: str  # "stdout", "file", "folder", "glob"
    path: str = ""  # below the work folder; of a glob: the pattern
    target: str = ""  # where it is written in the end; empty: kept in the store

    @property
    def variable(self) -> str:
        """The path the variable stands for, below the work folder: of a glob, its fixed folder."""
        if self.kind != "glob":
            return self.path
        parts = self.path.split("/")
        at = next(i for i, part in enumerate(parts) if glob.has_magic(part))
        return "/".join(parts[:at])


Declared = str | dict[str, str]


def declared(outputs: Mapping[str, str | File | Dir] | str | File | Dir) -> Declared:
    """The outputs as arguments of the call. Raises ConfigError, which names the output."""
    if isinstance(outputs, Mapping):
        if not outputs:
            raise ConfigError('script(): outputs={} names none: leave it out for the text, or "-"')
        found = {str(name): _text(f"output {name}", value) for name, value in outputs.items()}
        _refuse_twice(found)
        return found
    return _text("outputs", outputs)


def _text(what: str, value: object) -> str:
    if isinstance(value, (File, Dir)):
        return _THERE + value.name + ("/" if isinstance(value, Dir) else "")
    if not isinstance(value, str):
        raise ConfigError(
            f"script(): {what} is a {type(value).__name__}: give a path as text (kept in the store "
            'if relative), a cg.File or cg.Dir (written there), or "-" for the standard output'
        )
    if value == STDOUT:
        return value
    if not value or "\0" in value:
        raise ConfigError(f"script(): {what} is {value!r}: give a path")
    if value.startswith(("/", "~/")) or "://" in value:
        folder = value.endswith("/")
        return _THERE + (Dir(value) if folder else File(value)).name + ("/" if folder else "")
    return _relative(what, value)


def _relative(what: str, value: str) -> str:
    if value.startswith(_THERE) or ".." in value.split("/"):
        raise ConfigError(
            f"script(): {what} is {value!r}: a relative output is kept in the store, so it must "
            "lie below the work folder; give an absolute path or a cg.File to write elsewhere"
        )
    path = posixpath.normpath(value)
    if path == ".":
        raise ConfigError(f"script(): {what} is {value!r}: name a folder below the work folder")
    return path + ("/" if value.endswith("/") else "")


def _refuse_twice(found: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for name, text in found.items():
        other = seen.setdefault(text, name)
        if other != name:
            raise ConfigError(f"script(): outputs {other} and {name} are both {text!r}")


def local_targets(outputs: Declared) -> list[str]:
    """The places on a disk that outputs are written to."""
    targets = [output.target for output in parsed(outputs)]
    return [target for target in targets if target and not target.startswith(S3)]


def parsed(outputs: Declared) -> list[Output]:
    """The outputs in order."""
    if isinstance(outputs, str):
        return [_output("output", outputs)]
    return [_output(name, text) for name, text in outputs.items()]


def _output(name: str, text: str) -> Output:
    if text == STDOUT:
        return Output(name, "stdout")
    kind = "folder" if text.endswith("/") else "file"
    if text.startswith(_THERE):
        target = text.removeprefix(_THERE).rstrip("/")
        last = posixpath.basename(target) or "output"
        # made beside the work folder and put in place as a whole
        return Output(name, kind, f"../outputs/{name}/{last}", target)
    if kind == "file" and glob.has_magic(text):
        return Output(name, "glob", text)
    return Output(name, kind, text.rstrip("/"))


def prepare(outputs: Sequence[Output], work: Path) -> None:
    """Make the folders that outputs lie in, and those that are outputs."""
    for output in outputs:
        if output.kind == "stdout":
            continue
        place = work / output.variable
        (place if output.kind in ("folder", "glob") else place.parent).mkdir(
            parents=True, exist_ok=True
        )


def missing(outputs: Sequence[Output], work: Path) -> list[Output]:
    """The outputs that the script has not made."""
    return [output for output in outputs if not _is_there(output, work)]


def _is_there(output: Output, work: Path) -> bool:
    if output.kind == "stdout":
        return True
    if output.kind == "glob":
        return bool(_matches(output, work))
    place = work / output.path
    if output.kind == "folder":
        return place.is_dir() and any(place.iterdir())
    return place.is_file()


def _matches(output: Output, work: Path) -> list[str]:
    found = glob.iglob(output.path, root_dir=work, recursive=True)  # noqa: PTH207 - relative names
    return sorted(name for name in found if (work / name).is_file())


def collected(output: Output, work: Path, stdout: Path) -> object:
    """The value of one output that is there. Raises OSError, ConfigError."""
    if output.kind == "stdout":
        return _as_text(output, stdout)
    if output.kind == "glob":
        return [keep(str(work / name), name, folder=False) for name in _matches(output, work)]
    source = str(work / output.path)
    if not output.target:
        return keep(source, output.path, folder=output.kind == "folder")
    return _written(source, output)


def _as_text(output: Output, stdout: Path) -> str:
    try:
        return stdout.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the standard output is no UTF-8 text ({error.reason} at byte {error.start}): write "
            "it to an output file"
        ) from None


def _written(source: str, output: Output) -> object:
    """Move what the script made to where it belongs; return its value."""
    value = (Dir if output.kind == "folder" else File).located(output.target)
    value.receive(source)
    return value


def listing(work: Path, most: int = 8) -> str:
    """What is in the work folder, for a message."""
    names = sorted(
        os.path.relpath(os.path.join(folder, file), work)  # noqa: PTH118 - text
        for folder, _, files in os.walk(work)
        for file in files
    )
    if not names:
        return "it left no file behind"
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"it left {', '.join(map(repr, names[:most]))}{more}"
