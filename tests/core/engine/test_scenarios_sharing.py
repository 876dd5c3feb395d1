"""Equal calls are reduced once; what is not cached runs again; what has expired is not used."""

import time

from tests.core.engine.support.engine_lab import Lab, Notebook, listening, user_error

from cellgraph.events import CallAdded, CallsAdded

ONE = """
@cg.task
def one():
    tick("one")
    return 1

@cg.task
def slow(x):
    tick("slow")
    time.sleep(0.1)
    return x + 1
"""


def test_an_uncached_task_runs_in_every_run_and_once_in_each(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(cache=False)
        def now(x):
            tick("now")
            return x

        @cg.task
        def use(x):
            tick("use")
            return x + 1
    """)
    lazy = "[use(now(1)), use(now(1)), now(1), now(2)]"
    assert lab.run(nb.value(lazy)) == [2, 2, 1, 2]
    assert lab.ran() == {"now": 2, "use": 1}
    assert lab.run(nb.value(lazy)) == [2, 2, 1, 2]
    assert lab.ran() == {"now": 2}


def test_an_uncached_call_below_a_cached_one_runs_again(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(cache=False)
        def now():
            tick("now")
            return os.environ.get("ENGINE_TEST_NOTHING", "x")

        @cg.task
        def parent(n):
            tick("parent")
            return [now(), n]
    """)
    for expected in ({"parent": 1, "now": 1}, {"now": 1}, {"now": 1}):
        assert lab.run(nb.value("parent(1)")) == ["x", 1]
        assert lab.ran() == expected


def test_a_task_made_cached_again_finds_no_record_of_uncached_runs(lab: Lab, nb: Notebook) -> None:
    cell = """
        @cg.task(cache={cache})
        def f(x):
            tick("f")
            return x
    """
    nb.run(cell.format(cache=False))
    lab.run(nb.value("f(1)"))
    nb.run(cell.format(cache=True))
    lab.run(nb.value("f(1)"))
    assert lab.ran() == {"f": 2}
    lab.run(nb.value("f(1)"))
    assert lab.ran() == {}


def test_evaluating_without_the_cache_runs_each_call_once(lab: Lab, nb: Notebook) -> None:
    nb.run(ONE)
    lazy = "[slow(one()), slow(1), slow(one() + 1)]"
    for _ in range(2):
        assert lab.run(nb.value(lazy), cache=False) == [2, 2, 3]
        assert lab.ran() == {"one": 1, "slow": 2}
    lab.run(nb.value(lazy))
    lab.ran()
    assert lab.run(nb.value(lazy), cache=False) == [2, 2, 3]
    assert lab.ran() == {"one": 1, "slow": 2}
    assert lab.run(nb.value(lazy)) == [2, 2, 3]
    assert lab.ran() == {}


def test_expressions_that_reduce_to_one_call_run_it_once(lab: Lab, nb: Notebook) -> None:
    nb.run(ONE)
    lazy = nb.value("[slow(1), slow(one()), slow(2 - one()), slow(slow(0))]")
    assert lab.run(lazy) == [2, 2, 2, 2]
    assert lab.ran() == {"one": 1, "slow": 2}


def test_one_expression_used_three_times_is_one_call(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        import random

        @cg.task(cache=False)
        def draw():
            tick("draw")
            return random.random()
    """)
    shared = nb.value("draw()")
    same = lab.run([shared, shared, {"again": shared}])
    assert same[0] == same[1] == same[2]["again"]
    assert lab.ran() == {"draw": 1}
    textually = lab.run(nb.value("[draw(), draw()]"))
    assert textually[0] == textually[1]
    assert lab.ran() == {"draw": 1}


def test_a_failure_is_shared_in_a_run_and_tried_again_in_the_next(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def bad():
            tick("bad")
            raise ValueError("no rows")

        @cg.task
        def left(x):
            return x

        @cg.task
        def right(x):
            return x
    """)
    for _ in range(2):
        kept = lab.run(nb.value("[left(bad()), right(bad()), bad()]"), fail="keep")
        assert [str(failure.error) for failure in kept] == ["no rows"] * 3
        assert lab.ran() == {"bad": 1}
    assert str(user_error(lab.failure(nb.value("left(bad())")))) == "no rows"
    assert lab.ran() == {"bad": 1}


def test_an_expired_result_is_used_in_its_run_and_not_in_the_next(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(expires_after_s=0.02)
        def price(x):
            tick("price")
            return x

        @cg.task(expires_after_s=3600)
        def name(x):
            tick("name")
            return x

        @cg.task
        def both(x):
            tick("both")
            return [price(x), name(x), price(x)]
    """)
    assert lab.run(nb.value("[both(1), price(1)]")) == [[1, 1, 1], 1]
    assert lab.ran() == {"price": 1, "name": 1, "both": 1}
    time.sleep(0.05)
    assert lab.run(nb.value("[both(1), price(1)]")) == [[1, 1, 1], 1]
    assert lab.ran() == {"price": 1}


def test_a_fresh_value_joins_the_key(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        VERSION = {"now": 1}

        @cg.task(fresh=lambda: VERSION["now"])
        def query(x):
            tick("query")
            return x
    """)
    for version, runs in ((1, 1), (1, 0), (2, 1), (1, 0)):
        nb["VERSION"]["now"] = version
        assert lab.run(nb.value("query(5)")) == 5
        assert sum(lab.ran().values()) == runs


def test_events_tell_callers_and_upstream_calls(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def child(x):
            return {"k": x}

        @cg.task
        def use(x, y):
            return x

        @cg.task
        def parent(x):
            return use(child(x)["k"], child(x + 1))
    """)
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(nb.value("parent(1) + 1")) == 2
    added = [call for event in events if isinstance(event, CallsAdded) for call in event.calls]
    by_task: dict[str, list[CallAdded]] = {}
    for call in added:
        by_task.setdefault(call.task.rpartition(".")[2], []).append(call)
    (parent,) = by_task["parent"]
    (use,) = by_task["use"]
    children = by_task["child"]
    assert (parent.parent, parent.upstream) == (-1, ())
    assert len(children) == 2
    assert {call.parent for call in (use, *children)} == {parent.call}
    assert set(use.upstream) == {call.call for call in children}


def test_the_calls_of_a_plain_container_are_all_the_users_own(lab: Lab, nb: Notebook) -> None:
    nb.run(ONE)
    with lab.session() as session, listening(session) as events:
        session.evaluate(nb.value("{'a': slow(1) + slow(2), 'b': [slow(3)]}"))
    added = [call for event in events if isinstance(event, CallsAdded) for call in event.calls]
    assert [call.parent for call in added] == [-1, -1, -1]
