"""What a failure stops, what it leaves, how it is told; retries, time limits, odd exceptions."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening, user_error

import cellgraph as cg
from cellgraph.errors import CallTimeout
from cellgraph.events import CallFailed, RunFinished

CELLS = """
@cg.task
def bad(x, wait=0):
    tick("bad")
    time.sleep(wait)
    raise ValueError(f"no rows in {x}")

@cg.task
def fine(x, wait=0):
    tick("fine")
    time.sleep(wait)
    return x

@cg.task
def use(*parts):
    tick("use")
    return list(parts)
"""


def test_independent_calls_finish_and_are_stored(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = "[use(bad(1), fine(1)), use(fine(fine(2, 0.1), 0.1)), [fine(n, 0.05) for n in (3, 4)]]"
    error = lab.failure(nb.value(lazy))
    assert isinstance(error, cg.TaskError)
    assert isinstance(error.error, ValueError)
    assert lab.ran() == {"bad": 1, "fine": 4, "use": 1}
    nb.run("""
        @cg.task
        def bad(x):
            tick("bad")
            return 0
    """)
    assert lab.run(nb.value(lazy)) == [[0, 1], [2], [3, 4]]
    assert lab.ran() == {"bad": 1, "use": 1}


def test_fast_starts_nothing_more_and_keeps_what_finished(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("[bad(1)] + [fine(n, 0.3) for n in range(20)]")
    with lab.session() as session:
        with pytest.raises(cg.TaskError, match="no rows"):
            session.evaluate(lazy, fail="fast")
        first = lab.ran()
        assert first["bad"] == 1
        assert first.get("fine", 0) < 20
        assert session.evaluate(lazy, fail="keep")[1:] == list(range(20))
    assert first.get("fine", 0) + lab.ran()["fine"] == 20


def test_keep_puts_failures_in_their_places(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("{'a': [fine(1), bad(2)], 'b': use(bad(2)), 'c': use(fine(1)), 'd': bad(3)}")
    kept = lab.run(lazy, fail="keep")
    assert kept["a"][0] == 1
    assert kept["c"] == [1]
    for failure, told in ((kept["a"][1], "2"), (kept["b"], "2"), (kept["d"], "3")):
        assert isinstance(failure, cg.Failure)
        assert isinstance(failure.error, ValueError)
        assert str(failure.error) == f"no rows in {told}"
        assert isinstance(failure.log, str)
        assert failure.call
        assert len(repr(failure)) < 500 and "no rows" in repr(failure)
    assert lab.ran() == {"fine": 1, "bad": 2, "use": 1}
    assert isinstance(lab.run(nb.value("bad(3)"), fail="keep"), cg.Failure)


def test_keep_gives_failures_to_tasks_that_accept_them(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("""
        @cg.task(accepts_failures=True)
        def good_ones(parts):
            tick("good_ones")
            return [p for p in parts if not isinstance(p, cg.Failure)], len(parts)
    """)
    lazy = nb.value("good_ones([fine(1), bad(2), fine(3), use(bad(2))])")
    assert lab.run(lazy, fail="keep") == ([1, 3], 4)
    assert lab.ran() == {"fine": 2, "bad": 1, "good_ones": 1}
    nb.run("""
        @cg.task
        def bad(x, wait=0):
            tick("bad")
            return x
    """)
    lazy = nb.value("good_ones([fine(1), bad(2), fine(3), use(bad(2))])")
    assert lab.run(lazy, fail="keep") == ([1, 2, 3, [2]], 4)
    assert lab.ran() == {"bad": 1, "use": 1, "good_ones": 1}


def test_what_was_printed_is_kept_with_the_failure(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def tells(x):
            print("reading", x)
            raise ValueError("stop")
    """)
    failure = lab.run(nb.value("tells(7)"), fail="keep")
    assert "reading 7" in failure.log


