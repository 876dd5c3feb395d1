"""Values and errors that do not fit: told clearly, at the place, without harm to anything else."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook, user_error

import cellgraph as cg

MOVED = """
import sys
sys.path.insert(0, str(store.parent))

@cg.task(version="1")
def make():
    tick("make")
    try:
        from shapes_of_test import Shape
    except ImportError:
        return "gone"
    return Shape(3)

@cg.task(version="1")
def use(shape):
    tick("use")
    return getattr(shape, "size", shape)

session = cg.Session(store=store)
print(session.evaluate([use(make()), 1]))
print(type(session.evaluate(make())).__name__)
"""


def test_a_stored_value_whose_class_is_gone_is_a_miss(lab: Lab) -> None:
    module = lab.folder / "shapes_of_test.py"
    module.write_text("class Shape:\n    def __init__(self, size):\n        self.size = size\n")
    script = MOVED
    assert lab.python(script).splitlines() == ["[3, 1]", "Shape"]
    assert lab.ran() == {"make": 1, "use": 1}
    assert lab.python(script).splitlines() == ["[3, 1]", "Shape"]
    assert lab.ran() == {}
    module.unlink()
    assert lab.python(script).splitlines()[-1] == "str"
    assert lab.ran()["make"] == 1


ERRORS = """
import threading

class Odd(Exception):
    def __init__(self, where, why):
        super().__init__(f"{where}: {why}")
        self.where = where

class Holder(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()
        self.later = lambda: text

class Reluctant(Exception):
    def __reduce__(self):
        raise TypeError("cannot be pickled")

    def __str__(self):
        return "reluctant text"

def from_within():
    try:
        {}["column"]
    except KeyError as cause:
        raise ValueError("no such column") from cause
"""


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("raise Odd('line 3', 'empty')", "Odd", "line 3: empty"),
        ("raise Holder('locked')", "Holder", "locked"),
        ("raise Reluctant()", "Reluctant", "reluctant text"),
        ("from_within()", "ValueError", "no such column"),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("raise KeyboardInterrupt('mine')", "KeyboardInterrupt", "mine"),
        ("next(iter([]))", "StopIteration", ""),
        (
            "raise ExceptionGroup('both', [ValueError('a'), KeyError('b')])",
            "ExceptionGroup",
            "both",
        ),
    ],
)
def test_odd_exceptions_are_told_and_hurt_nobody(
    lab: Lab, nb: Notebook, executor: str, body: str, kind: str, text: str
) -> None:
    nb.run(ERRORS)
    nb.run(f"""
        @cg.task(executor="{executor}")
        def odd():
            tick("odd")
            {body}

        @cg.task(executor="{executor}")
        def fine(x):
            tick("fine")
            return x
    """)
    with lab.session() as session:
        with pytest.raises(cg.TaskError) as caught:
            session.evaluate(nb.value("[odd(), fine(1)]"))
        assert session.evaluate(nb.value("fine(1)")) == 1
    assert lab.ran() == {"odd": 1, "fine": 1}
    assert kind in str(caught.value)
    assert text in str(caught.value)
    assert "in odd" in caught.value.user_traceback
    kept = lab.run(nb.value("[odd(), fine(2)]"), fail="keep")
    assert kind in repr(kept[0])
    assert kept[1] == 2


def test_the_exception_of_another_process_keeps_its_class_and_attributes(
    lab: Lab, nb: Notebook
) -> None:
    nb.run("""
        class Refused(ValueError):
            pass

        @cg.task(executor="process")
        def odd():
            error = Refused("line 3", 7)
            error.code = 42
            raise error
    """)
    error = user_error(lab.failure(nb.value("odd()")))
    assert isinstance(error, nb["Refused"])
    assert error.args == ("line 3", 7)
    assert vars(error)["code"] == 42
    assert lab.run(nb.value("cg.catch(odd(), Refused, cg.task(lambda e: e.args))")) == ("line 3", 7)


@pytest.mark.parametrize(
    "source", ["(i for i in range(3))", "threading.Lock()", "iter([1])", "threading.local()"]
)
def test_what_cannot_be_stored_is_an_error_with_its_place(
    lab: Lab, nb: Notebook, source: str
) -> None:
    nb.run("import threading")
    nb.run(f"""
        @cg.task
        def make():
            tick("make")
            return {{"rows": [1, {source}]}}

        @cg.task
        def take(x):
            tick("take")
            return 1

        @cg.task
        def fine():
            tick("fine")
            return 1
    """)
    error = lab.failure(nb.value("[make(), fine()]"))
    assert isinstance(user_error(error), (cg.CodecError, cg.IdentityError))
    assert "rows" in str(error) and "make" in str(error)
    error = lab.failure(nb.value(f"[take({{'rows': [1, {source}]}}), fine()]"))
    assert isinstance(user_error(error), (cg.CodecError, cg.IdentityError))
    assert "rows" in str(error)
    ran = lab.ran()
    assert "take" not in ran
    assert ran == {"make": 1, "fine": 1}


def test_a_value_that_holds_itself_is_a_value_or_a_clear_error(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def loop():
            items = [1]
            items.append(items)
            return items

        @cg.task
        def first(items):
            return items[0]
    """)
    for lazy in ("first(loop())", "loop()[0]"):
        outcome: object = None
        try:
            outcome = lab.run(nb.value(lazy))
        except cg.CellgraphError as error:
            outcome = str(error)
        assert outcome == 1 or (isinstance(outcome, str) and 0 < len(outcome) < 2_000)


def test_exceptions_and_none_are_values_like_others(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def make(kind):
            tick("make")
            return {"error": ValueError("x", 1), "none": None, "type": ValueError}[kind]

        @cg.task
        def look(value):
            return repr(value)
    """)
    lazy = nb.value("[look(make(k)) for k in ('error', 'none', 'type')]")
    for _ in range(2):
        assert lab.run(lazy) == ["ValueError('x', 1)", "None", "<class 'ValueError'>"]
    assert lab.ran() == {"make": 3}


def test_unresolved_code_is_an_error_that_offers_ways_out(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def broken(x):
            return not_defined_anywhere(x)
    """)
    error = lab.failure(nb.value("broken(1)"))
    assert isinstance(user_error(error), (cg.IdentityError, NameError))
    assert "not_defined_anywhere" in str(error)
    nb.run("def not_defined_anywhere(x):\n    return x + 1")
    assert lab.run(nb.value("broken(1)")) == 2
