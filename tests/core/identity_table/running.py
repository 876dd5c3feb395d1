"""Runs the table: two processes for rows that need two, a third for those of one live kernel."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.core.identity_table.outcome import Outcome
from tests.core.identity_table.scenario import Scenario
from tests.core.identity_table.worker import BEGUN

ROOT: Final = Path(__file__).resolve().parents[3]
CELLGRAPH: Final = "tests.core.identity_table.tool:CellgraphTool"

Sides = dict[str, Outcome]  # "before", "after"


def run_table(
    rows: Sequence[Scenario], folder: Path, *, tool: str = CELLGRAPH, timeout_s: float = 300
) -> dict[str, Sides]:
    """Run *rows* and return what each came to, by its case; a row that killed its process has none.

    *folder* is empty and takes projects and stores. Two processes at most run at once.
    """
    two = [row.case for row in rows if row.mode == "two"]
    live = [row.case for row in rows if row.mode != "two"]
    found: dict[str, Sides] = {row.case: {} for row in rows}
    with ThreadPoolExecutor(2) as pool:
        alone = pool.submit(_process, tool, "live", live, folder, found, timeout_s)
        for side in ("before", "after"):
            _process(tool, side, two, folder, found, timeout_s)
        alone.result()
    return found


def _process(
    tool: str, side: str, cases: list[str], folder: Path, found: dict[str, Sides], timeout_s: float
) -> None:
    """Run one side; if the process dies, begin another one after the row that it died in."""
    out = folder / f"{side}.jsonl"
    out.touch()
    while cases:
        command = [sys.executable, "-m", "tests.core.identity_table.worker", tool, side]
        done = subprocess.run(
            [*command, str(folder), str(out)],
            input="\n".join(cases),
            cwd=ROOT,
            env=_environment(side, folder),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        begun = _read(out, found)
        if done.returncode == 0:
            return
        if not begun & set(cases):
            raise RuntimeError(f"{side}: the worker cannot start:\n{done.stderr[-3000:]}")
        last = max(at for at, case in enumerate(cases) if case in begun)
        died = f"the process died ({done.returncode}): {done.stderr[-1000:]}"
        found[cases[last]][side if side != "live" else "after"] = Outcome(error=died)
        cases = cases[last + 1 :]


def _read(out: Path, found: dict[str, Sides]) -> set[str]:
    """Take in what a worker wrote; return the cases that it began."""
    begun: set[str] = set()
    for line in out.read_text(encoding="utf-8").splitlines():
        said: dict[str, Any] = json.loads(line)
        case, which = said.pop("case"), said.pop("side")
        begun.add(case)
        if which != BEGUN:
            for listed in ("reasons", "notices", "failing"):
                said[listed] = None if said[listed] is None else tuple(said[listed])
            found[case][which] = Outcome(**said)
    return begun


def _environment(side: str, folder: Path) -> dict[str, str]:
    home = folder / f"home-{side}"
    home.mkdir(exist_ok=True)
    seeds = {"before": "1", "after": "4711", "live": "23"}
    who = {"HOME": str(home), "USER": f"user-{side}", "LOGNAME": f"user-{side}"}
    return {**os.environ, **who, "PYTHONHASHSEED": seeds[side]}
