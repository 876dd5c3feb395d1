"""`check="shallow"`: a final value is trusted without a look at the files inside it."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook

CELLS = """
folder = os.path.dirname(os.environ["ENGINE_TEST_TICKS"])

@cg.task
def write(name, size):
    tick("write")
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("x" * size)
    return cg.File(path)

@cg.task(check={full!r})
def full(name):
    tick("full")
    return write(name, 10)

@cg.task(check={shallow!r})
def shallow(name):
    tick("shallow")
    return write(name, 20)

@cg.task
def leaf(x):
    tick("leaf")
    return {leaf}
"""


def cells(nb: Notebook, full: str = "full", shallow: str = "shallow", leaf: str = "x") -> None:
    nb.run(CELLS.format(full=full, shallow=shallow, leaf=leaf))


def lose(lab: Lab, *names: str) -> None:
    """The files are gone, as after a clean-up."""
    for name in names:
        lab.folder.joinpath(name).unlink()


@pytest.mark.parametrize(
    ("expression", "again"),
    [
        ("full('a')", {"write": 1}),
        ("[full('a')]", {"write": 1}),
        ("shallow('a')", {}),
        ("[shallow('a')]", {}),
        ("shallow.options(check='full')('a')", {"write": 1}),
        ("[shallow.options(check='full')('a')]", {"write": 1}),
        ("full.options(check='shallow')('a')", {}),
    ],
)
def test_a_lost_file_is_written_again_unless_shallow(
    lab: Lab, nb: Notebook, expression: str, again: dict[str, int]
) -> None:
    cells(nb)
    for _ in range(2):
        lab.run(nb.value(expression))
    lab.ran()
    lose(lab, "a")
    lab.run(nb.value(expression))
    assert lab.ran() == again


@pytest.mark.parametrize(
    "expression",
    [
        "[shallow('a'), full('b')]",
        "[full('b'), shallow('a')]",
        "[shallow('a'), full('b'), leaf(1)]",
    ],
)
def test_one_shallow_task_does_not_vouch_for_the_others(
    lab: Lab, nb: Notebook, expression: str
) -> None:
    cells(nb)
    for _ in range(2):
        lab.run(nb.value(expression))
    lab.ran()
    lose(lab, "a", "b")
    lab.run(nb.value(expression))
    assert lab.ran()["write"] == 1
    assert lab.folder.joinpath("b").exists()


@pytest.mark.parametrize(
    "expression",
    [
        "[full.options(check='shallow')('a'), full('b')]",
        "[full('b'), full.options(check='shallow')('a')]",
    ],
)
def test_one_shallow_call_does_not_vouch_for_the_others(
    lab: Lab, nb: Notebook, expression: str
) -> None:
    cells(nb)
    for _ in range(2):
        lab.run(nb.value(expression))
    lab.ran()
    lose(lab, "a", "b")
    lab.run(nb.value(expression))
    assert lab.folder.joinpath("b").exists()


def test_a_consumer_of_a_lost_file_gets_it_again(lab: Lab, nb: Notebook) -> None:
    """Trusted is the value, a name: whoever opens the file must say `full`."""
    cells(nb)
    nb.run("""
        @cg.task
        def size(file):
            tick("size")
            return os.path.getsize(file.path)
    """)
    lazy = nb.value("size(full('a'))")
    assert lab.run(lazy) == 10
    lab.ran()
    lose(lab, "a")
    assert lab.run(lazy) == 10
    assert lab.folder.joinpath("a").exists()


def test_it_does_not_hide_a_change_of_code(lab: Lab, nb: Notebook) -> None:
    cells(nb)
    nb.run("@cg.task(check='shallow')\ndef top(x):\n    return leaf(x)\n")
    assert lab.run(nb.value("top(1)")) == 1
    assert lab.run(nb.value("top(1)")) == 1
    cells(nb, leaf="x + 1")
    assert lab.run(nb.value("top(1)")) == 2
