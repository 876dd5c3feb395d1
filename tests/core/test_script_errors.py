"""What `script` refuses before anything runs, and what it says when a script fails."""

from pathlib import Path
from typing import Any

import pytest
from tests.core.support.file_lab import Project

import cellgraph as cg


def refusals() -> list[tuple[dict[str, Any], str]]:
    return [
        ({"command": "  \n"}, "empty"),
        ({"command": 3}, "as a text"),
        ({"command": "a\0b"}, "NUL"),
        ({"command": "#!\necho"}, "names no program"),
        ({"inputs": ["x"]}, "a dict of variables"),
        ({"inputs": {"two words": 1}}, "'two words' cannot be a shell variable"),
        ({"inputs": {"1st": 1}}, "cannot be a shell variable"),
        ({"inputs": {"é": 1}}, "cannot be a shell variable"),
        ({"inputs": {3: 1}}, "cannot be a shell variable"),
        ({"inputs": {"PATH": "/bin"}}, "call it 'path'"),
        ({"inputs": {"AWS_PROFILE": "x"}}, "use themselves"),
        ({"inputs": {"LD_PRELOAD": "x"}}, "use themselves"),
        ({"inputs": {"BASH_ENV": "x"}}, "use themselves"),
        ({"outputs": {"IFS": "x"}}, "use themselves"),
        ({"inputs": {"a": 1}, "outputs": {"a": "x"}}, "an input and an output"),
        ({"inputs": {"a": {"b": 1}}}, "input a is a dict"),
        ({"inputs": {"a": [[1]]}}, "input a is a list, not"),
        ({"inputs": {"a": b"x"}}, "input a is a bytes"),
        ({"inputs": {"a": Path("x.txt")}}, r"use cg.File\('x.txt'\)"),
        ({"inputs": {"a": "x\0y"}}, "NUL"),
        ({"inputs": {"a": [cg.Secret("env:X")]}}, "a list with a Secret"),
        ({"outputs": {}}, "names none"),
        ({"outputs": {"a": 3}}, "output a is a int"),
        ({"outputs": {"a": ""}}, "give a path"),
        ({"outputs": {"a": "../x"}}, "below the work folder"),
        ({"outputs": {"a": "x/../../y"}}, "below the work folder"),
        ({"outputs": {"a": "."}}, "name a folder"),
        ({"outputs": {"a": "x", "b": "./x"}}, "are both 'x'"),
        ({"outputs": {"a": "gs://bucket/x"}}, "gs://"),
        ({"stdin": 3}, "stdin is a int"),
        ({"nout": 2}, "for functions"),
        ({"uses": [1]}, "for functions"),
        ({"retires": 2}, "retries"),
        ({"timeout_s": -1}, "above 0"),
    ]


@pytest.mark.parametrize(
    ("said", "words"), refusals(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_cannot_be_is_refused_at_once(said: dict[str, Any], words: str) -> None:
    make: Any = cg.script
    with pytest.raises(cg.ConfigError, match=words) as caught:
        make(**{"command": "echo", **said})
    assert "\n" not in str(caught.value)


def failure(project: Project, expr: Any) -> cg.TaskError:
    with project.lab.session() as session, pytest.raises(cg.TaskError) as caught:
        session.evaluate(expr)
    return caught.value


def script_error(project: Project, expr: Any) -> cg.ScriptError:
    error = failure(project, expr).error
    assert isinstance(error, cg.ScriptError)
    return error


def test_a_failed_script_shows_its_command_code_variables_and_last_lines(quick: Project) -> None:
    quick.write("in.txt", "x")
    call = cg.script(
        """
        echo working >&2
        false | cat
        echo never >&2
        """,
        inputs={"file": cg.File("in.txt"), "n": [1, "two words"]},
    )
    whole = failure(quick, call)
    error = whole.error
    assert isinstance(error, cg.ScriptError)
    assert error.exit_code == 1
    assert error.stderr == "working"
    assert error.command.startswith("echo working")
    text = str(whole)
    for part in (
        "echo failed: ", "exit code 1", "false | cat", "file=inputs/file/in.txt",
        "n=(1 'two words')", "working", "the log of the call",
    ):  # fmt: skip
        assert part in text
    assert "never" not in error.stderr
    assert whole.log == "working\n"


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("no-such-program-here --x", 127, "install it where the script runs"),
        ("touch x; ./x", 126, "could not be started"),
        ("kill -9 $$", -9, "memory_gib="),
        ("seq 1000000 | head -1", 141, "pipefail"),
        ('echo "$unset_variable"', 1, "unset_variable: unbound variable"),
        ("#!/no/such/interpreter\necho", 0, "cannot be started"),
    ],
)
def test_exit_codes_say_what_to_do(quick: Project, command: str, code: int, words: str) -> None:
    error = script_error(quick, cg.script(command))
    assert error.exit_code == code
    assert words in str(error)


def test_missing_outputs_are_named(quick: Project) -> None:
    outputs: dict[str, Any] = {
        "bam": "x.bam", "parts": "parts/*.txt", "report": "report/", "ok": "ok.txt",
        "there": cg.File("out/there.txt"),
    }  # fmt: skip
    command = 'echo > "$ok"; echo > x.bai; mkdir -p "$parts/a.txt"'
    error = script_error(quick, cg.script(command, outputs=outputs))
    text = str(error)
    assert "left no bam (x.bam), parts (parts/*.txt), report (report/" in text
    assert "there (out/there.txt)" in text
    assert "ok (" not in text
    assert "it left 'ok.txt', 'x.bai'" in text
    assert not (quick.folder / "out").exists()


def test_a_failed_script_changes_nothing_outside(quick: Project) -> None:
    target = quick.write("out/result.txt", "before\n")
    outputs = {"file": cg.File("out/result.txt")}
    script_error(quick, cg.script('echo half > "$file"; exit 1', outputs=outputs))
    assert target.read_text() == "before\n"
    with quick.lab.session() as session:
        value = session.evaluate(cg.script('echo whole > "$file"', outputs=outputs))
    assert value == {"file": cg.File("out/result.txt")}
    assert target.read_text() == "whole\n"


def test_a_lazy_input_of_another_type_fails_before_the_script_runs(quick: Project) -> None:
    quick.run("""
        @task
        def table():
            return {"a": 1}
        """)
    call = cg.script('echo > ran; echo "$t"', inputs={"t": quick.nb.value("table()")})
    error = failure(quick, call).error
    assert isinstance(error, cg.ConfigError)
    assert "input t is a dict" in str(error)


def test_a_file_that_is_not_there_is_said_before_anything_runs(quick: Project) -> None:
    call = cg.script('cat "$f"', inputs={"f": cg.File("none.txt")})
    error = failure(quick, call).error
    assert isinstance(error, cg.IdentityError)
    assert "File('none.txt') does not exist" in str(error)


def test_no_text_on_the_standard_output(quick: Project) -> None:
    error = failure(quick, cg.script("printf '\\377'")).error
    assert isinstance(error, cg.ConfigError)
    assert "write it to an output file" in str(error)
