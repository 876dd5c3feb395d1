"""The times of a span, and who may be told of a run."""

import json

import pytest

from cellgraph.errors import ExportError
from cellgraph.exported.alert import checked
from cellgraph.exported.bundle import RunSpec, unpack, write_toml
from cellgraph.exported.schedule import schedule
from cellgraph.exported.steps import times_in

BERLIN = schedule("30 6 * * 1", "Europe/Berlin")


@pytest.mark.parametrize(
    ("span", "step", "wanted"),
    [
        ("2027-03-27T06:00..2027-03-29", "day", ["27 06:00+0100", "28 06:00+0200",
                                                 "29 06:00+0200"]),
        ("2027-03-28T01:00..2027-03-28T04:00", "hour", ["28 01:00+0100", "28 03:00+0200",
                                                        "28 04:00+0200"]),
        ("2026-11-01..2026-11-30", "schedule", ["02 06:30+0100", "09 06:30+0100", "16 06:30+0100",
                                                "23 06:30+0100", "30 06:30+0100"]),
        ("2026-11-02..2026-11-16", "week", ["02 00:00+0100", "09 00:00+0100", "16 00:00+0100"]),
        ("2027-01-31..2027-04-01", "month", ["31 00:00+0100", "28 00:00+0100", "31 00:00+0200"]),
        ("2026-11-02..2026-11-02", "day", ["02 00:00+0100"]),
    ],
)  # fmt: skip
def test_a_span_is_walked_by_the_calendar(span: str, step: str, wanted: list[str]) -> None:
    assert [f"{at:%d %H:%M%z}" for at in times_in(span, step, BERLIN)] == wanted


@pytest.mark.parametrize(
    ("span", "step", "said"),
    [
        ("2026-11-02", "day", "expected FROM..TO"),
        ("2026-11-02..2026-11-01", "day", "ends before it begins"),
        ("yesterday..today", "day", "'yesterday' is no date"),
        ("2026-11-01..2026-11-02", "dya", "did you mean 'day'?"),
        ("2026-11-01..2036-11-02", "hour", "has more than 10,000 times"),
    ],
)
def test_a_wrong_span_is_one_error(span: str, step: str, said: str) -> None:
    with pytest.raises(ExportError, match=said.replace("?", r"\?").replace("..", r"\.\.")):
        times_in(span, step, BERLIN)


def test_without_a_schedule_days_are_those_of_utc() -> None:
    (at,) = times_in("2026-11-02..2026-11-02", "day", None)
    assert at.isoformat() == "2026-11-02T00:00:00+00:00"
    with pytest.raises(ExportError, match="has no schedule"):
        times_in("2026-11-02..2026-11-02", "schedule", None)


@pytest.mark.parametrize(
    "target", ["", "mail -s failed me@example.org", "https://example.org/hook", "env:WHOM"]
)
def test_who_may_be_told(target: str) -> None:
    assert checked(target) == target


def test_a_run_may_be_called_what_people_call_things() -> None:
    """Names, texts and values of any script come back from run.toml as they were."""
    given = (("größe", '🌋 \x7f "quoted"\n'),)
    spec = RunSpec("n", "f('→🌋')", BERLIN, given=given, alert="say 'é'", python="3.11")
    texts = {"run.toml": write_toml(spec, {}, {"run": [1], "left": [(2, "nothing needs δ")]})}

    found = unpack(json.dumps({name: data.decode() for name, data in texts.items()}).encode())
    assert found.spec == spec
