"""Who answers rightly after an edit: the scenario table of the tests, run by us and by peers.

A scenario is one row of `tests/core/identity_table` in one mode: a notebook, a change, and what
must happen. Every tool runs the same cells; a row that only one tool has words for counts as
"cannot be expressed" for the others.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.core.identity_table.outcome import Verdict, judge
from tests.core.identity_table.running import CELLGRAPH, run_table
from tests.core.identity_table.table import CASES

from benchmarks import table
from benchmarks.harness import Bench

_PEERS: Final = "benchmarks.peers.scenario_tools"
TOOLS: Final[dict[str, str]] = {
    "cellgraph": CELLGRAPH,
    "redun": f"{_PEERS}:RedunTool",
    "joblib": f"{_PEERS}:JoblibTool",
}
_EAGER: Final = frozenset({"joblib"})  # a call runs where it is written
_ORDER: Final = (
    Verdict.WRONG,
    Verdict.NEEDLESS,
    Verdict.REFUSED,
    Verdict.ACCEPTED,
    Verdict.EXPECTED,
    Verdict.IMPOSSIBLE,
)
_TIMEOUT_S: Final = 3000.0


def run(bench: Bench, tools: Sequence[str]) -> int:
    """Run the table by *tools* and print the score; 1 if Cellgraph has a row not as expected."""
    verdicts: dict[str, dict[str, Verdict]] = {}
    for tool in tools:
        bench.say(f"{tool}: {len(CASES)} scenarios")
        verdicts[tool] = _verdicts(bench, tool)
    rows = [
        (str(verdict), *(str(Counter(verdicts[tool].values())[verdict]) for tool in tools))
        for verdict in _ORDER
    ]
    rows.append(("scenarios", *(str(len(verdicts[tool])) for tool in tools)))
    print("## After an edit\n\n" + table.markdown(("", *tools), rows))
    for tool in tools:
        for verdict in (Verdict.WRONG, Verdict.NEEDLESS, Verdict.REFUSED, Verdict.ACCEPTED):
            cases = [case for case, found in verdicts[tool].items() if found is verdict]
            if cases:
                print(f"\n{tool}, {verdict}: {', '.join(cases)}")
    ours = verdicts.get("cellgraph", {})
    return 1 if any(verdict is not Verdict.EXPECTED for verdict in ours.values()) else 0


def _verdicts(bench: Bench, tool: str) -> dict[str, Verdict]:
    rows = [row for row in CASES if row.only in ("", tool) and not (row.lazy and tool in _EAGER)]
    with bench.folder(on_ram=tool == "redun") as folder:
        found = run_table(rows, folder, tool=TOOLS[tool], timeout_s=_TIMEOUT_S)
    judged = dict.fromkeys((row.case for row in CASES), Verdict.IMPOSSIBLE)
    for row in rows:
        sides = found[row.case]
        judged[row.case], _ = judge(row, sides.get("before"), sides.get("after"))
    return judged
