"""What a machine remembers of a bundle's runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cellgraph.scheduled.state import State

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.mark.parametrize(
    ("served", "last"),
    [
        ([NOW - DAY], NOW - DAY),
        ([NOW - DAY, NOW - 5 * DAY], NOW - DAY),  # made up for: newer ones stay served
        ([NOW - DAY, NOW + DAY], NOW - DAY),  # tried ahead of its time: it is still to come
        ([NOW - DAY, 0.0], NOW - DAY),
        ([NOW + DAY], None),
        ([NOW - DAY, NOW], NOW),
    ],
)
def test_the_last_time_served_is_never_moved_back_nor_beyond_now(
    tmp_path: Path, served: list[float], last: float | None
) -> None:
    state = State(tmp_path)
    for due in served:
        state.ended(due, NOW)
    assert (state.last.timestamp() if state.last else None) == last
