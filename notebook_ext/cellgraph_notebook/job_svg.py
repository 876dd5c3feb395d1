"""Jobs on other machines in the settled picture: a title, a strip or a bar, and what failed."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cellgraph_notebook import remote_wording
from cellgraph_notebook.palette import CARD, MUTE, STATUS, TEXT, fit, text_width
from cellgraph_notebook.snapshot import JobState
from cellgraph_notebook.statuses import FAILED, NAMES
from cellgraph_notebook.strip import Strip, stretches, strip
from cellgraph_notebook.svgparts import draw_bar, draw_text, moved

_PX: Final = 12.5
_LINE: Final = 19.0
_FAILED: Final = 3
_SMALL: Final = 6
_SIZE: Final = f'font-size="{_PX}"'
_BOLD: Final = f'{_SIZE} font-weight="600"'


class Drawn(NamedTuple):
    """A piece of SVG and how tall it is."""

    body: str
    height: float


def draw_job(job: JobState, width: float) -> Drawn:
    """Return the row of one job, *width* pixels wide."""
    title, top = _title(job, width)
    body = [title]
    if job["cells"]:
        shape = strip(len(job["cells"]), width)
        body.append(moved(0, top, draw_strip(job["cells"], shape)))
        top += shape.height + 4
    else:
        body.append(draw_bar(remote_wording.job_bar(job), 0, top, width, 6))
        top += 10
    for child in job["failed"][:_FAILED]:
        top += _LINE
        body.append(_failed(child["call"], remote_wording.failed_child(child), top - 5, width))
    more = len(job["failed"]) - _FAILED
    if more > 0:
        top += _LINE
        body.append(draw_text(f"and {more:,} more failed", 0, top - 5, MUTE, _SIZE))
    return Drawn("".join(body), top)


def draw_strip(cells: str, shape: Strip) -> str:
    """Return the cells of an array: one path a status, and one for all gaps."""
    paths: dict[int, list[str]] = {}
    size = shape.pitch - shape.gap
    for part in stretches(cells, shape.columns):
        x, y = part.column * shape.pitch, part.row * shape.pitch
        across = part.cells * shape.pitch - shape.gap
        # A failure among thousands must not be smaller than the eye.
        more = 1 if part.code == FAILED and shape.pitch < _SMALL else 0
        down, across = size + 2 * more, across + 2 * more
        path = f"M{x - more},{y - more}h{across}v{down}h-{across}z"
        paths.setdefault(part.code, []).append(path)
    drawn = [
        f'<path d="{"".join(parts)}" fill="{STATUS[NAMES[code]]}"/>'
        for code, parts in sorted(paths.items(), key=lambda item: item[0] == FAILED)
    ]
    if shape.gap:
        wide = min(len(cells), shape.columns)
        lines = "".join(
            f"M{column * shape.pitch - 0.5},0v{shape.height}" for column in range(1, wide)
        )
        drawn.append(f'<path d="{lines}" stroke="{CARD}" fill="none"/>')
    return "".join(drawn)


def _title(job: JobState, width: float) -> Drawn:
    """What the job is, and how it is doing: on the right if there is room, else below."""
    name = fit(job["task"], width * 0.3, _PX, bold=True)
    at = text_width(name, _PX, bold=True) + 8
    where = fit(remote_wording.job_where(job), width - at, _PX)
    left = draw_text(name, 0, 14, TEXT, _BOLD) + draw_text(where, at, 14, MUTE, _SIZE)
    facts = remote_wording.job_facts(job)
    if text_width(facts, _PX) <= width - at - text_width(where, _PX) - 12:
        return Drawn(left + draw_text(facts, width, 14, MUTE, f'{_SIZE} text-anchor="end"'), 26.0)
    return Drawn(left + draw_text(fit(facts, width, _PX), 0, 14 + _LINE, MUTE, _SIZE), 26.0 + _LINE)


def _failed(call: str, why: str, y: float, width: float) -> str:
    who = fit(f"✕ {call}", width * 0.4, _PX, bold=True)
    at = text_width(who, _PX, bold=True) + 6
    return draw_text(who, 0, y, STATUS["failed"], _BOLD) + draw_text(
        fit(why, width - at, _PX), at, y, MUTE, _SIZE
    )


def draw_jobs(
    jobs: Sequence[JobState], hidden: int, width: float
) -> tuple[list[tuple[float, str]], float]:
    """Return the top and the body of each row, one a job, and the height of all."""
    rows: list[tuple[float, str]] = []
    top = 0.0
    for job in jobs:
        drawn = draw_job(job, width)
        rows.append((top, drawn.body))
        top += drawn.height + 16
    if hidden:
        said = remote_wording.hidden_line(hidden)
        rows.append((top, draw_text(said, 0, 14, MUTE, _SIZE)))
        top += 32
    return rows, top
