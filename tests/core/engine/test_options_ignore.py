"""`ignore=`: an argument that does not change the result is left out of every key."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg

CELLS = """
@cg.task(ignore="verbose")
def load(x, verbose=False, *, log=None):
    tick("load")
    return x + 1

@cg.task(ignore=["log"])
def keyword(x, *, log=None):
    tick("keyword")
    return x + 1

@cg.task
def one():
    tick("one")
    return 1

@cg.task
def after(x):
    tick("after")
    return x
"""


@pytest.fixture
def cells(nb: Notebook) -> Notebook:
    nb.run(CELLS)
    return nb


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("load(1)", "load(1, True)"),
        ("load(1, verbose=True)", "load(1, False)"),
        ("[after(load(1))]", "[after(load(1, verbose=True))]"),
        ("[after(load(one(), True))]", "[after(load(one(), verbose=False))]"),
        ("keyword(1)", "keyword(1, log='x')"),
        ("[keyword(one(), log=[1, 2])]", "[keyword(one(), log='x')]"),
    ],
)
def test_it_makes_no_difference(lab: Lab, cells: Notebook, first: str, second: str) -> None:
    lab.run(cells.value(first))
    lab.ran()
    lab.run(cells.value(second))
    assert lab.ran() == {}


@pytest.mark.parametrize("other", ["load(2)", "load(1, log='x')", "[after(load(2))]"])
def test_others_do(lab: Lab, cells: Notebook, other: str) -> None:
    lab.run(cells.value("[load(1), after(load(1))]"))
    lab.ran()
    lab.run(cells.value(other))
    assert lab.ran()["load"] == 1


def test_the_task_receives_it(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(ignore="name")
        def say(x, name="nobody"):
            tick(name)
            return x
    """)
    lab.run(nb.value("say(1, 'ann')"))
    lab.run(nb.value("say(2)"))
    assert lab.ran() == {"ann": 1, "nobody": 1}


@pytest.mark.parametrize("handle", ["threading.Lock()", "(i for i in [1])", "[threading.Lock()]"])
def test_it_may_be_a_handle_without_identity(lab: Lab, cells: Notebook, handle: str) -> None:
    cells.run("import threading")
    cells.run(f"handle = {handle}")
    for expression in ("load(2, handle)", "[after(load(one(), handle))]"):
        lab.run(cells.value(expression))
        assert lab.ran()["load"] == 1
        lab.run(cells.value(expression))
        assert lab.ran() == {}
    with lab.session() as session:
        assert session.submit(cells.value("load(5, handle)")).result() == 6


def test_it_may_be_lazy(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("load(1, one())"))
    assert lab.ran() == {"load": 1, "one": 1}
    lab.run(cells.value("load(1, after(2))"))
    assert lab.ran() == {}  # the whole expression is known: nobody asks for what it leaves out


def test_what_is_ignored_is_part_of_the_task(lab: Lab, cells: Notebook) -> None:
    lab.run(cells.value("load(1)"))
    lab.ran()
    cells.run(CELLS.replace('ignore="verbose"', 'ignore=["verbose", "log"]'))
    lab.run(cells.value("load(1)"))
    assert lab.ran() == {"load": 1}


def test_said_at_the_call(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def f(x, y=0):
            tick("f")
            return x
    """)
    lab.run(nb.value("[f.options(ignore='y')(1, 2), f(1, 2)]"))
    assert lab.ran() == {"f": 2}
    lab.run(nb.value("[f.options(ignore='y')(1, 3), f(1, 3)]"))
    assert lab.ran() == {"f": 1}


@pytest.mark.parametrize("name", ["args", "kwargs"])
def test_arguments_without_a_name_of_their_own(nb: Notebook, name: str) -> None:
    with pytest.raises(cg.ConfigError, match=f"ignore='{name}'.*name of their own"):
        nb.run(f"@cg.task(ignore='{name}')\ndef f(x, *args, **kwargs):\n    return x")


def test_others_still_need_an_identity(lab: Lab, cells: Notebook) -> None:
    cells.run("import threading")
    error = user_error(lab.failure(cells.value("load(threading.Lock(), True)")))
    assert isinstance(error, cg.IdentityError)
