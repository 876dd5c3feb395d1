"""Scripts as Batch jobs: the same calls, values and errors as on this machine."""

from collections.abc import Callable
from typing import Any

import pytest

import cellgraph as cg
from cellgraph.events import RemoteJobAdded

pytestmark = pytest.mark.aws


def test_scripts_leave_as_an_array_and_their_files_stay_in_the_bucket(
    box: Any, opened: Callable[..., Any]
) -> None:
    def large(i: int, executor: str) -> dict[str, Any]:
        return cg.script(
            """
            seq 99999 > "$all"; seq "$i" > "$parts/$i.txt"; echo "said $i" >&2
            test "$i" -ne 2
            """,
            inputs={"i": i},
            outputs={"all": "all.txt", "parts": "parts/*.txt", "text": "-"},
            executor=executor,
        )

    watched = opened()
    session = watched.session
    values = session.evaluate([large(i, "batch") for i in range(4)], fail="keep")
    assert [job.kind for job in watched.of(RemoteJobAdded)] == ["array"]
    assert [isinstance(value, cg.Failure) for value in values] == [False, False, True, False]
    error = values[2].error
    assert isinstance(error, cg.ScriptError)
    assert error.exit_code == 1
    assert "said 2" in error.stderr
    assert values[3]["all"].size_bytes == 588_888
    assert [file.read_text() for file in values[3]["parts"]] == ["1\n2\n3\n"]
    assert values[3]["text"] == ""
    # a result from Batch is a result here, and its file an input
    here = large(3, "thread")
    run = session.submit(cg.script('tail -1 "$all"', inputs={"all": here["all"]}))
    assert run.result() == "99999\n"
    assert (run.counts.executed, run.counts.reused) == (1, 1)
