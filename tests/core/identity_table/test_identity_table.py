"""Never a wrong value, no miss without a reason: every scenario of the table, one test each."""

from collections import Counter

import pytest
from tests.core.identity_table.outcome import Outcome, Verdict, judge
from tests.core.identity_table.running import Sides, run_table
from tests.core.identity_table.scenario import Scenario
from tests.core.identity_table.table import CASES

Found = dict[str, Sides]

# What earlier caches got wrong, each seen in at least one of them.
KNOWN_TRAPS = frozenset(
    """A03 A07 A13 A15 A16 A22 A23 A26 A30 A34 A35 A46 A47 A49 A51 A53 A100 C05 C06 C08 C14 C21 C22
    C23 C24 C25 C28 C35 C71 E01 E12 F01 F03 F06 N11 N19 N20 N30 N39 N40 X08 X29""".split()
)


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What the rows of the chosen tests came to: the table is run once."""
    asked = {item.name for item in request.session.items}
    rows = [row for row in CASES if f"test_scenario[{row.case}]" in asked]
    return run_table(rows, tmp_path_factory.mktemp("identity-table"))


@pytest.mark.first
@pytest.mark.parametrize("row", CASES, ids=lambda row: row.case)
def test_scenario(row: Scenario, found: Found) -> None:
    sides = found[row.case]
    verdict, facts = judge(row, sides.get("before"), sides.get("after"))
    assert verdict is Verdict.EXPECTED, f"{verdict.upper()}: {facts}\n{told(row, sides)}"
    after = sides["after"]
    if row.expected == "error":
        assert row.says in after.error, told(row, sides)
        for said in after.failing or ():  # neither was asked where a cell raised
            assert said or row.unforeseen, f"EXPLAIN or PLAN\n{told(row, sides)}"
            assert row.says in said or row.unforeseen, f"EXPLAIN or PLAN\n{told(row, sides)}"
        return
    assert any(row.notes in note for note in after.notices) or not row.notes, told(row, sides)
    if row.expected == "miss":
        assert row.says in "\n".join(after.reasons), f"REASON of the run\n{told(row, sides)}"
    if row.unforeseen:  # `explain` and `plan` read no stored value, so they cannot see its damage
        assert (after.verdict, after.most) == ("HIT", 0), told(row, sides)
    else:
        check_foresight(row, sides)


def check_foresight(row: Scenario, sides: Sides) -> None:
    """Hold `explain` and `plan` to what they said."""
    after = sides["after"]
    for side in sides.values():
        assert side.least <= side.executed <= side.most, f"PLAN\n{told(row, sides)}"
        assert not any(side.failing or ()), f"EXPLAIN or PLAN\n{told(row, sides)}"
    needed = row.expected == "miss" or bool(row.runs)
    assert after.verdict == ("MISS" if needed else "HIT"), f"EXPLAIN\n{told(row, sides)}"
    explained = after.explained.replace(" > body line", " line")
    assert row.explains in explained or not needed, f"EXPLAIN\n{told(row, sides)}"


def told(row: Scenario, sides: Sides) -> str:
    before, after = (sides.get(side, Outcome()) for side in ("before", "after"))
    lines = [f"{row.case}: {row.title}", *(f"| {c}" for c in row.before), f"  >>> {row.first}"]
    lines += ["after:", *(f"| {c}" for c in row.after), f"  >>> {row.second}"]
    return "\n".join([*lines, f"before: {before}", f"after: {after}"])


def test_the_table_is_large_and_its_ids_are_unique() -> None:
    assert [case for case, times in Counter(row.case for row in CASES).items() if times > 1] == []
    ids = {row.id for row in CASES}
    assert len(ids) >= 200
    assert ids >= KNOWN_TRAPS
