"""`%cache`: the store as a notebook sees it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from tests.notebook_ext.support.shell_lab import CELL_OF_TASKS, ShellLab, notebook


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ShellLab]:
    with notebook(tmp_path) as lab:
        lab.ok("%load_ext cellgraph")
        lab.ok(CELL_OF_TASKS)
        lab.ok("%evaluate total([double(1), double(2)])")
        yield lab


def test_what_is_in_the_store_by_task(lab: ShellLab) -> None:
    table = lab.ok("%cache").value
    assert {row[0]: row[1] for row in table.rows} == {"double": "2", "total": "1"}
    assert str(lab.folder / ".cellgraph") in table.title
    assert "1 run on record" in table.title
    assert table == lab.ok("%cache info").value
    html = table._repr_mimebundle_()["text/html"]  # pyright: ignore[reportPrivateUsage]  # IPython's protocol
    assert "<br>" in html and "<td" in html


def test_a_collection_is_shown_before_it_is_made(lab: ShellLab) -> None:
    told = repr(lab.ok("%cache gc --older-than 30d --max-size 20GB").value)
    assert told.startswith("nothing to remove: ")
    orphan = lab.folder / ".cellgraph" / "blobs" / "aa" / f".{'aa' * 32}.0123"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half a blob")
    os.utime(orphan, (0, 0))
    told = repr(lab.ok("%cache gc").value)
    assert "would remove" in told and "%cache gc --delete removes it" in told
    assert orphan.exists()
    assert "removed" in repr(lab.ok("%cache gc --delete").value)
    assert not orphan.exists()


def test_the_store_is_verified(lab: ShellLab) -> None:
    table = lab.ok("%cache verify").value
    assert table.title.endswith(": whole") and not table.rows
    for segment in (lab.folder / ".cellgraph" / "segments").rglob("*.seg"):
        raw = bytearray(segment.read_bytes())
        raw[60] ^= 1
        segment.write_bytes(raw + raw)
    table = lab.ok("%cache verify").value
    assert "damaged, now in quarantine" in table.title
    assert table.rows and all(row[0].startswith("segment ") for row in table.rows)


def test_pins(lab: ShellLab) -> None:
    run = lab.ok("%runs").value.rows[0][0]
    assert repr(lab.ok("%cache pin").value).startswith("nothing is pinned")
    lab.ok("%cache pin double")
    lab.ok(f"%cache pin {run}")
    table = lab.ok("%cache pin total([double(1), double(2)])").value
    assert [row[1:3] for row in table.rows] == [
        ("task", "double"),
        ("run", run),
        ("result", "total(double(…) ×2)"),
    ]
    assert "no longer pinned: task double" in repr(lab.ok("%cache unpin double").value)
    lab.ok(f"%cache unpin {table.rows[1][0]}")
    lab.ok("%cache unpin total([double(1), double(2)])")
    assert not lab.ok("%cache pin").value.rows
    assert lab.ticks() == ["double", "double", "total"], "pinning runs nothing"


def test_the_index_is_rebuilt(lab: ShellLab) -> None:
    told = repr(lab.ok("%cache rebuild").value)
    assert re.fullmatch(r"a new index over \d+ records", told)
    lab.ticks()
    lab.ok("%evaluate total([double(1), double(2)])")
    assert lab.ticks() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%cache infos", "unknown action infos; did you mean 'info'?"),
        ("%cache gc --older-then 30d", "unknown option --older-then; did you mean 'older-than'?"),
        ("%cache gc --older-than soon", "'soon': expected a time like 30d"),
        ("%cache gc --max-size 20", "'20': expected a size like 20GB"),
        ("%cache gc --older-than 1h", "must be 2 days at least"),
        ("%cache gc now", "%cache gc takes no 'now'"),
        ("%cache verify --all", "unknown option --all"),
        ("%cache pin nope", "no run and no task 'nope'"),
        ("%cache pin double(77)", "no result to pin yet: evaluate it first"),
        ("%cache pin double(", "cannot read 'double('"),
        ("%cache unpin", "give what to let go of"),
        ("%cache unpin double", "'double' is not pinned"),
    ],
)
def test_bad_arguments_are_one_red_line(lab: ShellLab, line: str, message: str) -> None:
    assert message in lab.run(line).red_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%cache re", ["%cache rebuild"]),
        ("%cache gc --max", ["%cache gc --max-size"]),
        ("%cache gc --delete --old", ["%cache gc --delete --older-than"]),
        ("%cache gc --older-than 3", ["%cache gc --older-than 30d"]),
        ("%cache pin tot", ["%cache pin total"]),
    ],
)
def test_actions_and_options_are_completed(lab: ShellLab, text: str, expected: list[str]) -> None:
    with provisionalcompleter():
        found = list(lab.shell.Completer.completions(text, len(text)))
    assert [text[: c.start] + c.text + text[c.end :] for c in found] == expected


def test_help(lab: ShellLab) -> None:
    assert "--older-than" in lab.ok("print(get_ipython().find_magic('cache').__doc__)").out
