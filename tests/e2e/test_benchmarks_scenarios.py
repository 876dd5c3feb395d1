"""The scenario table judges peers by the same rows: a few whose verdict is known."""

from pathlib import Path

import pytest
from tests.core.identity_table.outcome import Verdict, judge
from tests.core.identity_table.running import run_table
from tests.core.identity_table.table import CASES

KNOWN = {
    "H06": Verdict.EXPECTED,
    "C01": Verdict.EXPECTED,
    "C02": Verdict.WRONG,  # helpers are not followed
    "A61": Verdict.NEEDLESS,  # the order of an array in memory
    "P27": Verdict.IMPOSSIBLE,
}


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["RedunTool", "JoblibTool"])
def test_peers_are_judged_by_the_same_rows(tool: str, tmp_path: Path) -> None:
    rows = [row for row in CASES if row.case in KNOWN]
    found = run_table(rows, tmp_path, tool=f"benchmarks.peers.scenario_tools:{tool}")
    verdicts = {
        row.case: judge(row, found[row.case].get("before"), found[row.case].get("after"))[0]
        for row in rows
    }
    assert verdicts == KNOWN
