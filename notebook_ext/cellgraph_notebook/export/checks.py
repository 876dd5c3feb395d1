"""What cannot work when nobody is there: found before anything is written. Pure."""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cellgraph.errors import ExportError
from cellgraph_notebook.export.reading import Code, Params, Piece, Tasks
from cellgraph_notebook.export.slicing import Slice

_ASKS: Final = {
    "input": "input() waits for a person: make it a parameter in a %%params cell",
    "getpass": "getpass() waits for a person: use cg.Secret('env:NAME')",
    "breakpoint": "breakpoint() waits for a person: remove it",
}
_OPENS: Final = frozenset(
    "open Path File Dir read_csv read_parquet read_json read_excel read_feather loadtxt".split()
)
# Forms that are hardly ever anything but a credential.
_CREDENTIAL: Final = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|ghp_[0-9A-Za-z]{36}|github_pat_\w{60,}|xox[abpr]-[\w-]{20,}|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|sk-[A-Za-z0-9]{32,}"
)
_SECRET_NAME: Final = re.compile(r"(?i)(passw|secret|token|api_?key|credential)")


class Complaint(NamedTuple):
    """What is wrong, and where."""

    cell: int
    line: int
    text: str

    def __str__(self) -> str:
        return f"cell {self.cell} line {self.line}: {self.text}"


def check(found: Slice, *, remote: bool) -> None:
    """Raise one ExportError that lists all there is to mend in the cells that run.

    *remote*: the run happens on another machine, where no local path means anything.
    """
    complaints = [c for cell in found.cells for c in complaints_of(cell, remote=remote)]
    if complaints:
        lines = "\n".join(f"  {c}" for c in complaints)
        raise ExportError(f"this cannot run unattended:\n{lines}")


def complaints_of(cell: Code | Tasks | Params, *, remote: bool) -> list[Complaint]:
    """What is wrong with one cell, in the order of its lines."""
    piece = cell.piece
    found = [Complaint(piece.cell, fault.line, fault.text) for fault in piece.faults]
    for node in ast.walk(piece.tree):
        if isinstance(node, ast.Call):
            found += _calls(piece, node, remote=remote)
        elif _is_credential(node):
            found.append(Complaint(piece.cell, getattr(node, "lineno", 1), _SAY_SECRET))
    found += [
        Complaint(piece.cell, line, _SAY_SECRET)
        for name, value, line in _assigned_texts(piece.tree)
        if _SECRET_NAME.search(name) and _looks_random(value)
    ]
    return sorted(set(found))


_SAY_SECRET: Final = "this looks like a credential: use cg.Secret('env:NAME'), which names it only"


def _calls(piece: Piece, node: ast.Call, *, remote: bool) -> Iterator[Complaint]:
    name = ast.unparse(node.func).split(".")[-1]
    if name in _ASKS:
        yield Complaint(piece.cell, node.lineno, _ASKS[name])
    if not remote or name not in _OPENS or not node.args:
        return
    first = node.args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and is_local(first.value):
        yield Complaint(
            piece.cell,
            node.lineno,
            f"{first.value!r} is a path of this machine: put it on s3:// and name that",
        )


def _is_credential(node: ast.AST) -> bool:
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and _CREDENTIAL.search(text) is not None


def is_local(path: str) -> bool:
    """Whether *path* is one of a file system rather than a URI."""
    return bool(path) and "://" not in path


def _assigned_texts(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(tree):
        targets: Sequence[ast.expr] = ()
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value.value, value.lineno


def _looks_random(text: str) -> bool:
    """Whether a text has the length and the disorder of a key: words and references have not."""
    if len(text) < 16 or " " in text or text.startswith(("env:", "arn:", "s3://", "http")):
        return False
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
    return bits > 3.2
