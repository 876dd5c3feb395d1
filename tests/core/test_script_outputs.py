"""Outputs of scripts: kept files, folders and matches, files written elsewhere; what names them."""

from pathlib import Path
from typing import Any

import pytest
from tests.core.support.file_lab import Project

import cellgraph as cg

TICK = 'echo run >> "$ENGINE_TEST_TICKS"\n'


def evaluate(project: Project, expr: Any, **options: Any) -> Any:
    with project.lab.session(executor=project.place) as session:
        return session.evaluate(expr, **options)


def test_folders_and_matches(quick: Project) -> None:
    call = cg.script(
        """
        mkdir -p "$report/sub"; echo 1 > "$report/a.txt"; echo 2 > "$report/sub/b c.txt"
        for i in 3 1 2; do echo "$i" > "$parts/$i.txt"; done; echo > "$parts/other.log"
        """,
        outputs={"report": "report/", "parts": "parts/*.txt"},
    )
    value = evaluate(quick, call)
    assert [f.name for f in value["parts"]] == ["parts/1.txt", "parts/2.txt", "parts/3.txt"]
    assert [f.read_text() for f in value["parts"]] == ["1\n", "2\n", "3\n"]
    report = value["report"]
    assert isinstance(report, cg.Dir)
    assert [p.name for p in report] == ["a.txt", "sub"]
    assert (report / "sub/b c.txt").read_text() == "2\n"
    onwards = cg.script(
        'cat "$report"/*.txt "$report"/sub/* "${parts[@]}"',
        inputs={"report": call["report"], "parts": call["parts"]},
    )
    assert evaluate(quick, onwards) == "1\n2\n1\n2\n3\n"


def test_a_program_stays_one(quick: Project) -> None:
    made = cg.script(
        'printf "#!/bin/sh\\necho compiled\\n" > "$output"; chmod +x "$output"', outputs="tool"
    )
    assert evaluate(quick, cg.script('"$tool"', inputs={"tool": made})) == "compiled\n"


def test_an_empty_output_is_one(quick: Project) -> None:
    file = evaluate(quick, cg.script(': > "$output"', outputs="empty.txt"))
    assert file.read_bytes() == b""
    assert evaluate(quick, cg.script('wc -c < "$f"', inputs={"f": file})) == "0\n"


def test_a_file_written_elsewhere_is_made_again_when_it_is_gone(quick: Project) -> None:
    call = cg.script(TICK + 'echo x > "$output"', outputs=str(quick.folder / "out/x.txt"))
    assert evaluate(quick, call) == cg.File("out/x.txt")
    evaluate(quick, call)
    assert quick.ran() == {"run": 1}
    (quick.folder / "out/x.txt").unlink()
    evaluate(quick, call)
    assert quick.ran() == {"run": 1}
    quick.write("out/x.txt", "somebody's")
    assert evaluate(quick, call).read_text() == "x\n"
    assert quick.ran() == {"run": 1}


def test_a_folder_written_elsewhere_keeps_what_else_is_in_it(quick: Project) -> None:
    quick.write("out/mine.txt", "mine\n")
    call = cg.script('echo 1 > "$output/a.txt"', outputs=cg.Dir("out"))
    assert [p.name for p in evaluate(quick, call)] == ["a.txt", "mine.txt"]


def test_what_names_a_result(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    quick.write("a.txt", "1")
    quick.write("b.txt", "1")

    def ran(command: str, file: str = "a.txt", out: str = "x.txt", **said: Any) -> bool:
        call = cg.script(command, inputs={"f": cg.File(file)}, outputs={"o": out}, **said)
        evaluate(quick, call)
        return quick.ran() == {"run": 1}

    command = TICK + 'cat "$f" > "$o"'
    assert ran(command)
    assert not ran(command)
    assert not ran("\n        " + command.replace("\n", "\n        ") + "\n    ")  # in another cell
    monkeypatch.setenv("TMPDIR", str(quick.folder))
    assert not ran(command)
    assert not ran(command, retries=2, timeout_s=60, vcpus=1)
    assert ran(command + " # bash reads comments, so they count")
    assert ran(command, file="b.txt")
    assert ran(command, out="y.txt")
    assert ran(command, version="bwa 0.7.18")
    assert ran("#!/usr/bin/env -S bash -eu\n" + command)
    quick.write("a.txt", "2")
    assert ran(command)


def test_the_same_output_is_the_same_input(quick: Project) -> None:
    """Early cut-off: what a changed script leaves may be what it left before."""

    def chain(first: str) -> Any:
        made = cg.script(first, outputs="same.txt")
        return cg.script(TICK + 'cat "$f"', inputs={"f": made})

    assert evaluate(quick, chain('seq 3 > "$output"')) == "1\n2\n3\n"
    assert evaluate(quick, chain('echo 1 > "$output"; seq 2 3 >> "$output"')) == "1\n2\n3\n"
    assert quick.ran() == {"run": 1}


def test_explain_names_the_line_and_the_file(quick: Project) -> None:
    quick.write("a.txt", "1")

    def call(option: str = "-l", out: str = "n.txt") -> Any:
        return cg.script(
            f"""
            set -x
            wc {option} < "$f" > "$n"
            """,
            inputs={"f": cg.File("a.txt"), "k": 3},
            outputs={"n": out},
        )

    evaluate(quick, call())
    with quick.lab.session() as session:
        assert session.explain(call()).verdict == "HIT"
        changed = session.explain(call("-c"))
        assert changed.verdict == "MISS"
        assert changed.path[:2] == ("code", "command")
        assert "line 2" in changed.reason
        assert '-wc -l < "$f" > "$n"' in changed.diff
        assert '+wc -c < "$f" > "$n"' in changed.diff
        assert changed.label == "wc(f=File, k=3)"
        assert "outputs" in session.explain(call(out="m.txt")).reason
        assert "wc" in repr(session.plan(call("-c")))
        quick.write("a.txt", "22")
        assert session.explain(call()).reason.startswith("file a.txt changed")


def test_work_folders_go(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = quick.folder.parent / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    command = 'mkdir -p deep; echo > deep/x; chmod 500 deep; test "$i" = 0'
    for i in range(2):
        evaluate(quick, cg.script(command, inputs={"i": i}), fail="late" if i == 0 else "keep")
    assert list(folder.iterdir()) == []


def test_a_kept_file_survives_the_store_being_moved(quick: Project, tmp_path: Path) -> None:
    call = cg.script(TICK + 'seq 99999 > "$output"', outputs="x.txt")
    evaluate(quick, call)
    quick.move(tmp_path / "elsewhere")
    quick.ran()
    monkey = evaluate(quick, call)
    assert monkey.size_bytes > 500_000
    assert quick.ran() == {}


def test_the_care_of_the_store_knows_kept_files(quick: Project) -> None:
    """A record leads to each of them: that is how they are kept, shared and collected."""
    call = cg.script(
        TICK + 'seq 99999 > "$a"; seq 88888 > "$b"', outputs={"a": "a.txt", "b": "b.txt"}
    )
    evaluate(quick, call)
    with quick.lab.session() as session:
        found = session.cache.verify()
        assert found.sound
        assert found.nbytes > 588_000 + 522_000
    (blob,) = [
        path
        for path in (quick.folder / ".cellgraph").rglob("*")
        if path.is_file() and 522_000 < path.stat().st_size < 523_000
    ]
    blob.unlink()
    with quick.lab.session() as session:
        assert session.cache.verify().missing == 1
    assert quick.ran() == {"run": 1}
    assert evaluate(quick, call)["b"].size_bytes == 522_222
    assert quick.ran() == {"run": 1}
