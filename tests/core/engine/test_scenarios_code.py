"""Which code a result depends on: helpers, constants, classes; nothing accidental."""

import pytest
from tests.core.engine.support.engine_lab import Lab, Notebook


@pytest.mark.parametrize(
    ("cell", "edited", "value"),
    [
        ("def helper(x):\n    return x + 1", "def helper(x):\n    return x + 2", 3),
        ("helper = lambda x: x + 1", "helper = lambda x: x + 5", 6),
        ("ONE = 1\ndef helper(x):\n    return x + ONE", "ONE = 9", 10),
        (
            (
                "class Adder:\n    by = 1\n    def add(self, x):\n        return x + self.by\n"
                "def helper(x):\n    return Adder().add(x)"
            ),
            "class Adder:\n    by = 3\n    def add(self, x):\n        return x + self.by",
            4,
        ),
        (
            "def inner(x):\n    return x + 1\ndef helper(x):\n    return inner(x)",
            "def inner(x):\n    return x + 7",
            8,
        ),
    ],
    ids=["helper", "lambda", "constant", "class", "helper-of-a-helper"],
)
def test_editing_what_a_task_reaches_runs_it_again(
    lab: Lab, nb: Notebook, cell: str, edited: str, value: int
) -> None:
    nb.run(cell)
    nb.run("""
        @cg.task
        def work(x):
            tick("work")
            return helper(x)

        @cg.task
        def unrelated(x):
            tick("unrelated")
            return x
    """)
    lazy = "[work(1), unrelated(1)]"
    assert lab.run(nb.value(lazy)) == [2, 1]
    assert lab.ran() == {"work": 1, "unrelated": 1}
    nb.run(edited)
    assert lab.run(nb.value(lazy)) == [value, 1]
    assert lab.ran() == {"work": 1}
    nb.run(cell)
    assert lab.run(nb.value(lazy)) == [2, 1]
    assert lab.ran() == {}


def test_a_helper_edited_after_the_call_was_built_counts(lab: Lab, nb: Notebook) -> None:
    nb.run("def helper(x):\n    return x + 1")
    nb.run("""
        @cg.task
        def work(x):
            return helper(x)
    """)
    lazy = nb.value("work(1)")
    assert lab.run(lazy) == 2
    nb.run("def helper(x):\n    return x + 2")
    assert lab.run(lazy) == 3


def test_tasks_of_one_name_with_other_captured_values_do_not_meet(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        def adder(by):
            @cg.task
            def add(x):
                tick("add")
                return x + by
            return add

        add_one, add_ten = adder(1), adder(10)
    """)
    lazy = nb.value("[add_one(1), add_ten(1), adder(1)(1)]")
    assert lab.run(lazy) == [2, 11, 2]
    assert lab.ran() == {"add": 2}
    assert lab.run(nb.value("[adder(10)(1), adder(1)(1)]")) == [11, 2]
    assert lab.ran() == {}


SET_SCRIPT = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Point:
    x: int
    tags: frozenset

@cg.task
def size(*parts, **named):
    tick("size")
    return len(parts) + len(named)

words = ["alpha", "beta", "gamma", "delta"]
lazy = [
    size(set(words)),
    size({"names": frozenset(words), "nested": [{"a", "b"}, ("x", {1, 2, 3})]}),
    size(Point(1, frozenset(words))),
    size({("a", 1), ("b", 2)}, key={"one": words}),
]
print(cg.Session(store=store).evaluate(lazy))
"""


def test_keys_do_not_depend_on_the_hash_seed_or_the_file(lab: Lab) -> None:
    first = lab.python(SET_SCRIPT, hash_seed=1)
    assert lab.ran() == {"size": 4}
    assert lab.python(SET_SCRIPT, hash_seed=77, name="elsewhere/other.py") == first
    assert lab.ran() == {}


def test_a_script_and_a_notebook_share_results(lab: Lab, nb: Notebook) -> None:
    cell = """
def helper(x):
    return x + 1

@cg.task
def work(x):
    tick("work")
    return helper(x)
"""
    lab.python(cell + "\nprint(cg.Session(store=store).evaluate(work(41)))\n")
    assert lab.ran() == {"work": 1}
    nb.run(cell)
    assert lab.run(nb.value("work(41)")) == 42
    assert lab.ran() == {}


def test_keys_do_not_depend_on_object_identity(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def size(x):
            tick("size")
            return len(x)
    """)
    text = "ab" * 3
    shared = [text, text, [1, 2]]
    copied = ["".join(reversed(["abab", "ab"])), "ababab", [1, int("2")]]
    assert lab.run(nb["size"](shared)) == 3
    assert lab.run(nb["size"](copied)) == 3
    assert lab.ran() == {"size": 1}


def test_the_order_of_a_dict_counts_and_that_of_a_set_does_not(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def listed(x):
            tick("listed")
            return sorted(x) if isinstance(x, set) else list(x)
    """)
    assert lab.run(nb.value("[listed({'a': 1, 'b': 2}), listed({'b': 2, 'a': 1})]")) == [
        ["a", "b"],
        ["b", "a"],
    ]
    assert lab.ran() == {"listed": 2}
    assert lab.run(nb.value("[listed({1, 9, 17}), listed({17, 9, 1})]")) == [[1, 9, 17]] * 2
    assert lab.ran() == {"listed": 1}


def test_equal_values_of_other_types_are_other_arguments(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def name(x):
            tick("name")
            return repr(x)
    """)
    values = [1, True, 1.0, "1", b"1", (1,), [1], None, 0.0, -0.0]
    assert lab.run([nb["name"](v) for v in values]) == [repr(v) for v in values]
    assert lab.ran() == {"name": len(values)}


def test_arguments_are_bound_to_the_signature(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task
        def f(a, b=2, *rest, c=3, **more):
            tick("f")
            return [a, b, rest, c, more]
    """)
    same = "[f(1), f(1, 2), f(1, b=2), f(a=1, b=2, c=3), f(b=2, a=1)]"
    assert lab.run(nb.value(same)) == [[1, 2, (), 3, {}]] * 5
    assert lab.ran() == {"f": 1}
    other = "[f(1, 2, 4), f(1, 2, 4, 5), f(1, d=4), f(1, c=4)]"
    assert lab.run(nb.value(other)) == [
        [1, 2, (4,), 3, {}],
        [1, 2, (4, 5), 3, {}],
        [1, 2, (), 3, {"d": 4}],
        [1, 2, (), 4, {}],
    ]
    assert lab.ran() == {"f": 4}


def test_ignored_arguments_do_not_count(lab: Lab, nb: Notebook) -> None:
    nb.run("""
        @cg.task(ignore=["verbose"])
        def f(x, verbose=False):
            tick("f")
            return x + 1
    """)
    assert lab.run(nb.value("[f(1), f(1, verbose=True), f(1, True)]")) == [2, 2, 2]
    assert lab.ran() == {"f": 1}
    assert lab.run(nb.value("f(1, verbose=3)")) == 2
    assert lab.ran() == {}


def test_a_version_stands_for_the_code(lab: Lab, nb: Notebook) -> None:
    cell = """
        @cg.task(version="{version}")
        def f(x):
            tick("f")
            return x + {by}
    """
    nb.run(cell.format(version="1", by=1))
    assert lab.run(nb.value("f(1)")) == 2
    nb.run(cell.format(version="1", by=5))
    assert lab.run(nb.value("f(1)")) == 2
    nb.run(cell.format(version="2", by=5))
    assert lab.run(nb.value("f(1)")) == 6
    assert lab.ran() == {"f": 2}
