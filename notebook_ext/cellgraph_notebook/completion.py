"""Completes the options of our magics, and their values: IPython completes neither by itself."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cellgraph_notebook.kernel import Kernel

_CALL: Final = re.compile(r"\s*(?:[\w.,\s]+=\s*)?(?P<magic>%%?\w+)\s(?P<rest>.*)$")
_WORD: Final = re.compile(r"\S*$")
_NAME: Final = re.compile(r"[^\W\d][\w.]*$")
_OURS: Final = "_cellgraph_matcher_"  # by what `remove` knows it
_TAKE_EXPRESSIONS: Final = ("%evaluate", "%graph", "%accept", "%explain", "%lineage", "%plan")
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "fail": ("late", "fast", "keep"),
    "view": ("graph", "table", "plain"),
    "check": ("full", "shallow"),
    "packages": ("exact", "minor", "none"),
    "definitions": ("live", "built"),
    "cache": ("True", "False"),
    "older_than": ("7d", "30d", "90d"),
    "max_size": ("1GB", "10GB", "100GB"),
}


class Matcher:
    """What Tab offers on the line of one of our magics."""

    def __init__(self, shell: Any, kernel: Kernel) -> None:
        self._shell = shell
        self._kernel = kernel

    def offers(self, line: str) -> tuple[str, list[str]]:
        """The word at the end of *line*, which is replaced, and what may stand there."""
        call = _CALL.match(line)
        if call is None:
            return "", []
        magic, rest = call["magic"], call["rest"]
        found = _WORD.search(rest)
        typed = found[0] if found is not None else ""
        words = rest[: len(rest) - len(typed)].split()
        if typed.startswith("--") and "=" in typed:
            option, _, typed = typed.partition("=")
            words.append(option)
        offered = [o for o in self._offered(magic, words, typed) if o.startswith(typed)]
        name = _NAME.search(rest)
        if offered or name is None or magic not in _TAKE_EXPRESSIONS or typed.startswith("-"):
            return typed, offered
        return name[0], self._names(name[0])

    def _names(self, typed: str) -> list[str]:
        """What IPython itself offers in an expression; it does not look into our lines."""
        completer = self._shell.Completer
        matches = completer.attr_matches if "." in typed else completer.global_matches
        found: list[str] = matches(typed)
        return [f"{typed.rpartition('.')[0]}{m}" if m.startswith(".") else m for m in found]

    def _offered(self, magic: str, words: list[str], typed: str) -> Iterable[str]:
        if magic == "%runs":
            return self._of_runs(words, typed)
        if magic == "%tasks":
            return [] if words else self._task_names()
        if magic == "%cache" and (not words or words[0] in ("pin", "pull", "unpin")):
            return self._in_the_cache(words)
        known = _options(f"{magic} {words[0]}" if magic == "%cache" and words else magic)
        if known is None:
            return []
        waiting = _unfinished(words[1:] if magic == "%cache" else words, known)
        if waiting is None:
            return []
        if waiting:
            return self._values(waiting)
        used = {known.short.get(n, n) for n in (_name(w) for w in words)}
        names = sorted(n for n in known.names if n not in used)
        options = [f"-{n}" if len(n) == 1 else f"--{n.replace('_', '-')}" for n in names]
        denied = [f"--no-{n}" for n in ("cache",) if n in names and typed.startswith("--no")]
        return [*options, *denied]

    def _of_runs(self, words: Sequence[str], typed: str) -> Iterable[str]:
        """Options and ids of %runs, which stand in any order."""
        from cellgraph_notebook.magics.runs_magic import AGAIN, OPTIONS

        if typed.startswith("-"):
            return [f"--{name}" for name in sorted(OPTIONS.names)]
        if words[1:]:
            return []
        ids = [run.id for run in self._kernel.session.run_summaries(20)]
        return ids if words else [*ids, AGAIN]

    def _values(self, option: str) -> Iterable[str]:
        if option in ("executor", "on"):
            from cellgraph.plugins import executor_names

            return dict.fromkeys((*executor_names(), *self._kernel.session.settings.executors))
        if option == "limits":
            return self._kernel.session.settings.limits
        return _CHOICES.get(option, ())

    def _in_the_cache(self, words: Sequence[str]) -> Iterable[str]:
        """The actions of %cache, and what may be pinned."""
        from cellgraph_notebook.magics.cache_magic import ACTIONS

        if not words:
            return ACTIONS
        if words[0] in ("pin", "pull"):
            return [*self._task_names(), *[r.id for r in self._kernel.session.run_summaries(20)]]
        return [pin.name for pin in self._kernel.session.cache.pins()]

    def _task_names(self) -> list[str]:
        from cellgraph.task import Task

        names: list[str] = [n for n, v in self._shell.user_ns.items() if isinstance(v, Task)]
        return sorted(n for n in names if not n.startswith("_"))


def _options(magic: str) -> Any:
    """The options of a magic; None if it is not one of ours."""
    if magic == "%%task":
        from cellgraph_notebook.magics import task_magic

        return task_magic.OPTIONS
    if magic in ("%evaluate", "%%evaluate"):
        from cellgraph_notebook.magics import evaluate_magic

        return evaluate_magic.OPTIONS
    if magic == "%accept":
        from cellgraph_notebook.magics import accept_magic

        return accept_magic.OPTIONS
    if magic in ("%explain", "%plan"):
        from cellgraph_notebook.magics import explain_magic as asking

        return asking.PLAN_OPTIONS if magic == "%plan" else asking.EXPLAIN_OPTIONS
    if magic == "%cache gc":
        from cellgraph_notebook.magics import cache_magic

        return cache_magic.GC_OPTIONS
    if magic in ("%calls", "%lineage"):
        from cellgraph_notebook.magics import history_magic as history

        return history.CALLS_OPTIONS if magic == "%calls" else history.LINEAGE_OPTIONS
    if magic == "%graph":
        from cellgraph_notebook.magics import graph_magic

        return graph_magic.OPTIONS
    return None


def _unfinished(words: list[str], known: Any) -> str | None:
    """The option whose value comes next, empty if an option may come, None if none may."""
    waiting = ""
    for word in words:
        if waiting:
            waiting = ""
        elif not word.startswith("-"):
            return None
        elif "=" not in word or word is words[-1]:
            name = known.short.get(_name(word), _name(word))
            waiting = name if name in known.names and name not in known.flags else ""
    return waiting


def _name(word: str) -> str:
    return word.lstrip("-").partition("=")[0].replace("-", "_")


def install(shell: Any, kernel: Kernel) -> None:
    """Add our matcher. Does nothing for a completer that takes none."""
    try:
        from IPython.core import completer
        from IPython.core.completer import SimpleCompletion
    except ImportError:  # before IPython 8.6
        return
    matcher = Matcher(shell, kernel)
    marked: Any = completer  # IPython is partly typed

    def complete_magic(context: Any) -> Any:
        typed, offers = matcher.offers(context.text_until_cursor)
        return {
            "completions": [SimpleCompletion(o, type="option") for o in offers],
            "matched_fragment": typed,
            # Where nothing is typed yet an expression may stand just as well.
            "suppress": bool(offers) and (bool(typed) or not offers[0].startswith("-")),
            "ordered": True,
        }

    setattr(complete_magic, _OURS, True)
    _matchers(shell).append(marked.context_matcher(identifier="cellgraph.magics")(complete_magic))


def remove(shell: Any) -> None:
    """Take our matcher away."""
    matchers = _matchers(shell)
    matchers[:] = [m for m in matchers if not hasattr(m, _OURS)]


def _matchers(shell: Any) -> list[Any]:
    found: list[Any] = getattr(shell.Completer, "custom_matchers", [])
    return found
