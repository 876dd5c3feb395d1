"""Names defined again between building an expression and evaluating it; lazies inside bodies."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, listening, user_error

import cellgraph as cg
from cellgraph.events import Notice

CELL = """
@cg.task
def f(x):
    tick("f")
    return x + {by}
"""


def test_a_name_redefined_since_uses_the_present_definition(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("[f(1), f(2) + f(1)]")
    nb.run(CELL.format(by=100))
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(lazy) == [101, 203]
    notices = [e.text for e in events if isinstance(e, Notice)]
    assert len(notices) == 1
    assert "f" in notices[0] and "present definition" in notices[0]
    assert lab.ran() == {"f": 2}


def test_the_definition_that_was_built_can_be_kept(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("f(1)")
    nb.run(CELL.format(by=100))
    with lab.session(definitions="built") as session, listening(session) as events:
        assert session.evaluate(lazy) == 2
    assert not [e for e in events if isinstance(e, Notice)]
    assert lab.run(nb.value("f(1)")) == 101


def test_the_same_definition_run_again_says_nothing(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("f(1)")
    assert lab.run(lazy) == 2
    nb.run(CELL.format(by=1))
    with lab.session() as session, listening(session) as events:
        assert session.evaluate(lazy) == 2
    assert not [e for e in events if isinstance(e, Notice)]
    assert lab.ran() == {"f": 1}


def test_call_options_survive_a_redefinition(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("f.options(cache=False)(1)")
    nb.run(CELL.format(by=2))
    for _ in range(2):
        assert lab.run(lazy) == 3
    assert lab.ran() == {"f": 2}


def test_a_local_task_is_not_taken_for_a_global_of_its_name(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def adder(by):
            @cg.task
            def f(x):
                return x + by
            return f

        add_ten = adder(10)
    """)
    nb.run(CELL.format(by=1))
    assert lab.run(nb.value("[add_ten(1), f(1)]")) == [11, 2]


def test_two_names_for_one_function_keep_their_own_options(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def plain(x):
            tick("plain")
            return x

        cached = cg.task(plain)
        uncached = cg.task(cache=False)(plain)
    """)
    for _ in range(2):
        assert lab.run(nb.value("[cached(1), uncached(2)]")) == [1, 2]
    assert lab.ran() == {"plain": 3}


def test_a_deleted_name_keeps_what_was_built(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("f(1)")
    nb.run("del f")
    assert lab.run(lazy) == 2


def test_a_new_signature_that_does_not_fit_says_so(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    lazy = nb.value("f(1)")
    nb.run("""
        @cg.task
        def f(x, y):
            return x + y
    """)
    error = user_error(lab.failure(lazy))
    assert isinstance(error, (TypeError, cg.GraphError))
    assert "f" in str(error)


def test_a_new_default_reaches_calls_built_before(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def f(x, by=1):
            return x + by
    """)
    lazy = nb.value("[f(1), f(1, 1)]")
    assert lab.run(lazy) == [2, 2]
    nb.run("""
        @cg.task
        def f(x, by=10):
            return x + by
    """)
    assert lab.run(nb.value("[f(1), f(1, 1)]")) == [11, 2]


def test_a_redefined_callee_is_used_by_a_stored_expression(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    nb.run("""
        @cg.task
        def parent(x):
            tick("parent")
            return f(x) * 2
    """)
    lazy = nb.value("parent(1)")
    assert lab.run(lazy) == 4
    nb.run(CELL.format(by=10))
    assert lab.run(lazy) == 22
    assert lab.ran() == {"parent": 1, "f": 2}


INSIDE = """
@cg.task
def clean(x):
    return [x, x]

@cg.task
def fit(x):
    rows = clean(x)
    {use}
    return 1
"""


@pytest.mark.parametrize(
    ("executor", "use"),
    [
        ("process", "len(rows)"),
        ("thread", "len(rows)"),
        ("thread", "if rows: pass"),
        ("thread", "for row in rows: pass"),
        ("thread", "float(rows)"),
        ("thread", "f'{rows}'"),
        ("thread", "1 in rows"),
        ("thread", "import numpy; numpy.asarray(rows)"),
    ],
)
def test_a_body_that_needs_a_lazy_value_is_told_what_to_do(
    lab: Lab, nb: Notebook, executor: str, use: str
) -> None:
    nb.run(INSIDE.format(use=use))
    error = user_error(lab.failure(nb.value(f"fit.options(executor={executor!r})(1)")))
    assert isinstance(error, cg.GraphError)
    for hint in ("clean is a task", "lazy inside fit", "`clean.func(", "`_clean`", "`%%task fit`"):
        assert hint in str(error)


@pytest.mark.parametrize(
    "verb",
    ["cg.evaluate(clean(x))", "cg.current_session().evaluate(clean(x))", "cg.submit(clean(x))"],
)
def test_evaluating_inside_a_task_is_an_error(lab: Lab, nb: Notebook, verb: str) -> None:
    nb.run(INSIDE.format(use=verb))
    error = user_error(lab.failure(nb.value("fit(1)")))
    assert isinstance(error, cg.GraphError)
    assert "return" in str(error) and "fit" in str(error)


def test_a_forgotten_lazy_in_a_plain_function_is_caught(lab: Lab, nb: Notebook) -> None:
    nb.run(CELL.format(by=1))
    for use in ("math.sqrt(f(1))", "open(f('x'))", "[1, 2][f(0)]", "'-'.join([f(1)])",
                "sum([1, 2], f(1)) > 2 and 3", "range(f(3))", "sorted([f(1), f(2)])"):  # fmt: skip
        nb.run("import math")
        with pytest.raises(TypeError):
            nb.value(use)