def test_a_task_error_shows_the_users_frames(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def helper(x):
            raise KeyError(x)

        @cg.task
        def work(x):
            return helper(x)
    """)
    error = lab.failure(nb.value("work('column')"))
    assert isinstance(error, cg.TaskError)
    assert isinstance(error.error, KeyError)
    assert isinstance(error.__cause__, KeyError)
    assert "work" in error.task
    assert error.call
    assert "KeyError" in str(error) and "column" in str(error)
    assert "in helper" in error.user_traceback and "in work" in error.user_traceback
    assert "cellgraph/" not in error.user_traceback


FLAKY = """
def runs_of(name):
    with open(os.environ["ENGINE_TEST_TICKS"]) as log:
        return log.read().split().count(name)

@cg.task({options})
def flaky(name, after, error):
    tick(name)
    if runs_of(name) < after:
        raise error("not yet")
    return name
"""


@pytest.mark.parametrize(
    ("options", "error", "after", "runs", "value"),
    [
        ("retries=2", "ValueError", 3, 3, "a"),
        ("retries=2", "ValueError", 9, 3, None),
        ("retries=2, retry_on=OSError", "OSError", 2, 2, "a"),
        ("retries=2, retry_on=(OSError, KeyError)", "KeyError", 2, 2, "a"),
        ("retries=2, retry_on=OSError", "ValueError", 2, 1, None),
        ("retries=2, retry_on=OSError", "TimeoutError", 2, 2, "a"),
    ],
)
def test_retries(
    lab: Lab, nb: Notebook, options: str, error: str, after: int, runs: int, value: str | None
) -> None:
    nb.run(FLAKY.format(options=options))
    lazy = nb.value(f"flaky('a', {after}, {error})")
    if value is None:
        assert str(user_error(lab.failure(lazy))) == "not yet"
    else:
        assert lab.run(lazy) == value
    assert lab.ran() == {"a": runs}


def test_attempts_are_told(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options="retries=2"))
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(nb.value("flaky('a', 3, ValueError)")) == "a"
    told = [e for e in events if isinstance(e, CallFailed)]
    assert [e.will_retry for e in told] == [True, True]
    assert [e.attempt for e in told] == [1, 2]
    (end,) = [e for e in events if isinstance(e, RunFinished)]
    assert (end.status, end.executed, end.failed) == ("done", 1, 0)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_time_limit(lab: Lab, nb: Notebook, executor: str) -> None:
    nb.run(CELLS)
    nb.run(f"""
        @cg.task(timeout_s=0.5, executor="{executor}")
        def slow(x, wait):
            tick("slow")
            end = time.monotonic() + wait
            while time.monotonic() < end:
                time.sleep(0.01)
            return x
    """)
    kept = lab.run(nb.value("[slow(1, 20), fine(2), slow(3, 0)]"), fail="keep")
    assert kept[1:] == [2, 3]
    assert isinstance(kept[0].error, CallTimeout)
    assert "0.5" in str(kept[0].error)
    lab.ran()
    caught = "cg.catch(slow(1, 20), {}, fine)"
    assert isinstance(user_error(lab.failure(nb.value(caught.format("Exception")))), CallTimeout)
    nb.run("from cellgraph.errors import CallTimeout")
    for _ in range(2):
        assert isinstance(lab.run(nb.value(caught.format("CallTimeout"))), CallTimeout)
    assert lab.ran()["slow"] == 3, "a recovery from a failure of the place is not stored"


@pytest.mark.parametrize("call", ["itself(1)", "ping(1)", "inside(1)", "listed(1)", "caught(1)"])
def test_a_call_that_needs_itself_is_an_error(lab: Lab, nb: Notebook, call: str) -> None:
    nb.run("""
        @cg.task
        def itself(x):
            return itself(x)

        @cg.task
        def ping(x):
            return pong(x)

        @cg.task
        def pong(x):
            return ping(x)

        @cg.task
        def add(a, b):
            return a + b

        @cg.task
        def inside(x):
            return add(inside(x), 1)

        @cg.task
        def listed(x):
            return {"again": [listed(x)]}

        @cg.task
        def caught(x):
            return cg.catch(caught(x) + 1, KeyError, add)
    """)
    error = user_error(lab.failure(nb.value(call)))
    assert isinstance(error, cg.GraphError)
    assert "itself" in str(error)
