"""What the engine's acceptance tests share: a store, a log of executions, and a notebook.

A test sees the engine from outside: it evaluates expressions and counts how often the bodies of
tasks ran. Every body calls `tick(name)`, which appends one line to a file, so that threads,
processes and other interpreters are counted alike.
"""

import linecache
import os
import subprocess
import sys
import textwrap
import types
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import cellgraph as cg
from cellgraph.events import Event

T = TypeVar("T")

TICKS_VARIABLE = "ENGINE_TEST_TICKS"

# The first cell of every notebook and script.
PRELUDE = f'''
import os
import time
import cellgraph as cg

def tick(name):
    with open(os.environ["{TICKS_VARIABLE}"], "a") as log:
        log.write(name + "\\n")
'''


class Notebook:
    """Cells run one after another in one `__main__`, as a kernel runs them."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self._cells = 0
        self.run(PRELUDE)

    def run(self, source: str) -> None:
        """Execute *source* (dedented) as the next cell; its text is known to `inspect`."""
        source = textwrap.dedent(source).strip("\n") + "\n"
        self._cells += 1
        name = f"<cell {id(self)}-{self._cells}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec", dont_inherit=True), self.module.__dict__)

    def value(self, expression: str) -> Any:
        """Return what *expression* gives in the namespace: often a lazy call."""
        return eval(expression, self.module.__dict__)

    def __getitem__(self, name: str) -> Any:
        return self.module.__dict__[name]


def chained(step: Callable[[Any], Any], start: Any, length: int) -> Any:
    """Return *start* after *length* steps."""
    for _ in range(length):
        start = step(start)
    return start


class Lab:
    """A folder with one store and one log of executions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.log = folder / "ticks"
        self.log.touch()
        self._seen = 0

    def session(self, **settings: Any) -> cg.Session:
        """Open another session on the store: another kernel, as far as the cache can tell."""
        return cg.Session(store=self.store, **settings)

    def run(self, expression: T, **options: Any) -> T:
        """Evaluate in a session of its own, so that only the store is remembered."""
        with self.session() as session:
            return session.evaluate(expression, **options)

    def failure(self, expression: object, **options: Any) -> BaseException:
        """Evaluate what must fail in a session of its own; return what was raised."""
        try:
            value = self.run(expression, **options)
        except Exception as error:
            return error
        raise AssertionError(f"evaluated to {value!r} instead of failing")

    def ran(self) -> dict[str, int]:
        """Return how often each name ticked since the last question."""
        return dict(Counter(self.lines()))

    def lines(self) -> list[str]:
        """Return the ticks since the last question, in the order of their time."""
        text = self.log.read_text()
        new, self._seen = text[self._seen :], len(text)
        return new.splitlines()

    def python(self, cells: str, *, hash_seed: int = 0, name: str = "script.py") -> str:
        """Run *cells* as a script of another interpreter on the same store; return its output.

        The script finds `store` in its namespace.
        """
        script = self.folder / name
        script.parent.mkdir(parents=True, exist_ok=True)
        head = PRELUDE + f"\nfrom pathlib import Path\nstore = Path({str(self.store)!r})\n\n"
        script.write_text(head + textwrap.dedent(cells).strip("\n") + "\n")
        env = {**os.environ, "PYTHONHASHSEED": str(hash_seed), TICKS_VARIABLE: str(self.log)}
        done = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            env=env,
            timeout=120,
            check=False,  # the assertion below shows what it said
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def peak(lines: list[str], name: str) -> int:
    """Return how many sections "+name" ... "-name" were open at once, at most."""
    open_now = most = 0
    for line in lines:
        if line == f"+{name}":
            open_now += 1
        elif line == f"-{name}":
            open_now -= 1
        most = max(most, open_now)
    return most


@contextmanager
def listening(session: cg.Session) -> Generator[list[Event]]:
    """Collect the events of *session* while the block runs."""
    events: list[Event] = []
    stop: Callable[[], None] = session.bus.subscribe(events.append)
    try:
        yield events
    finally:
        stop()


def user_error(error: BaseException) -> BaseException:
    """Return what went wrong below a TaskError, or *error* itself."""
    if isinstance(error, cg.TaskError) and error.error is not None:
        return error.error
    return error


def is_a(value: object, *kinds: type) -> bool:
    """Like isinstance, but type checkers keep what they knew of a value of any type."""
    return isinstance(value, kinds)
