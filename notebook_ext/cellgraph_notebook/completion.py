"""Completes the options of our magics, and their values: IPython completes neither by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from cellgraph.plugins import executor_names
from cellgraph_notebook.magics import evaluate_magic, task_magic

_TASK_OPTIONS: Final = sorted(
    f"--{name.replace('_', '-')}" for name in task_magic.VALUED | task_magic.FLAGS
)
_EVALUATE_OPTIONS: Final = ["-o", "--bg", "--fail", "--no-cache", "--view", "--definitions"]
_OPTIONS: Final[Mapping[str, Sequence[str]]] = {
    "%%task": _TASK_OPTIONS,
    "%evaluate": _EVALUATE_OPTIONS,
    "%%evaluate": _EVALUATE_OPTIONS,
    "%graph": ["--save"],
}
_VALUES: Final[Mapping[str, Callable[[], Sequence[str]]]] = {
    "--executor": executor_names,
    "-e": executor_names,
    "--fail": lambda: ("late", "fast", "keep"),
    "--view": lambda: tuple(evaluate_magic.VIEWS),
    "--check": lambda: ("full", "shallow"),
    "--packages": lambda: ("exact", "minor", "none"),
    "--definitions": lambda: ("live", "built"),
}


@context_matcher()  # type: ignore[untyped-decorator]  # IPython is partly typed
def complete_magic(context: CompletionContext) -> Any:
    """Options and option values on the line of one of our magics."""
    line = context.line_with_cursor[: context.cursor_position]
    words = line.split()
    if (
        not words
        or words[0] not in _OPTIONS
        or (context.cursor_line > 0 and not words[0].startswith("%"))
    ):
        return {"completions": []}
    token = context.token if not line.endswith(" ") else ""
    before = words[-1] if line.endswith(" ") else (words[-2] if len(words) > 1 else "")
    typed = "" if line.endswith(" ") else words[-1]
    if before in _VALUES:
        offered: Sequence[str] = _VALUES[before]()
    elif typed.startswith("-") or line.endswith(" "):
        offered = _OPTIONS[words[0]]
    else:
        return {"completions": []}
    # IPython replaces the token, which stops at a dash; offer what comes after what is typed
    kept = len(typed) - len(token) if typed.endswith(token) else 0
    found = [SimpleCompletion(o[kept:], type="option") for o in offered if o.startswith(typed)]
    return {
        "completions": found,
        "suppress": bool(found) and typed.startswith("-"),
        "ordered": True,
    }


def install(shell: InteractiveShell) -> None:
    """Add the matcher, once."""
    matchers = _matchers(shell)
    if matchers is not None and complete_magic not in matchers:
        matchers.append(complete_magic)


def remove(shell: InteractiveShell) -> None:
    """Take the matcher away."""
    matchers = _matchers(shell)
    if matchers is not None and complete_magic in matchers:
        matchers.remove(complete_magic)


def _matchers(shell: InteractiveShell) -> list[Any] | None:
    completer: Any = shell.Completer
    found: list[Any] | None = getattr(completer, "custom_matchers", None)
    return found
