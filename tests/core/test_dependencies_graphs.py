"""Verified dependencies through graph records: what the calls below one have read."""

from tests.core.support.file_lab import Project
from tests.core.support.rerun import READ


def test_one_changed_file_runs_one_call_of_many(quick: Project) -> None:
    quick.run(
        READ
        + """
@task
def joined(parts):
    tick("joined")
    return "".join(parts)
"""
    )
    for i in range(5):
        quick.write(f"{i}.txt", str(i))
    call = "joined([read(f'{i}.txt') for i in range(5)])"
    assert quick.evaluate(call) == "01234"
    assert quick.evaluate(call) == "01234"
    assert quick.ran() == {"read": 5, "joined": 1}
    quick.write("3.txt", "x")
    assert quick.evaluate(call) == "012x4"
    assert quick.ran() == {"read": 1, "joined": 1}
    quick.write("3.txt", "3")
    assert quick.evaluate(call) == "01234"
    assert quick.ran() == {}


def test_an_unchanged_value_stops_the_wave(quick: Project) -> None:
    quick.write("x.txt", "value # comment")
    quick.run("""
        @task
        def parse(name):
            tick("parse")
            with open(name) as file:
                return file.read().partition(" #")[0]

        @task
        def use(value):
            tick("use")
            return value.upper()
    """)
    assert quick.evaluate("use(parse('x.txt'))") == "VALUE"
    quick.write("x.txt", "value # another comment")
    assert quick.evaluate("use(parse('x.txt'))") == "VALUE"
    assert quick.ran() == {"parse": 2, "use": 1}


def test_a_call_that_reduced_to_others_rests_on_what_they_read(project: Project) -> None:
    project.run(
        READ
        + """
@task
def both(name):
    tick("both")
    return [read(name), inner(name)]

@task
def inner(name):
    tick("inner")
    return read(name + "")
"""
    )
    project.write("x.txt", "a")
    assert project.evaluate("both('x.txt')") == ["a", "a"]
    assert project.ran() == {"both": 1, "inner": 1, "read": 1}
    assert project.evaluate("both('x.txt')") == ["a", "a"]
    assert project.ran() == {}
    project.write("x.txt", "b")
    assert project.evaluate("both('x.txt')") == ["b", "b"]
    assert project.ran() == {"read": 1}
    project.write("x.txt", "a")
    assert project.evaluate("both('x.txt')") == ["a", "a"]
    assert project.ran() == {}


def test_what_the_body_itself_read_counts_too(quick: Project) -> None:
    quick.run("""
        @task
        def plain(x):
            tick("plain")
            return x

        @task
        def chosen():
            tick("chosen")
            with open("names.txt") as file:
                return [plain(name) for name in file.read().split()]
    """)
    quick.write("names.txt", "a b")
    assert quick.evaluate("chosen()") == ["a", "b"]
    assert quick.evaluate("chosen()") == ["a", "b"]
    assert quick.ran() == {"chosen": 1, "plain": 2}
    quick.write("names.txt", "a c")
    assert quick.evaluate("chosen()") == ["a", "c"]
    assert quick.ran() == {"chosen": 1, "plain": 1}


def test_recursion_below_which_a_file_is_read(quick: Project) -> None:
    quick.run("""
        @task
        def down(n):
            tick("down")
            if n == 0:
                with open("base.txt") as file:
                    return int(file.read())
            return down(n - 1) + 1
    """)
    quick.write("base.txt", "10")
    assert quick.evaluate("down(20)") == 30
    assert quick.evaluate("down(20)") == 30
    assert quick.ran() == {"down": 21}
    quick.write("base.txt", "100")
    assert quick.evaluate("down(20)") == 120
    assert quick.ran() == {"down": 1}
    assert quick.evaluate("down(25)") == 125
    assert quick.ran() == {"down": 5}


def test_a_graph_record_made_from_hits_still_knows_the_files(quick: Project) -> None:
    """The calls were found, not run, when the graph record was written."""
    quick.run(
        READ
        + """
@task
def pair(a, b):
    tick("pair")
    return a + b
"""
    )
    quick.write("x.txt", "a")
    quick.evaluate("read('x.txt')")
    assert quick.evaluate("pair(read('x.txt'), 'z')") == "az"
    quick.ran()
    quick.write("x.txt", "b")
    assert quick.evaluate("pair(read('x.txt'), 'z')") == "bz"
    assert quick.ran() == {"read": 1, "pair": 1}


