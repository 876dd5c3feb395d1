"""``%explain`` and ``%plan``: why an expression would run, what a run would do. Nothing runs."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from cellgraph.errors import CellgraphError
from cellgraph.explaining import Explanation
from cellgraph.planning import Plan
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression

EXPLAIN_OPTIONS: Final = Options()
PLAN_OPTIONS: Final = Options(valued=("cache",), texts=("fail",))
T = TypeVar("T")


def run_explain(shell: Any, kernel: Kernel, line: str) -> Explanation:
    """Carry out ``%explain``."""
    parsed = parse_line(line, EXPLAIN_OPTIONS)
    expr = expression(shell, parsed.rest, "%explain", EXPLAIN_OPTIONS)
    return _asked(kernel.session.explain, expr)


def run_plan(shell: Any, kernel: Kernel, line: str) -> Plan:
    """Carry out ``%plan``."""
    parsed = parse_line(line, PLAN_OPTIONS)
    expr = expression(shell, parsed.rest, "%plan", PLAN_OPTIONS)
    return _asked(kernel.session.plan, expr, **parsed.options)


def _asked(question: Callable[..., T], expr: Any, **options: Any) -> T:
    try:
        return question(expr, **options)
    except CellgraphError as error:
        refuse(str(error))
