"""Scripts as Batch jobs: the same calls, values and errors as on this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cellgraph as cg
from cellgraph.events import RemoteJobAdded

pytestmark = pytest.mark.aws


def test_scripts_leave_as_an_array_and_their_files_stay_in_the_bucket(
    box: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """Files of the kernel's machine travel; what the script leaves does not come back with it."""

    def large(i: int, executor: str) -> dict[str, Any]:
        return cg.script(
            """
            cat "$rows" "$more"/* >&2
            seq 99999 > "$all"; seq "$i" > "$parts/$i.txt"; echo "said $i" >&2
            test "$i" -ne 2
            """,
            inputs={"i": i, "rows": cg.File("in put.txt"), "more": cg.Dir("more")},
            outputs={"all": "all.txt", "parts": "parts/*.txt", "text": "-"},
            executor=executor,
        )

    (tmp_path / "cellgraph.toml").touch()
    (tmp_path / "in put.txt").write_text("from the kernel\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.txt").write_text("and a folder\n")
    watched = opened(poll_s=1.0)
    session = watched.session
    values = session.evaluate([large(i, "batch") for i in range(4)], fail="keep")
    assert [job.kind for job in watched.of(RemoteJobAdded)] == ["array"]
    assert [isinstance(value, cg.Failure) for value in values] == [False, False, True, False]
    error = values[2].error
    assert isinstance(error, cg.ScriptError)
    assert error.exit_code == 1
    assert error.stderr == "from the kernel\nand a folder\nsaid 2"
    assert values[3]["all"].size_bytes == 588_888
    assert [file.read_text() for file in values[3]["parts"]] == ["1\n2\n3\n"]
    assert values[3]["text"] == ""
    # a result from Batch is a result here, and its file an input
    here = large(3, "thread")
    run = session.submit(cg.script('tail -1 "$all"', inputs={"all": here["all"]}))
    assert run.result() == "99999\n"
    assert (run.counts.executed, run.counts.reused) == (1, 1)


def test_a_path_of_this_machine_is_no_output_there(opened: Callable[..., Any]) -> None:
    call = cg.script('echo > "$output"', outputs=cg.File("x.txt"), executor="batch")
    with pytest.raises(cg.CellgraphError, match="runs on another one"):
        opened().session.evaluate(call)
