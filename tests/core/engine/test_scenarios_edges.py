"""However a task is reached, editing it is seen; a result is never older than its code."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

STEP = """
@cg.task
def step(x):
    tick("step")
    return x + {by}
"""

# How the caller reaches `step`; every form gives step(1).
WAYS: dict[str, tuple[str, str]] = {
    "called in a body": ("@cg.task\ndef f(x):\n    return step(x)", "f(1)"),
    "in an operator": ("@cg.task\ndef f(x):\n    return step(x) + 0", "f(1) * 1"),
    "below a call": (
        "@cg.task\ndef g(x):\n    return step(x)\n@cg.task\ndef f(x):\n    return g(x)",
        "f(1)",
    ),
    "through a helper": (
        "def helper(x):\n    return [step(x)]\n@cg.task\ndef f(x):\n    return helper(x)[0]",
        "f(1)",
    ),
    "through a class": (
        (
            "class Maker:\n    def make(self, x):\n        return step(x)\n"
            "@cg.task\ndef f(x):\n    return Maker().make(x)"
        ),
        "f(1)",
    ),
    "from a global dict": (
        "STEPS = {'a': step}\n@cg.task\ndef f(x):\n    return STEPS['a'](x)",
        "f(1)",
    ),
    "from a global list in a tuple": (
        "STEPS = ([step],)\n@cg.task\ndef f(x):\n    return STEPS[0][0](x)",
        "f(1)",
    ),
    "as an argument": ("@cg.task\ndef f(task, x):\n    return task(x)", "f(step, 1)"),
    "inside an argument": (
        "@cg.task\ndef f(tasks, x):\n    return tasks['a'][0](x)",
        "f({'a': [step]}, 1)",
    ),
    "as a default": ("@cg.task\ndef f(x, task=step):\n    return task(x)", "f(1)"),
    "as a lazy default": ("@cg.task\ndef f(x=step(1)):\n    return x", "f()"),
    "as a result": ("@cg.task\ndef f():\n    return step", "f()(1)"),
    "inside a result": ("@cg.task\ndef f():\n    return {'a': [step]}", "f()['a'][0](1)"),
    "as a result of a call below": (
        "@cg.task\ndef g():\n    return step\n@cg.task\ndef f(x):\n    return g()(x)",
        "f(1)",
    ),
    "as a partial": ("@cg.task\ndef f():\n    return step.partial(1)", "f()()"),
    "as a partial argument": ("@cg.task\ndef f(task):\n    return task()", "f(step.partial(1))"),
    "as a captured value": (
        (
            "def make(task):\n    @cg.task\n    def f(x):\n        return task(x)\n    return f\n"
            "made = make(step)"
        ),
        "made(1)",
    ),
    "in a map": ("", "cg.control.map_(step, [1])[0]"),
    "in a map in a body": ("@cg.task\ndef f(x):\n    return step.map([x])", "f(1)[0]"),
    "in a branch": ("@cg.task\ndef f(x):\n    return cg.cond(x, step(x), 0)", "f(1)"),
    "in an untaken branch, then taken": ("", "cg.cond(step(0), step(1), 0)"),
    "in a sequence": ("@cg.task\ndef f(x):\n    return cg.seq([0, step(x)])", "f(1)[1]"),
    "in a recovery": (
        (
            "@cg.task\ndef bad(x):\n    raise ValueError(x)\n"
            "@cg.task\ndef mend(error):\n    return step(error.args[0])\n"
            "@cg.task\ndef f(x):\n    return cg.catch(bad(x), ValueError, mend)"
        ),
        "f(1)",
    ),
    "as a recovery": (
        (
            "@cg.task\ndef bad(x):\n    raise ValueError(x)\n"
            "@cg.task\ndef f(x):\n    return cg.catch(bad(x), ValueError, mend)\n"
            "@cg.task\ndef mend(error):\n    return step(error.args[0])"
        ),
        "cg.catch(f(1), KeyError, mend)",
    ),
    "with options": ("@cg.task\ndef f(x):\n    return step.options(retries=1)(x)", "f(1)"),
    "in a context": ("", "cg.context(step(1), a=1)"),
    "inline": ("@cg.task\ndef f(x):\n    return step.func(x)", "f(1)"),
    "inline, as an argument": ("@cg.task\ndef f(task):\n    return task.func(1)", "f(step)"),
    "inline, through a helper": (
        "def helper(x):\n    return step.func(x)\n@cg.task\ndef f(x):\n    return helper(x)",
        "f(1)",
    ),
    "inline, as a result": (
        "@cg.task\ndef f():\n    return step\n@cg.task\ndef g(task):\n    return task.func(1)",
        "g(f())",
    ),
    "by getattr of a namespace": (
        (
            "import types\nspace = types.SimpleNamespace(step=step)\n"
            "@cg.task\ndef f(x):\n    return space.step(x)"
        ),
        "f(1)",
    ),
    "by a nested function": (
        "@cg.task\ndef f(x):\n    def inner():\n        return step(x)\n    return inner()",
        "f(1)",
    ),
    "by a lambda": ("@cg.task\ndef f(x):\n    return (lambda y: step(y))(x)", "f(1)"),
    "by a comprehension": ("@cg.task\ndef f(x):\n    return [step(y) for y in [x]][0]", "f(1)"),
    "by a conditional name": (
        "@cg.task\ndef f(x):\n    return (step if x else None)(x)",
        "f(1)",
    ),
}


@pytest.mark.parametrize("check", ["full", "shallow"])
@pytest.mark.parametrize("way", list(WAYS))
def test_an_edit_is_seen(lab: Lab, nb: Notebook, way: str, check: str) -> None:
    """All cells are run again after the edit, as in "Run All"."""
    cells, lazy = WAYS[way]
    if check == "shallow":
        cells = cells.replace("@cg.task\n", "@cg.task(check='shallow')\n")

    def run_all(by: int) -> object:
        nb.run(STEP.format(by=by))
        nb.run(cells or "pass")
        return lab.run(nb.value(lazy))

    assert run_all(1) == 2
    lab.ran()
    assert run_all(1) == 2
    assert lab.ran() == {}, "nothing changed"
    assert run_all(10) == 11
    lab.ran()
    assert run_all(10) == 11
    assert lab.ran() == {}
    assert run_all(1) == 2
    # Both versions are in the store by now; a caller may keep its newest few results.
    assert set(lab.ran()) <= {"step"}


@pytest.mark.parametrize("way", list(WAYS))
def test_an_edit_of_that_cell_alone_is_seen(lab: Lab, nb: Notebook, way: str) -> None:
    """Only the cell of `step` is run again: who holds the old object must not answer for it."""
    cells, lazy = WAYS[way]
    nb.run(STEP.format(by=1))
    nb.run(cells or "pass")
    assert lab.run(nb.value(lazy)) == 2
    nb.run(STEP.format(by=10))
    first = lab.run(nb.value(lazy))
    assert first in (2, 11)
    # Cold and warm agree about which definition that is.
    assert lab.run(nb.value(lazy), cache=False) == first
    assert lab.run(nb.value(lazy)) == first
    by_name = {"called in a body", "below a call", "through a helper", "in a branch", "by a lambda"}
    if way in by_name:
        assert first == 11
