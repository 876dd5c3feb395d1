"""Scenarios as data: a notebook before an edit, the same notebook after it, what must happen.

A table of scenarios is text. One scenario:

    == C01 both miss | a helper is edited
    ; says helper clean() line 2
    def clean(x):
        return x + 1
    # %%
    @task
    def f(x): tick(); return clean(x)
    >>> f(1)
    -->
    x + 1 ==> x + 2

- ``== ID [MODE] OUTCOME [RUNS] | TITLE``. Modes: *two* (the default), the notebook is run from top
  to bottom in one process and, edited, in another one with another hash seed, user and home;
  *live*, the edit is made in the same kernel; *both*; *ipython*, live in a real IPython shell.
  Outcomes: hit, miss, error; RUNS says how many task bodies run exactly.
- ``; says WORDS``: what the reason of a miss, or the message of an error, must contain, and, unless
  ``; explains WORDS`` says otherwise, the explanation before the evaluation.
  ``; notes WORDS``: what a notice must contain. ``; truth EXPR``: what the value must equal, where
  it is not what the expression gives without a cache. ``; only cellgraph``: no peer has the words
  for it; ``; lazy``: no tool whose calls run where they are written has. ``; unforeseen``: only
  running can tell, so `explain` and `plan` say a hit, or nothing of an error. ``; moved``: the
  project's folder has another name the second time.
- Cells, separated by ``# %%``, then ``>>> `` and the expression that is evaluated. They use `task`,
  `evaluate(expr)` and `tick()`, which records that a body ran; ``%%writefile NAME`` writes a file.
- After ``-->`` come lines ``OLD ==> NEW`` or whole cells. Live, an edit runs the cells that it
  changed, and no others. Cells that begin with ``...`` run after the first ones, as those were.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["two", "live", "ipython"]
Expected = Literal["hit", "miss", "error"]

_MODES: Final[dict[str, tuple[Mode, ...]]] = {
    "two": ("two",),
    "live": ("live",),
    "ipython": ("ipython",),
    "both": ("two", "live"),
}
_OUTCOMES: Final[dict[str, Expected]] = {"hit": "hit", "miss": "miss", "error": "error"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario in one mode. `id` is unique among those of one mode."""

    id: str
    title: str
    mode: Mode
    expected: Expected
    runs: int | None  # how many bodies run after the change; None: one or more (no one on a hit)
    before: tuple[str, ...]  # cells
    after: tuple[str, ...]  # cells, of the whole notebook (two) or to run on top (live)
    first: str  # the expression evaluated before the change; "": none
    second: str
    says: str
    explains: str
    notes: str
    truth: str
    only: str  # the one tool that can express it; "": any
    lazy: bool
    unforeseen: bool
    moved: bool

    @property
    def case(self) -> str:
        """Unique in the whole table: C01, C01-live."""
        return self.id if self.mode == "two" else f"{self.id}-{self.mode}"


def scenarios(table: str, *, only: str = "") -> list[Scenario]:
    """Read a table. *only* holds for every row. Raises ValueError, naming the row, if malformed."""
    return [row for block in table.split("\n== ")[1:] for row in _scenario(block, only)]


def _scenario(block: str, only: str) -> Iterator[Scenario]:
    head, _, rest = block.partition("\n")
    about, _, title = head.partition(" | ")
    name, *words = about.split()
    modes: tuple[Mode, ...] = ("two",)
    if words and words[0] in _MODES:
        modes = _MODES[words.pop(0)]
    expected = _OUTCOMES.get(words[0] if words else "")
    if expected is None or not title:
        raise ValueError(f"row {name}: expected `ID [MODE] hit|miss|error [RUNS] | TITLE`")
    said: dict[str, str] = {}
    while rest.startswith("; "):
        line, _, rest = rest.partition("\n")
        key, _, said_value = line[2:].partition(" ")
        if key not in ("says", "explains", "notes", "truth", "only", "unforeseen", "lazy", "moved"):
            raise ValueError(f"row {name}: unknown `; {key}`")
        said[key] = said_value
    first_text, arrow, change = f"{rest.rstrip()}\n".partition("\n-->\n")
    if not arrow:
        raise ValueError(f"row {name}: nothing after `-->`")
    before, first = _cells(first_text)
    for mode in modes:
        after, second = _after(name, mode, first_text, change)
        yield Scenario(
            id=name,
            title=title,
            mode=mode,
            expected=expected,
            runs=int(words[1]) if len(words) > 1 else None,
            before=before,
            after=after,
            first=first,
            second=second or first,
            says=said.get("says", ""),
            explains=said.get("explains", said.get("says", "")),
            notes=said.get("notes", ""),
            truth=said.get("truth", ""),
            only=said.get("only", only),
            lazy="lazy" in said,
            unforeseen="unforeseen" in said,
            moved="moved" in said,
        )


def _after(name: str, mode: Mode, before: str, change: str) -> tuple[tuple[str, ...], str]:
    lines = [line for line in change.splitlines() if line.strip()]
    if lines and all(" ==> " in line for line in lines if not line.startswith(">>> ")):
        edited = before
        for line in lines:
            old, arrow, new = line.partition(" ==> ")
            if arrow and old not in before:
                raise ValueError(f"row {name}: {old!r} is not in it")
            edited = edited.replace(old, new) if arrow else f"{edited}\n{line}"
        cells, second = _cells(edited)
        if mode == "two":
            return cells, second
        unchanged = _cells(before)[0]
        return tuple(cell for cell in cells if cell not in unchanged), second
    again = change.startswith("...\n")
    cells, second = _cells(change.removeprefix("...\n"))
    return (*(_cells(before)[0] if again and mode == "two" else ()), *cells), second


def _cells(text: str) -> tuple[tuple[str, ...], str]:
    """The cells, and the last expression to evaluate ("" if there is none)."""
    code: list[str] = []
    expression = ""
    for line in text.splitlines():
        if line.startswith(">>> "):
            expression = line[4:]
        else:
            code.append(line)
    cells = "\n".join(code).split("\n# %%\n")
    return tuple(cell.strip("\n") + "\n" for cell in cells if cell.strip()), expression
