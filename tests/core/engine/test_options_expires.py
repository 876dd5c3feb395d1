"""`expires_after_s`: a result older than that is computed again, also below a parent."""

import time

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

CELLS = """
@cg.task{options}
def leaf(x):
    tick("leaf")
    return x + 1

@cg.task
def middle(x):
    tick("middle")
    return leaf(x)

@cg.task
def top(x):
    tick("top")
    return middle(x) * 1
"""
PLAIN = CELLS.format(options="")
AGED = CELLS.format(options="(expires_after_s={})")


@pytest.mark.parametrize("expression", ["leaf(1)", "top(1)", "[leaf(1)]", "[top(1), middle(1)]"])
def test_young_results_are_used_and_old_ones_are_not(
    lab: Lab, nb: Notebook, expression: str
) -> None:
    nb.run(AGED.format(3600))
    lab.run(nb.value(expression))
    assert lab.ran()["leaf"] == 1
    lab.run(nb.value(expression))
    assert lab.ran() == {}
    nb.run(AGED.format(1e-6))
    time.sleep(0.01)
    lab.run(nb.value(expression))
    assert lab.ran() == {"leaf": 1}


@pytest.mark.parametrize("expression", ["[leaf(1)]", "top(1)", "[top(1)]"])
def test_a_final_value_from_before_the_option_was_said_does_not_hide_it(
    lab: Lab, nb: Notebook, expression: str
) -> None:
    nb.run(PLAIN)
    lab.run(nb.value(expression))
    lab.run(nb.value(expression))
    lab.ran()
    nb.run(AGED.format(1e-6))
    time.sleep(0.01)
    lab.run(nb.value(expression))
    assert lab.ran() == {"leaf": 1}


def test_at_the_call_and_inherited(lab: Lab, nb: Notebook) -> None:
    nb.run(PLAIN)
    lab.run(nb.value("[leaf(1), top(1)]"))
    lab.run(nb.value("[leaf(1), top(1)]"))
    lab.ran()
    time.sleep(0.01)
    lab.run(nb.value("[leaf.options(expires_after_s=1e-6)(1)]"))
    assert lab.ran() == {"leaf": 1}
    time.sleep(0.01)
    lab.run(nb.value("[top.options(inherit={'expires_after_s': 1e-6})(1)]"))
    assert lab.ran() == {"leaf": 1, "middle": 1}  # `top` itself does not inherit from itself
    lab.run(nb.value("[leaf(1), top(1)]"))
    assert lab.ran() == {}


def test_an_expired_call_that_reduces_to_another(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def leaf(x):
            tick("leaf")
            return x + 1

        @cg.task(expires_after_s=3600)
        def parent(x):
            tick("parent")
            return leaf(x)
    """)
    lab.run(nb.value("parent(1)"))
    lab.ran()
    lab.run(nb.value("parent(1)"))
    assert lab.ran() == {}
    time.sleep(0.01)
    lab.run(nb.value("parent.options(expires_after_s=1e-6)(1)"))
    assert lab.ran() == {"parent": 1}


def test_at_once(lab: Lab, nb: Notebook) -> None:
    nb.run(AGED.format(0))
    for _ in range(2):
        assert lab.run(nb.value("[leaf(1), leaf(1)]")) == [2, 2]
        assert lab.ran() == {"leaf": 1}


def test_a_new_result_that_is_equal_stops_the_wave(lab: Lab, nb: Notebook) -> None:
    nb.run(AGED.format(1e-6))
    nb.run("""
        @cg.task
        def after(x):
            tick("after")
            return x
    """)
    for runs in ({"leaf": 1, "after": 1}, {"leaf": 1}):
        time.sleep(0.01)
        lab.run(nb.value("after(leaf(1))"))
        assert lab.ran() == runs
