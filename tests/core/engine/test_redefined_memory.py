"""A cell that is run again and again leaves nothing of its earlier selves in memory."""

import gc
import weakref
from types import CodeType
from typing import Any

from tests.core.engine.support.engine_lab import Lab, Notebook

TIMES = 12
CELL = """
    def helper(x):
        return (lambda y: y + {n})(x)

    class Model:
        def fit(self, x):
            return helper(x) * {n}

    @cg.task
    def work(x):
        tick("work")
        return Model().fit(x)
"""


def test_the_code_of_a_redefined_cell_goes(lab: Lab, nb: Notebook) -> None:
    codes: list[weakref.ref[CodeType]] = []
    with lab.session() as session:
        for n in range(TIMES):
            nb.run(CELL.format(n=n))
            defined: list[Any] = [nb["work"].func, nb["helper"], nb["Model"].fit]
            codes += [weakref.ref(function.__code__) for function in defined]
            del defined
            assert session.evaluate(nb["work"](1)) == (n + 1) * n
            assert session.explain(nb["work"](1)).verdict
        assert lab.ran() == {"work": TIMES}
        gc.collect()
        alive = [found.co_qualname for code in codes if (found := code()) is not None]
    # the cell as it is now, and at most what the last evaluation still had in hand
    assert 3 <= len(alive) <= 6
