"""Options: at definition, at the call, inherited by a sub-graph; unknown ones."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg

# `flaky` fails until it has run `after` times in this store, as the log of ticks tells.
FLAKY = """
def runs_of(name):
    with open(os.environ["ENGINE_TEST_TICKS"]) as log:
        return log.read().split().count(name)

@cg.task{options}
def flaky(name, after, error=ValueError):
    tick(name)
    if runs_of(name) < after:
        raise error("not yet")
    return runs_of(name)
"""


def test_call_options_hold_for_that_call_only(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options="(retries=0)"))
    nb.run("patient = flaky.options(retries=3)")
    assert lab.run(nb.value("patient('a', 3)")) == 3
    assert lab.ran() == {"a": 3}
    assert str(user_error(lab.failure(nb.value("flaky('b', 2)")))) == "not yet"
    assert lab.ran() == {"b": 1}


def test_options_about_running_are_not_part_of_the_key(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options=""))
    assert lab.run(nb.value("flaky('a', 1)")) == 1
    for options in ("retries=2", "executor='process'", "vcpus=0.5", "limits=['db']", "tags=['x']"):
        assert lab.run(nb.value(f"flaky.options({options})('a', 1)")) == 1
    assert lab.ran() == {"a": 1}


def test_options_at_definition_do_not_change_the_key_when_about_running(
    lab: Lab, nb: Notebook
) -> None:
    nb.run(FLAKY.format(options=""))
    assert lab.run(nb.value("flaky('a', 1)")) == 1
    nb.run(FLAKY.format(options="(retries=2, timeout_s=60, executor='process')"))
    assert lab.run(nb.value("flaky('a', 1)")) == 1
    assert lab.ran() == {"a": 1}


def test_equal_calls_with_other_options_are_one_call(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options=""))
    lazy = nb.value("[flaky('a', 1), flaky.options(vcpus=0.5)('a', 1)]")
    assert lab.run(lazy) == [1, 1]
    assert lab.ran() == {"a": 1}


def test_an_uncached_call_of_a_cached_task(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def f(x):
            tick("f")
            return x
    """)
    lab.run(nb.value("f(1)"))
    for _ in range(2):
        lab.run(nb.value("f.options(cache=False)(1)"))
    assert lab.ran() == {"f": 3}
    lab.run(nb.value("f(1)"))
    assert lab.ran() == {}


def test_options_may_be_lazy(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options=""))
    nb.run("""
        @cg.task
        def attempts():
            tick("attempts")
            return 2
    """)
    assert lab.run(nb.value("flaky.options(retries=attempts())('a', 3)")) == 3
    assert lab.ran() == {"attempts": 1, "a": 3}


NESTED = """
@cg.task
def middle(name, after):
    tick("middle")
    return flaky(name, after)

@cg.task
def top(name, after):
    tick("top")
    return middle(name, after)
"""


def test_inherited_options_reach_all_descendants(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options=""))
    nb.run(NESTED)
    assert lab.run(nb.value("top.options(inherit={'retries': 2})('a', 3)")) == 3
    assert lab.ran() == {"top": 1, "middle": 1, "a": 3}
    assert str(user_error(lab.failure(nb.value("top.options(retries=2)('b', 3)")))) == "not yet"
    assert lab.ran() == {"top": 1, "middle": 1, "b": 1}


def test_inherited_options_do_not_reach_siblings(lab: Lab, nb: Notebook) -> None:
    nb.run(FLAKY.format(options=""))
    nb.run(NESTED)
    lazy = nb.value("[top.options(inherit={'retries': 2})('a', 3), top('b', 3)]")
    values = lab.run(lazy, fail="keep")
    assert values[0] == 3
    assert str(values[1].error) == "not yet"
    assert lab.ran() == {"top": 2, "middle": 2, "a": 3, "b": 1}


def test_nearer_options_win(lab: Lab, nb: Notebook) -> None:
    """At definition < inherited < at the call."""
    nb.run(FLAKY.format(options="(retries=0)"))
    nb.run("""
        @cg.task
        def inherits(name):
            return flaky(name, 3)

        @cg.task
        def says(name):
            return flaky.options(retries=1)(name, 3)

        @cg.task(inherit={"retries": 9})
        def declares(name):
            return inherits(name)

        @cg.task
        def nearest(name):
            return inherits.options(inherit={"retries": 0})(name)
    """)
    inherit = "options(inherit={'retries': 5})"
    assert lab.run(nb.value(f"inherits.{inherit}('a')")) == 3
    assert str(user_error(lab.failure(nb.value(f"says.{inherit}('b')")))) == "not yet"
    assert lab.run(nb.value("declares('c')")) == 3
    assert str(user_error(lab.failure(nb.value(f"nearest.{inherit}('d')")))) == "not yet"
    assert lab.ran() == {"a": 3, "b": 2, "c": 3, "d": 1}


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("@cg.task(retires=2)\ndef f(x): return x", "retries"),
        ("@cg.task(timeout=2)\ndef f(x): return x", "timeout_s"),
        ("@cg.task\ndef f(x): return x\nf.options(executer='process')", "executor"),
        ("@cg.task\ndef f(x): return x\nf.options(inherit={'limit': ['a']})", "limits"),
        ("@cg.task(check='shalow')\ndef f(x): return x", "shallow"),
        ("@cg.task(retries='many')\ndef f(x): return x", "retries"),
        ("@cg.task(ignore=['verbos'])\ndef f(x, verbose=1): return x", "verbose"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_the_right_one(
    nb: Notebook, cell: str, hint: str
) -> None:
    with pytest.raises(cg.ConfigError, match=hint):
        nb.run(cell)


def test_an_unknown_executor_is_named_with_the_known_ones(lab: Lab, nb: Notebook) -> None:
    nb.run("@cg.task(executor='proces')\ndef f(x):\n    return x")
    error = user_error(lab.failure(nb.value("f(1)")))
    assert isinstance(error, cg.ConfigError)
    assert "process" in str(error)


@pytest.mark.parametrize("options", [{"fial": "late"}, {"fail": "later"}])
def test_a_wrong_word_for_evaluate_is_an_error(
    lab: Lab, nb: Notebook, options: dict[str, str]
) -> None:
    error = lab.failure([1], **options)
    assert isinstance(error, (cg.ConfigError, TypeError))
    assert "late" in str(error) or "fial" in str(error)


SHALLOW = """
@cg.task(check="{check}")
def top(x):
    tick("top")
    return middle(x)

@cg.task
def middle(x):
    tick("middle")
    return leaf(x)
"""
LEAF = """
@cg.task
def leaf(x):
    tick("leaf")
    return x + 1
"""


@pytest.mark.parametrize("check", ["full", "shallow"])
def test_both_checks_see_a_grandchild_change(lab: Lab, nb: Notebook, check: str) -> None:
    nb.run(SHALLOW.format(check=check))
    nb.run(LEAF)
    assert lab.run(nb.value("top(1)")) == 2
    assert lab.ran() == {"top": 1, "middle": 1, "leaf": 1}
    assert lab.run(nb.value("[top(1), middle(1)]")) == [2, 2]
    assert lab.ran() == {}
    nb.run(LEAF.replace("x + 1", "x + 2"))
    assert lab.run(nb.value("top(1)")) == 3
    assert lab.ran()["leaf"] == 1
    nb.run(LEAF)
    assert lab.run(nb.value("top(1)")) == 2
    assert lab.ran() == {}
