"""cond, catch, catch_all, seq and the functional tools."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg
from cellgraph import control

BRANCHES = """
@cg.task
def is_big(x):
    tick("is_big")
    return x > 10

@cg.task
def yes(x):
    tick("yes")
    return ("yes", x)

@cg.task
def no(x):
    tick("no")
    return ("no", x)

@cg.task
def middle(x):
    tick("middle")
    return ("middle", x)
"""

FAULTY = """
class Missing(ValueError):
    pass

@cg.task
def faulty(kind):
    tick("faulty")
    raise {"value": ValueError, "missing": Missing, "key": KeyError, "zero": ZeroDivisionError}[
        kind
    ]("asked for")

@cg.task
def fine(x):
    tick("fine")
    return x

@cg.task
def recover(error):
    tick("recover")
    return f"{type(error).__name__}: {error.args[0]}"

@cg.task
def other(error):
    tick("other")
    return "other"
"""


def test_cond_never_evaluates_the_other_branch(lab: Lab, nb: Notebook) -> None:
    nb.run(BRANCHES)
    assert lab.run(nb.value("cg.cond(is_big(20), yes(1), no(2))")) == ("yes", 1)
    assert lab.ran() == {"is_big": 1, "yes": 1}
    assert lab.run(nb.value("cg.cond(is_big(1), yes(1), no(2))")) == ("no", 2)
    assert lab.ran() == {"is_big": 1, "no": 1}
    assert lab.run(nb.value("cg.cond(is_big(1), yes(1), no(2))")) == ("no", 2)
    assert lab.ran() == {}


def test_cond_takes_further_conditions(lab: Lab, nb: Notebook) -> None:
    nb.run(BRANCHES)
    chain = "cg.cond(is_big({a}), yes(1), is_big({b}), middle(2), no([yes(3)]))"
    assert lab.run(nb.value(chain.format(a=1, b=20))) == ("middle", 2)
    assert lab.ran() == {"is_big": 2, "middle": 1}
    assert lab.run(nb.value(chain.format(a=1, b=2))) == ("no", [("yes", 3)])
    assert lab.ran() == {"is_big": 1, "yes": 1, "no": 1}
    assert lab.run(nb.value("cg.cond(is_big(20)) if False else cg.cond(True, 1, 2)")) == 1


def test_cond_feeds_calls_and_nests(lab: Lab, nb: Notebook) -> None:
    nb.run(BRANCHES)
    lazy = "yes(cg.cond(cg.cond(is_big(20), False, True), no(1), {'k': middle(2)})['k'])"
    assert lab.run(nb.value(lazy)) == ("yes", ("middle", 2))
    assert lab.ran() == {"is_big": 1, "middle": 1, "yes": 1}


@pytest.mark.parametrize(
    ("lazy", "value", "ran"),
    [
        ("cg.catch(fine(1), ValueError, recover)", 1, {"fine": 1}),
        ("cg.catch(faulty('value'), ValueError, recover)", "ValueError: asked for",
         {"faulty": 1, "recover": 1}),
        ("cg.catch(faulty('missing'), ValueError, recover)", "Missing: asked for",
         {"faulty": 1, "recover": 1}),
        ("cg.catch(faulty('key'), (ValueError, KeyError), recover)", "KeyError: asked for",
         {"faulty": 1, "recover": 1}),
        ("cg.catch(faulty('missing'), Missing, other, ValueError, recover)", "other",
         {"faulty": 1, "other": 1}),
        ("cg.catch(faulty('key'), ValueError, other, KeyError, recover)", "KeyError: asked for",
         {"faulty": 1, "recover": 1}),
        ("cg.catch(fine(fine(faulty('value'))), ValueError, recover)", "ValueError: asked for",
         {"faulty": 1, "recover": 1}),
        ("cg.catch([fine(1), {'a': faulty('value')}], ValueError, recover)",
         "ValueError: asked for", {"fine": 1, "faulty": 1, "recover": 1}),
        ("cg.catch(fine({})['missing'], KeyError, recover)", "KeyError: missing",
         {"fine": 1, "recover": 1}),
        ("cg.catch(cg.catch(faulty('zero'), ValueError, other), ZeroDivisionError, recover)",
         "ZeroDivisionError: asked for", {"faulty": 1, "recover": 1}),
    ],
)  # fmt: skip
def test_catch_recovers_with_the_first_clause_that_matches(
    lab: Lab, nb: Notebook, lazy: str, value: object, ran: dict[str, int]
) -> None:
    nb.run(FAULTY)
    assert lab.run(nb.value(lazy)) == value
    assert lab.ran() == ran
    assert lab.run(nb.value(lazy)) == value
    assert lab.ran() == {}, "a success and a recovery are both stored"


def test_what_no_clause_takes_is_raised_and_not_stored(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    nb.run(
        """
        @cg.task
        def again(error):
            tick("again")
            return control.throw(KeyError("from recovery"))
    """.replace("control.", "cg.control.")
    )
    for _ in range(2):
        error = lab.failure(nb.value("cg.catch(faulty('zero'), ValueError, recover)"))
        assert isinstance(user_error(error), ZeroDivisionError)
        assert lab.ran() == {"faulty": 1}
    for _ in range(2):
        error = lab.failure(nb.value("cg.catch(faulty('value'), ValueError, again)"))
        assert isinstance(user_error(error), KeyError)
        assert lab.ran().get("faulty") == 1


def test_editing_below_a_catch_runs_what_it_concerns(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    nb.run("""
        @cg.task
        def top():
            tick("top")
            return cg.catch(middle(), ValueError, mend)

        @cg.task
        def middle():
            tick("middle")
            return fine(faulty("value"))

        @cg.task
        def mend(error):
            tick("mend")
            return last(1)
    """)
    last = """
        @cg.task
        def last(x):
            tick("last")
            return x
    """
    nb.run(last)
    assert lab.run(nb.value("top()")) == 1
    assert lab.ran() == {"top": 1, "middle": 1, "faulty": 1, "mend": 1, "last": 1}
    assert lab.run(nb.value("top()")) == 1
    assert lab.ran() == {}

    nb.run(last.replace("return x", "return x + 1"))
    assert lab.run(nb.value("top()")) == 2
    ran = lab.ran()
    assert ran.pop("last") == 1
    # The failure itself is not stored: it may be asked for again, never anything else.
    assert ran in ({}, {"faulty": 1})

    nb.run("""
        @cg.task
        def mend(error):
            tick("mend")
            return last(10)
    """)
    assert lab.run(nb.value("top()")) == 11
    ran = lab.ran()
    assert ran.pop("faulty", 1) == 1
    assert ran == {"mend": 1, "last": 1}


def test_mending_the_faulty_task_is_seen_through_catch(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    lazy = "cg.catch(fine(faulty('value')), ValueError, recover)"
    lab.run(nb.value(lazy))
    lab.ran()
    nb.run("""
        @cg.task
        def faulty(kind):
            tick("faulty")
            return "mended"
    """)
    assert lab.run(nb.value(lazy)) == "mended"
    assert lab.ran() == {"faulty": 1, "fine": 1}


def test_catch_all_lets_all_finish(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    nb.run("""
        @cg.task
        def sort_out(items):
            tick("sort_out")
            return {k: type(v).__name__ for k, v in items.items()}
    """)
    lazy = nb.value(
        "cg.catch_all({'a': faulty('value'), 'b': fine(2), 'c': faulty('missing')},"
        " ValueError, sort_out)"
    )
    assert lab.run(lazy) == {"a": "ValueError", "b": "int", "c": "Missing"}
    assert lab.ran() == {"faulty": 2, "fine": 1, "sort_out": 1}
    assert lab.run(nb.value("cg.catch_all([fine(1), [fine(3)]], ValueError, recover)")) == [1, [3]]
    assert lab.ran() == {"fine": 2}


def test_catch_all_raises_what_it_was_not_asked_for(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    lazy = nb.value("cg.catch_all([faulty('value'), faulty('zero'), fine(1)], ValueError, recover)")
    assert isinstance(user_error(lab.failure(lazy)), ZeroDivisionError)
    assert lab.ran() == {"faulty": 2, "fine": 1}
    lazy = nb.value("cg.catch_all([fine(1), faulty('key'), fine(2)])")
    assert isinstance(user_error(lab.failure(lazy)), KeyError)
    assert lab.ran() == {"faulty": 1, "fine": 1}


def test_throw_raises_when_it_is_reached(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    lazy = nb.value("cg.cond(fine(True), 1, cg.control.throw(ValueError('unused')))")
    assert lab.run(lazy) == 1
    assert str(user_error(lab.failure(control.throw(ValueError("used"))))) == "used"
    assert isinstance(user_error(lab.failure([control.throw(OSError(2, "gone"))])), OSError)


def test_seq_is_one_after_the_other(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def step(name, wait=0.05):
            tick("+" + name)
            time.sleep(wait)
            tick("-" + name)
            return name
    """)
    lazy = nb.value("cg.seq([step('a', 0.1), [step('b')], step('c', 0)])")
    assert lab.run(lazy) == ["a", ["b"], "c"]
    assert lab.lines() == ["+a", "-a", "+b", "-b", "+c", "-c"]
    assert lab.run(lazy) == ["a", ["b"], "c"]
    assert lab.ran() == {}
    assert lab.run(cg.seq([])) == []


def test_seq_stops_at_a_failure(lab: Lab, nb: Notebook) -> None:
    nb.run(FAULTY)
    assert isinstance(
        user_error(lab.failure(nb.value("cg.seq([fine(1), faulty('key'), fine(2)])"))), KeyError
    )
    assert lab.ran() == {"fine": 1, "faulty": 1}
