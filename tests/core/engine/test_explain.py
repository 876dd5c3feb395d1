"""`explain`: the verdict, the one part that decided, and that nothing ran to find it."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

import cellgraph as cg
from cellgraph.explaining import Explanation


def explained(lab: Lab, expr: object) -> Explanation:
    """Explain in a session of its own, so that only the store is remembered; nothing may run."""
    lab.ran()
    with lab.session() as session:
        found = session.explain(expr)
    assert lab.ran() == {}, "explaining ran a task"
    return found


FIT = """
def clean(x):
    return x + 1

LIMIT = 3

@cg.task
def fit(x, y=1):
    tick("fit")
    return clean(x) * LIMIT + y
"""


def test_first_run_then_hit(lab: Lab, nb: Notebook) -> None:
    nb.run(FIT)
    first = explained(lab, nb.value("fit(1)"))
    assert (first.verdict, first.reason, first.path) == ("MISS", "first run", ("first run",))

    with lab.session() as session:
        run = session.submit(nb.value("fit(1)"))
        assert run.result(timeout=60) == 7

    again = explained(lab, nb.value("fit(1)"))
    assert again.verdict == "HIT" and run.id in again.reason and again.reason.startswith("computed")


@pytest.mark.parametrize(
    ("edit", "reason", "path", "diff"),
    [
        (
            "def clean(x):\n    return x + 2",
            "code > helper clean() > body line 2",
            ("code", "helper clean()", "body"),
            "+    return x + 2",
        ),
        ("LIMIT = 4", "code > global LIMIT 3 -> 4", ("code", "global LIMIT"), "+ 4"),
        (
            FIT.replace("y=1", "y=2") + "\nfit1 = lambda: fit(1, 1)",
            "code > default y 1 -> 2",
            ("code", "default y"),
            "- 1",
        ),
        (FIT.replace("+ y", "- y"), "code > fit() > body line 3", ("code", "fit()", "body"), "- y"),
        (
            FIT.replace("@cg.task", "@cg.task(version='2')"),
            "code > version",
            ("code", "version"),
            "",
        ),
    ],
)
def test_code(
    lab: Lab, nb: Notebook, edit: str, reason: str, path: tuple[str, ...], diff: str
) -> None:
    nb.run(FIT)
    lab.run(nb.value("fit(1)"))
    nb.run(edit)

    found = explained(lab, nb.value("fit(1, 1)"))
    assert found.verdict == "MISS"
    assert found.reason.startswith(reason)
    assert found.path == path and diff in found.diff


def test_the_same_arguments_under_earlier_code_say_more_than_others_under_this(
    lab: Lab, nb: Notebook
) -> None:
    nb.run(FIT)
    lab.run(nb.value("fit(1)"))
    nb.run("def clean(x):\n    return x + 2")
    lab.run(nb.value("fit(5)"))

    assert explained(lab, nb.value("fit(1)")).path[:2] == ("code", "helper clean()")
    assert explained(lab, nb.value("fit(6)")).reason == "args > x 5 -> 6"


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"price": np.arange(400, dtype="int32"), "city": ["a", "b"] * 200} | columns
    )


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (3, 4, "args > x 3 -> 4"),
        (1, "1", "args > x int -> str: 1 -> '1'"),
        (1, True, "args > x int -> bool: 1 -> True"),
        ({"depth": 3, "k": [1, 2]}, {"depth": 4, "k": [1, 2]}, "args > x > 'depth' 3 -> 4"),
        ({"depth": 3}, {"depth": 3, "new": 1}, "args > x > 'new' added"),
        ([1, 2, 3], [1, 2, 4], "args > x > [2] 3 -> 4"),
        ([1, 2, 3], [1, 2], "args > x length 3 -> 2"),
        (list(range(5000)), [*range(4999), 0], "args > x > [4950:5000] changed"),
        (frame(), frame().astype({"price": "int64"}), "args > x > column 'price' int32 -> int64"),
        (frame(), frame(price=np.ones(400, "int32")), "args > x > column 'price' changed"),
        (frame(), frame(more=1.0), "args > x > column 'more' added"),
        (frame(), frame().head(3), "args > x rows 400 -> 3"),
        (np.zeros(3000), np.zeros(4000), "args > x shape (3000,) -> (4000,)"),
        (np.zeros(3000), np.zeros(3000, "int64"), "args > x dtype float64 -> int64"),
        (np.zeros(3000), np.ones(3000), "args > x changed"),
        ("a" * 9000, "a" * 8999 + "b", "args > x changed"),
    ],
)
def test_arguments(lab: Lab, nb: Notebook, before: Any, now: Any, reason: str) -> None:
    nb.run("@cg.task\ndef size(x, how='all'):\n    tick('size')\n    return 1")
    lab.run(nb["size"](before))

    found = explained(lab, nb["size"](now))
    assert found.reason == reason
    assert found.path[:2] == ("args", "x")
    both = explained(lab, nb["size"](now, "none"))
    assert both.reason == f"{reason} (and 1 more argument)"
    assert "args > how 'all' -> 'none'" in both.diff


def test_the_nearest_call_is_found_beyond_what_a_run_samples(lab: Lab, nb: Notebook) -> None:
    nb.run("@cg.task\ndef align(genome, i):\n    tick('align')\n    return i")
    lab.run([nb["align"]("g" * 2000, i) for i in range(100)])

    assert explained(lab, nb["align"]("h", 99)).reason.startswith("args > genome")
    assert "more argument" not in explained(lab, nb["align"]("h", 99)).reason
    assert explained(lab, nb["align"]("g" * 2000, 500)).path == ("args", "i")


def test_what_an_earlier_task_returned_is_opened(lab: Lab, nb: Notebook) -> None:
    nb.run(
        """
        import pandas as pd

        @cg.task
        def load(n):
            return pd.DataFrame({"a": range(n), "b": range(n)})

        @cg.task
        def use(df):
            tick("use")
            return len(df)
        """
    )
    lab.run(nb.value("use(load(4000))"))
    lab.run(nb.value("load(4001)"))
    assert explained(lab, nb.value("use(load(4001))")).reason == "args > df rows 4000 -> 4001"


def test_the_first_call_that_would_run_decides(lab: Lab, nb: Notebook) -> None:
    nb.run(FIT + "\n@cg.task\ndef total(xs):\n    tick('total')\n    return sum(xs)\n")
    lab.run(nb.value("total([fit(i) for i in range(3)])"))
    nb.run("def clean(x):\n    return x + 2")

    found = explained(lab, nb.value("total([fit(i) for i in range(3)])"))
    assert found.reason == "code > helper clean() > body line 2"
    assert found.call == "fit(0, 1)" and found.more == 2
    assert found.waits == "total: unknown until fit(...) runs"
    assert "unknown until fit(...) runs" in repr(found)


def test_no_identity_expiry_and_files(
    lab: Lab, nb: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.csv").write_text("a,b")
    nb.run(
        """
        @cg.task(cache=False)
        def now():
            return 1

        @cg.task(expires_after_s=0)
        def rate():
            return 2

        @cg.task
        def read(name):
            with open(name) as file:
                return len(file.read())

        @cg.task
        def size(file):
            return len(file.read_text())
        """
    )
    assert explained(lab, nb.value("now()")).reason == "cache=False"
    with cg.Session(store=lab.store) as session:
        session.evaluate([nb.value("rate()"), nb.value("read('raw.csv')")])
        session.evaluate(nb["size"](cg.File("raw.csv")))
        assert session.explain(nb.value("rate()")).reason.startswith("expired")
        (tmp_path / "raw.csv").write_text("a,b,c")
        os.utime(tmp_path / "raw.csv", (0, time.mktime((2024, 5, 6, 10, 41, 0, 0, 0, -1))))
        for call in (nb.value("read('raw.csv')"), nb["size"](cg.File("raw.csv"))):
            assert session.explain(call).reason == "file raw.csv changed 2024-05-06 10:41"


def test_what_failed_left_nothing(lab: Lab, nb: Notebook) -> None:
    nb.run("@cg.task\ndef bad(x):\n    raise ValueError(x)")
    assert "ValueError" in str(lab.failure(nb.value("bad(1)")))
    assert explained(lab, nb.value("bad(1)")).reason == "no result kept"


def test_nothing_is_stored_by_asking(lab: Lab, nb: Notebook) -> None:
    nb.run(FIT)
    lab.run(nb.value("fit(1)"))
    with lab.session() as session:
        before = len(list(session.store.scan()))
        session.explain(nb.value("fit(2)"))
        session.plan(nb.value("[fit(2), fit(1) + 1]"))
        assert len(list(session.store.scan())) == before


def test_it_is_shown_in_a_notebook(lab: Lab, nb: Notebook) -> None:
    nb.run(FIT)
    lab.run(nb.value("fit(1)"))
    nb.run("def clean(x):\n    return x < 2")
    shown = explained(lab, nb.value("fit(1)"))._repr_mimebundle_()  # pyright: ignore[reportPrivateUsage]  # IPython's protocol
    assert "MISS" in shown["text/plain"] and "code &gt; helper clean()" in shown["text/html"]
    assert "return x &lt; 2</span>" in shown["text/html"]


# --- the reasons of a run -------------------------------------------------------------------------


def reasons(lab: Lab, expr: object) -> dict[str, str]:
    with lab.session() as session:
        session.evaluate(expr)
        return {task: reason for task, reason, _ in session.run_summaries(1)[0].misses}


def test_a_run_names_the_argument_its_calls_have_in_common(lab: Lab, nb: Notebook) -> None:
    nb.run("@cg.task\ndef align(genome, i, mode='fast'):\n    return i")
    align = nb["align"]
    assert reasons(lab, [align("g" * 2000, i) for i in range(40)]) == {"align": "first run"}
    assert reasons(lab, [align("h", i) for i in range(40)]) == {"align": "args > genome changed"}
    assert reasons(lab, [align("h", i) for i in range(41)]) == {"align": "args > i 0 -> 40"}
    assert reasons(lab, align({"a": [1]}, 1)) == {"align": "args > genome str -> dict"}
    assert reasons(lab, align({"a": [2]}, 1)) == {"align": "args > genome > 'a' > [0] 1 -> 2"}
    several = [align("z", i, "slow") for i in (7, 8)]
    assert reasons(lab, several) == {"align": "args > genome, mode changed"}
    mixed = [align("z", 7, "fast"), align("y", 8, "slow")]
    assert reasons(lab, mixed) == {"align": "new arguments"}


def test_a_run_says_why_a_stored_result_was_refused(lab: Lab, nb: Notebook) -> None:
    nb.run("@cg.task(expires_after_s=0)\ndef rate():\n    return 2")
    assert reasons(lab, nb.value("rate()")) == {"rate": "first run"}
    assert reasons(lab, nb.value("rate()"))["rate"].startswith("expired")
