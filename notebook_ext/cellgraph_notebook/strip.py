"""Where the cells of an array job's strip are: one per child, by index, row by row. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

_PITCHES: Final = (16, 12, 9, 7, 5, 4, 3)
_TALLEST_PX: Final = 108


class Strip(NamedTuple):
    """*columns* cells a row, `pitch` pixels apart; *rows* rows."""

    pitch: int
    columns: int
    rows: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.rows * self.pitch

    @property
    def gap(self) -> int:
        """Pixels between two cells: none where cells are as small as a gap would be."""
        return 1 if self.pitch > _PITCHES[-1] else 0


class Stretch(NamedTuple):
    """Cells of one row, side by side, with one status code."""

    code: int
    row: int
    column: int
    cells: int


def strip(children: int, width_px: float) -> Strip:
    """Return the largest cells with which *children* fit into a strip *width_px* wide.

    Of more children than fit into its height at the smallest size, the strip grows taller.
    """
    found = [_cut(children, width_px, pitch) for pitch in _PITCHES]
    return next((s for s in found if s.height <= _TALLEST_PX), found[-1])


def _cut(children: int, width_px: float, pitch: int) -> Strip:
    columns = max(1, int(width_px // pitch))
    return Strip(pitch, columns, -(-children // columns))


def stretches(cells: str, columns: int) -> Iterator[Stretch]:
    """Yield the rows of *cells* (a digit per child), each as few stretches as there are."""
    for start in range(0, len(cells), columns):
        row = cells[start : start + columns]
        at = 0
        while at < len(row):
            end = at + 1
            while end < len(row) and row[end] == row[at]:
                end += 1
            yield Stretch(int(row[at]), start // columns, at, end - at)
            at = end