def test_a_failed_read_behind_catch_counts(quick: Project) -> None:
    quick.run(
        READ
        + """
@task
def fallback(error):
    return "none"

def safe(name):
    return cg.catch(read(name), OSError, fallback)
"""
    )
    assert quick.evaluate("[safe('x.txt')]") == ["none"]
    quick.write("x.txt", "there")
    assert quick.evaluate("[safe('x.txt')]") == ["there"]


def test_a_file_in_a_returned_expression_counts(project: Project) -> None:
    project.run("""
        @task
        def size(file):
            tick("size")
            return len(file.read_text())

        @task
        def outer():
            tick("outer")
            return size(cg.File("x.txt"))
    """)
    project.write("x.txt", "1")
    assert project.evaluate("outer()") == 1
    assert project.evaluate("outer()") == 1
    assert project.ran() == {"outer": 1, "size": 1}
    for text, ran in (("12", {"size": 1}), ("123", {"size": 1}), ("1", {}), ("12", {})):
        project.write("x.txt", text)
        assert project.evaluate("outer()") == len(text)
        assert project.ran() == ran


def test_a_file_in_a_returned_expression_counts_where_nothing_else_was_read(
    quick: Project,
) -> None:
    quick.run("""
        @task
        def size(file):
            return len(file.read_text())

        @task
        def outer():
            return size(cg.File("x.txt"))
    """)
    for text in ("1", "12", "1", "123"):
        quick.write("x.txt", text)
        assert quick.evaluate("outer()") == len(text)


def test_an_expression_that_was_reduced_before_counts(quick: Project) -> None:
    quick.run(
        READ
        + """
shared = read("x.txt")

@task
def one(value):
    return 1

@task
def plain(value):
    return value

@task
def outer(gate):
    return plain(shared) if gate else read("y.txt")
"""
    )
    for text in ("a", "b", "a"):
        quick.write("x.txt", text)
        assert quick.evaluate("outer(one(shared))") == text


def test_what_a_run_writes_itself_is_looked_at_again(quick: Project) -> None:
    quick.run(
        READ
        + """
@task
def put(text, gate):
    with open("x.txt", "w") as file:
        file.write(text)
    return 1

@task
def second(gate):
    with open("x.txt") as file:
        return file.read()
"""
    )
    quick.write("x.txt", "a")
    assert quick.evaluate("[second(1), read('x.txt')]") == ["a", "a"]
    assert quick.evaluate("second(put('b', read('x.txt')))") == "b"


def test_a_file_made_by_another_call_counts_below_a_graph(quick: Project) -> None:
    quick.run("""
        @task
        def make(n):
            tick("make")
            file = cg.File(f"{n}.txt")
            file.path.write_text(str(n))
            return file

        @task
        def total(files):
            tick("total")
            return sum(int(f.read_text()) for f in files)
    """)
    call = "total([make(i) for i in range(3)])"
    assert quick.evaluate(call) == 3
    assert quick.evaluate(call) == 3
    assert quick.ran() == {"make": 3, "total": 1}
    (quick.folder / "1.txt").unlink()
    assert quick.evaluate(call) == 3
    assert quick.ran() == {"make": 1}


def test_shallow_trusts_the_files_inside_a_value(quick: Project) -> None:
    quick.run("""
        @cg.task(check="shallow")
        def make(text):
            tick("make")
            file = cg.File("out.txt")
            file.path.write_text(text)
            return file

        @cg.task(check="shallow")
        def read():
            tick("read")
            with open("raw.txt") as file:
                return file.read()
    """)
    quick.write("raw.txt", "a")
    quick.evaluate("make('x')")
    quick.evaluate("read()")
    (quick.folder / "out.txt").unlink()
    quick.write("raw.txt", "b")
    quick.ran()
    assert quick.evaluate("make('x')").name == "out.txt"
    assert quick.ran() == {}
    assert quick.evaluate("read()") == "b"  # what a call read is checked all the same
    assert quick.ran() == {"read": 1}
