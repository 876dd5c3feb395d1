"""A Unix command line as a task: `script`.

A script is a task whose function is a `ScriptFunction`: it stages inputs into a folder of its own,
runs the command there, and takes the outputs up as values. Its code is the command's text; inputs
and outputs are its arguments. An executor may look for a `ScriptFunction` in a job and run it in a
place that has a shell and no Python.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, cast, overload

from cellgraph.digest import digest
from cellgraph.errors import ConfigError
from cellgraph.expression import Call, Expression
from cellgraph.files import Dir, File
from cellgraph.identity.code import CodeIdentity
from cellgraph.identity.codenode import CodeNode
from cellgraph.options import TaskOptions, checked
from cellgraph.secret import secret_in
from cellgraph.shell.command import dedented, interpreter, program_name
from cellgraph.shell.inputs import check_names, check_value
from cellgraph.shell.outputs import STDOUT, Declared, declared, parsed
from cellgraph.shell.running import perform
from cellgraph.task import Task

_IDENTITY: Final = b"cellgraph.script.1"
_REFERENCE: Final = "script:"
# What only means something for a function written in Python.
_NOT_OF_SCRIPTS: Final = frozenset(
    {"accepts_failures", "harmless", "ignore", "nout", "packages", "uses"}
)


class ScriptFunction:
    """The code of a script: the text that its interpreter runs. Immutable.

    Called as a task's function is: with the declared outputs, the standard input, and one keyword
    per input. `text` begins with a ``#!`` line, or is run by ``bash -euo pipefail``.
    """

    __slots__ = ("text",)
    _cellgraph_by_value_ = True

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, outputs: Declared, stdin: object, /, **inputs: object) -> object:
        return perform(self.text, inputs, parsed(outputs), stdin, bare=isinstance(outputs, str))

    def code_identity(self, name: str) -> CodeIdentity:
        """Identity of a script called *name*: its text, and nothing of the place it runs in."""
        body = digest(_IDENTITY + self.text.encode("utf-8", "surrogatepass"))
        whole = digest(_IDENTITY + body + name.encode())
        command = CodeNode("command", "function", body, self.text, 1, "")
        tree = CodeNode(name, "root", whole, children=(command,))
        return CodeIdentity(whole, (), (), reaches=False, grown=lambda: tree)

    def __reduce__(self) -> Any:
        return _function, (self.text,)


@lru_cache(maxsize=1024)  # equal texts are one function
def _function(text: str) -> ScriptFunction:
    return ScriptFunction(text)


@overload
def script(
    command: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Literal["-"] = "-",
    stdin: object = None,
    executor: str | None = None,
    **options: Any,
) -> str: ...
@overload
def script(
    command: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, str | File | Dir],
    stdin: object = None,
    executor: str | None = None,
    **options: Any,
) -> dict[str, Any]: ...
@overload
def script(
    command: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: str | File | Dir,
    stdin: object = None,
    executor: str | None = None,
    **options: Any,
) -> Any: ...
def script(
    command: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, str | File | Dir] | str | File | Dir = STDOUT,
    stdin: object = None,
    executor: str | None = None,
    **options: Any,
) -> Any:
    """A lazy call of a command line. Its value is what *outputs* declares: one, or a dict.

    *command* runs in an empty folder under ``bash -euo pipefail``, or under the interpreter that
    its first line names (``#!/usr/bin/env python3``). The names of *inputs* and *outputs* are shell
    variables: ``bwa mem "$ref" "$r1" > "$bam"``. An input is a text, number, bool, `File`, `Dir`
    or `Secret`, or a list of them (a bash array: ``"${reads[@]}"``), lazy or not; of a file, the
    variable is its path. An output is

    - ``"x.bam"``, a relative path: a `File` kept in the store; ``"report/"`` a `Dir` kept there;
      ``"parts/*.txt"`` the list of all matches (the variable is the folder);
    - an absolute path, ``s3://``, `File` or `Dir`: written there, whole or not at all;
    - ``"-"``, and when nothing is said: the standard output as text.

    One output that is no dict is the variable ``output``. *stdin* is a text, bytes or `File`.
    *options* are those of `task`, and *executor*'s own; ``version=`` stands for the programs' own
    versions, which are not looked at.

    Raises ConfigError, before anything runs, for names, types and options that cannot be. A script
    that fails raises ScriptError with its exit code and the end of its standard error.
    """
    text = dedented(command)
    interpreter(text)
    known = secret_in(text)
    if known:
        raise ConfigError(
            f"script(): the value of {known} is in the command, which is stored: pass it as an "
            "input, and use the variable"
        )
    given = _inputs(inputs)
    what = declared(outputs)
    check_names(given, what if isinstance(what, dict) else ("output",))
    for name, value in given.items():
        check_value(name, value)
    _check_stdin(stdin)
    return Call(_task(text, executor, options), (what, stdin), dict(sorted(given.items())))


def _inputs(inputs: object) -> Mapping[str, Any]:
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise ConfigError(
            f"script(): inputs is a {type(inputs).__name__}: give a dict of variables and values"
        )
    return cast("Mapping[str, Any]", inputs)


def _check_stdin(stdin: object) -> None:
    if not isinstance(stdin, (str, bytes, File, Expression, type(None))):
        raise ConfigError(
            f"script(): stdin is a {type(stdin).__name__}: give a text, bytes or a cg.File"
        )


def _task(text: str, executor: str | None, options: Mapping[str, Any]) -> Task[..., Any]:
    for name in options:
        if name in _NOT_OF_SCRIPTS:
            raise ConfigError(f"script(): the option {name} is for functions, not for commands")
    said = dict(options)
    if executor is not None:
        said["executor"] = executor
    checked(said, executor=executor)
    name, version = said.pop("name", None), said.pop("version", None)
    base = _base(text, name or program_name(text), None if version is None else str(version))
    return base.options(**said) if said else base


@lru_cache(maxsize=1024)  # a task is its code and what is declared of it
def _base(text: str, name: str, version: str | None) -> Task[..., Any]:
    return Task(_function(text), TaskOptions(name=name, version=version))


def reference_of(task: Task[..., Any]) -> str | None:
    """How a stored expression refers to a script: by all that it is. None for another task."""
    if not isinstance(task.func, ScriptFunction):
        return None
    return _REFERENCE + json.dumps([task.func.text, task.name, task.declared.version])


def referred(reference: str) -> Task[..., Any] | None:
    """The task of a reference made by `reference_of`; None for another reference."""
    if not reference.startswith(_REFERENCE):
        return None
    return _base(*json.loads(reference.removeprefix(_REFERENCE)))
