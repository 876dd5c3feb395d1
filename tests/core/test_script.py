"""`script`: variables in, values out, the same on threads and in processes."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.core.support.file_lab import Project

import cellgraph as cg

TICK = 'echo run >> "$ENGINE_TEST_TICKS"\n'


def evaluate(project: Project, expr: Any, **options: Any) -> Any:
    with project.lab.session(executor=project.place) as session:
        return session.evaluate(expr, **options)


def test_the_standard_output_is_the_value(quick: Project) -> None:
    call = cg.script(TICK + 'printf "%s and %s" "$a" "$b"', inputs={"a": 1, "b": "two"})
    assert evaluate(quick, call) == "1 and two"
    assert evaluate(quick, call) == "1 and two"
    assert quick.ran() == {"run": 1}


def test_a_kept_output_outlives_its_folder_and_goes_on_to_tasks_and_scripts(
    project: Project,
) -> None:
    project.write("in.txt", "b\na\n")
    project.run("""
        @task
        def shout(file):
            tick("shout")
            with open(file) as opened:
                return opened.read().upper() + file.read_text()
        """)
    ordered = cg.script(
        TICK + 'sort "$raw" > "$ordered"; seq 100000 > "$large"',
        inputs={"raw": cg.File("in.txt")},
        outputs={"ordered": "ordered.txt", "large": "deep/er/large.txt"},
    )
    lines = cg.script(TICK + 'wc -l < "$file"', inputs={"file": ordered["large"]})
    wanted = [project.nb["shout"](ordered["ordered"]), lines]
    assert evaluate(project, wanted) == ["A\nB\na\nb\n", "100000\n"]
    assert project.ran() == {"run": 2, "shout": 1}
    assert evaluate(project, wanted) == ["A\nB\na\nb\n", "100000\n"]
    assert project.ran() == {}
    files = evaluate(project, ordered)
    assert files["large"].path.name == "large.txt"
    assert files["large"].size_bytes == 588_895
    with files["ordered"].open() as file:
        assert file.read() == "a\nb\n"
    # handed in again as a value of its own, it is still the same input
    assert evaluate(project, cg.script(TICK + 'wc -l < "$file"', inputs={"file": files["large"]}))
    assert project.ran() == {}
    # a consumer of one output does not copy the others: two files, and nothing else that is large
    blobs = [p for p in (project.folder / ".cellgraph").rglob("*") if p.stat().st_size > 500_000]
    assert len([p for p in blobs if p.is_file()]) == 1


def test_what_somebody_did_to_the_copy_on_disk_is_undone(quick: Project) -> None:
    file = evaluate(quick, cg.script('echo good > "$output"', outputs="a.txt"))
    place = Path(file)
    place.chmod(0o644)
    place.write_text("bad!\n")
    assert file.read_text() == "good\n"
    place.unlink()
    assert file.read_text() == "good\n"


def test_values_are_never_code(quick: Project) -> None:
    nasty = "$(touch pwned) `touch pwned` '\" ; touch pwned \n -rf * \\ é \u2028 $HOME"
    call = cg.script(
        'printf "%s|" "$one" "${many[@]}"; ls > "$left"',
        inputs={"one": nasty, "many": [nasty, "", "-n", 3]},
        outputs={"out": "-", "left": "left.txt"},
    )
    value = evaluate(quick, call)
    assert value["out"] == f"{nasty}|{nasty}||-n|3|"
    assert value["left"].read_text() == "left.txt\n"


@pytest.mark.parametrize(
    "name", ["two words", "it's", 'a"b', "line\nbreak", "äöü 日本", "-rf", "$(x)", "a;b", "[1]*?"]
)
def test_any_name_of_a_file_is_safe(quick: Project, name: str) -> None:
    quick.write(f"raw/{name}", "x\n")
    call = cg.script(
        'cat "$one" "${many[@]}" "$folder"/* > "$same"; basename "$one" > "$named"',
        inputs={
            "one": cg.File(f"raw/{name}"),
            "many": [cg.File(f"raw/{name}")] * 2,
            "folder": cg.Dir("raw"),
        },
        outputs={"same": cg.File(f"out/{name}"), "named": "-name"},
    )
    value = evaluate(quick, call)
    assert value["same"].path == quick.folder / "out" / name
    assert value["same"].read_text() == "x\n" * 4
    assert value["named"].read_text() == f"{name}\n"


def test_what_a_tool_writes_beside_its_input_stays_in_the_work_folder(quick: Project) -> None:
    quick.write("ref/genome.fa", ">a\nACGT\n")
    call = cg.script(
        'echo index > "$ref.fai"; cat "$ref" "$ref.fai"', inputs={"ref": cg.File("ref/genome.fa")}
    )
    assert evaluate(quick, call) == ">a\nACGT\nindex\n"
    assert [p.name for p in (quick.folder / "ref").iterdir()] == ["genome.fa"]


def test_scalars_are_text(quick: Project) -> None:
    import numpy as np

    inputs = {"i": 3, "f": 0.5, "t": True, "n": np.int32(7), "x": np.float64(0.25), "s": ""}
    call = cg.script('echo "$i $f $t $n $x [$s]"', inputs=inputs)
    assert evaluate(quick, call) == "3 0.5 true 7 0.25 []\n"


def test_the_standard_input(quick: Project) -> None:
    quick.write("in.txt", "from a file\n")
    made = cg.script('echo lazy > "$output"', outputs="x.txt")
    calls = [cg.script("cat", stdin=given) for given in ("text", b"bytes", cg.File("in.txt"), made)]
    calls.append(cg.script("cat"))
    assert evaluate(quick, calls) == ["text", "bytes", "from a file\n", "lazy\n", ""]


def test_another_interpreter(quick: Project) -> None:
    text = f"""
        #!{sys.executable} -I
        import os
        files = os.environ["files"].split(chr(10))
        print(sum(len(open(f).read()) for f in files), os.environ["word"])
        """
    quick.write("a.txt", "12")
    quick.write("b.txt", "345")
    call = cg.script(
        text, inputs={"files": [cg.File("a.txt"), cg.File("b.txt")], "word": "it's $HOME"}
    )
    assert evaluate(quick, call) == "5 it's $HOME\n"
    assert repr(call).startswith("python")


def test_scripts_over_lazy_lists_in_tasks(project: Project) -> None:
    project.run("""
        @task
        def names(n):
            return [f"s{i}" for i in range(n)]

        @task
        def count(name):
            tick("count")
            return cg.script('printf "%s" "$name" | wc -c', inputs={"name": name})

        @task
        def total(texts):
            return sum(map(int, texts))
        """)
    call = project.nb.value("total(count.map(names(4)))")
    assert evaluate(project, call) == 8
    assert project.ran() == {"count": 4}
    assert evaluate(project, call) == 8
    # a call that returned a script has a result: its body does not run again
    again = project.nb.value("total(count.map(names(5)))")
    assert evaluate(project, again) == 10
    assert project.ran() == {"count": 1}


def test_some_fail_and_the_others_are_used(quick: Project) -> None:
    call = [
        cg.script('test "$i" -ne 2; echo "$i" > "$output"', inputs={"i": i}, outputs="i.txt")
        for i in range(4)
    ]
    values = evaluate(quick, call, fail="keep")
    assert [type(v).__name__ for v in values] == ["File", "File", "Failure", "File"]
    assert isinstance(values[2].error, cg.ScriptError)
    assert values[2].error.exit_code == 1


def test_retries_take_a_failed_script(quick: Project) -> None:
    mark = quick.folder / "mark"
    call = cg.script(
        'if test -e "$mark"; then echo well; else touch "$mark"; exit 3; fi',
        inputs={"mark": str(mark)},
        retries=1,
    )
    assert evaluate(quick, call) == "well\n"


def test_a_secret_is_in_the_environment_and_nowhere_else(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "hunter2-hunter2")
    token = cg.Secret("env:LAB_TOKEN")
    call = cg.script(
        'echo "$token" >&2; test "$token" = "$LAB_TOKEN"; exit 4', inputs={"token": token}
    )
    with pytest.raises(cg.TaskError) as caught:
        evaluate(quick, call)
    told = f"{caught.value} {caught.value.error!r} {caught.value.log}"
    assert "<secret env:LAB_TOKEN>" in told
    assert "exit code 4" in told
    assert "hunter2" not in told
    with pytest.raises(cg.ConfigError, match="pass it as an input"):
        cg.script("curl -u me:hunter2-hunter2 there")
    with pytest.raises(cg.CellgraphError, match="results are stored"):
        evaluate(quick, cg.script('echo "$t" > "$output"', inputs={"t": token}, outputs="t.txt"))
    stored = [p.read_bytes() for p in (quick.folder / ".cellgraph").rglob("*") if p.is_file()]
    assert stored
    assert not any(b"hunter2" in data for data in stored)
