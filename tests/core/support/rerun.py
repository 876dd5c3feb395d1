"""Whether a call runs again: evaluated twice, after a change, after none."""

from tests.core.support.file_lab import Project

# A task that reads a file, in the words of a cell.
READ = """
@task
def read(name):
    tick("read")
    with open(name) as file:
        return file.read()
"""

FIRST_OR_HIT = {"task": 1}


def twice(project: Project, call: str = "task()") -> object:
    """Evaluate twice; the second time nothing may run."""
    value = project.evaluate(call)
    assert project.ran() == FIRST_OR_HIT
    assert project.evaluate(call) == value
    assert project.ran() == {}
    return value


def runs_again(project: Project, value: object, reason: str, call: str = "task()") -> None:
    """Evaluate after a change: it runs, and the reason is said."""
    assert project.evaluate(call) == value
    assert project.ran() == FIRST_OR_HIT
    assert project.reasons == [reason]


def is_reused(project: Project, value: object, call: str = "task()") -> None:
    assert project.evaluate(call) == value
    assert project.ran() == {}
