"""Settings passed down a sub-graph, and what they do to sharing."""

from tests.core.engine.support.engine_lab import Lab, Notebook

CELLS = """
@cg.task
def leaf(x, size=cg.get_context("model.size", 1)):
    tick("leaf")
    return x * size

@cg.task
def middle(x):
    tick("middle")
    return leaf(x)

@cg.task
def top(x):
    tick("top")
    return middle(x)
"""


def test_a_setting_reaches_a_deep_callee_only(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    assert lab.run(nb.value("top(5)")) == 5
    assert lab.ran() == {"top": 1, "middle": 1, "leaf": 1}
    small = nb.value("top.options(context={'model': {'size': 10}})(5)")
    assert lab.run(small) == 50
    assert lab.ran() == {"leaf": 1}, "who ignores the setting does not run again"
    assert lab.run(small) == 50
    assert lab.run(nb.value("top(5)")) == 5
    assert lab.ran() == {}


def test_calls_that_differ_in_context_are_not_joined(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    lazy = nb.value("[top(5)] + [cg.context(top(5), model={'size': n}) for n in (2, 3, 3)]")
    assert lab.run(lazy) == [5, 10, 15, 15]
    assert lab.ran()["leaf"] == 3
    assert lab.run(lazy) == [5, 10, 15, 15]
    assert lab.ran() == {}


def test_a_setting_as_an_argument(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("""
        @cg.task
        def reads(x):
            return leaf(x, cg.get_context("model.size", 7)) + leaf(x, size=1)
    """)
    assert lab.run(nb.value("reads(1)")) == 8
    assert lab.run(nb.value("cg.context(reads(1), model={'size': 2})")) == 3
    assert lab.run(nb.value("cg.context([leaf(1), leaf(2)], model={'size': 4})")) == [4, 8]


def test_inner_settings_win_and_outer_ones_stay(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def pair(a=cg.get_context("a"), b=cg.get_context("deep.b", "none")):
            return [a, b]

        @cg.task
        def inner():
            return [pair(), cg.context(pair(), a="inner"), cg.context(pair(), deep={"c": 1})]
    """)
    lazy = nb.value("cg.context(inner(), a='outer', deep={'b': 1})")
    assert lab.run(lazy) == [["outer", 1], ["inner", 1], ["outer", 1]]
    assert lab.run(nb.value("pair()")) == [None, "none"]


def test_a_setting_may_be_lazy(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("""
        @cg.task
        def measure():
            tick("measure")
            return 6
    """)
    assert lab.run(nb.value("cg.context(top(1), model={'size': measure()})")) == 6
    assert lab.ran()["measure"] == 1


def test_shallow_checks_see_the_context(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS.replace("@cg.task\ndef top", "@cg.task(check='shallow')\ndef top"))
    for size in (1, 2, 1, 2):
        assert lab.run(nb.value(f"cg.context(top(5), model={{'size': {size}}})")) == 5 * size
    assert lab.ran()["leaf"] == 2


def test_equal_expressions_under_two_contexts_in_one_body(lab: Lab, nb: Notebook) -> None:
    nb.run(CELLS)
    nb.run("""
        @cg.task
        def compare(x):
            shared = middle(x)
            return [cg.context(shared, model={"size": n}) for n in (1, 2)] + [shared]
    """)
    assert lab.run(nb.value("compare(3)")) == [3, 6, 3]
    assert lab.run(nb.value("cg.context(compare(3), model={'size': 5})")) == [3, 6, 15]
