"""`fresh=`: what a callable says joins the key of the calls, and is seen through every parent."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg

CELLS = """
state = os.environ["ENGINE_TEST_TICKS"] + ".state"

def version():
    with open(os.environ["ENGINE_TEST_TICKS"] + ".state") as file:
        return file.read()

@cg.task(fresh=version)
def load(x):
    tick("load")
    with open(os.environ["ENGINE_TEST_TICKS"] + ".state") as file:
        return file.read() * x

@cg.task
def middle(x):
    tick("middle")
    return load(x)

@cg.task
def top(x):
    tick("top")
    return middle(x)
"""


class State:
    """What the callable reads."""

    def __init__(self, lab: Lab) -> None:
        self._path = lab.log.with_name(lab.log.name + ".state")

    def put(self, text: str) -> None:
        self._path.write_text(text)


@pytest.fixture
def state(lab: Lab, nb: Notebook) -> State:
    made = State(lab)
    made.put("a")
    nb.run(CELLS)
    return made


@pytest.mark.parametrize("expression", ["load(2)", "top(2)", "[load(2)]", "[top(2)]"])
def test_a_new_word_runs_the_call_again(
    lab: Lab, nb: Notebook, state: State, expression: str
) -> None:
    for text in ("a", "b"):
        state.put(text)
        assert lab.run(nb.value(expression)) in (text * 2, [text * 2])
        assert lab.ran()["load"] == 1
        assert lab.run(nb.value(expression)) in (text * 2, [text * 2])
        assert lab.ran() == {}
    state.put("a")  # both are kept
    assert lab.run(nb.value(expression)) in ("aa", ["aa"])
    assert lab.ran() == {}


def test_said_at_the_call(lab: Lab, nb: Notebook, state: State) -> None:
    nb.run("""
        @cg.task
        def plain(x):
            tick("plain")
            with open(os.environ["ENGINE_TEST_TICKS"] + ".state") as file:
                return file.read() * x
    """)
    expression = "[plain.options(fresh=version)(2)]"
    for text in ("a", "b"):
        state.put(text)
        assert lab.run(nb.value(expression)) == [text * 2]
        assert lab.ran() == {"plain": 1}
        lab.run(nb.value(expression))
        assert lab.ran() == {}


def test_said_inside_a_body_beside_a_plain_call(lab: Lab, nb: Notebook, state: State) -> None:
    nb.run("""
        @cg.task
        def plain(x):
            tick("plain")
            with open(os.environ["ENGINE_TEST_TICKS"] + ".state") as file:
                return file.read() * x

        @cg.task
        def both():
            tick("both")
            return [plain.options(fresh=version)(2), plain(3)]
    """)
    assert lab.run(nb.value("both()")) == ["aa", "aaa"]
    state.put("b")
    lab.ran()
    assert lab.run(nb.value("both()"))[0] == "bb"
    assert lab.ran().get("plain") == 1


def test_inherited(lab: Lab, nb: Notebook, state: State) -> None:
    nb.run("""
        @cg.task
        def plain(x):
            tick("plain")
            with open(os.environ["ENGINE_TEST_TICKS"] + ".state") as file:
                return file.read() * x

        @cg.task
        def parent(x):
            return plain(x)
    """)
    assert lab.run(nb.value("[parent(2)]")) == ["aa"]
    expression = "[parent.options(inherit={'fresh': version})(2)]"
    for text in ("b", "c"):
        state.put(text)
        assert lab.run(nb.value(expression)) == [text * 2]


def test_it_is_asked_once_a_run(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def version():
            tick("asked")
            return 1

        @cg.task(fresh=version)
        def load(x):
            return x
    """)
    lab.run(nb.value("[load(i) for i in range(20)] + [load.options(retries=1)(21)]"))
    assert lab.ran() == {"asked": 1}


def test_a_question_that_fails_names_the_task(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def version():
            raise OSError("no connection")

        @cg.task(fresh=version)
        def load(x):
            return x
    """)
    error = user_error(lab.failure(nb.value("load(1)")))
    assert isinstance(error, cg.IdentityError)
    assert "fresh" in str(error)
    assert "load" in str(error)
    assert "no connection" in str(error)


def test_it_must_be_callable(nb: Notebook) -> None:
    with pytest.raises(cg.ConfigError, match="fresh=3"):
        nb.run("@cg.task(fresh=3)\ndef f(x):\n    return x")
