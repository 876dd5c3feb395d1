"""``%accept``: results of a task's earlier code count as those of its present code."""

from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import CellgraphError
from cellgraph.taskvalue import TASKS
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.expressions import expression

if TYPE_CHECKING:
    from cellgraph.accepting import Accepted

OPTIONS: Final = Options(valued=("verify",), flags=("revoke",))


def run_accept(shell: Any, kernel: Kernel, line: str) -> "Accepted":
    """Carry out ``%accept TASK``; return what was accepted. A refusal is a UsageError."""
    parsed = parse_line(line, OPTIONS)
    verify = parsed.options.get("verify", 20)
    if isinstance(verify, bool) or not isinstance(verify, int) or verify < 0:
        refuse(f"--verify {verify}: expected how many calls to run again, 0 or more")
    task: Any = expression(shell, parsed.rest, "%accept", OPTIONS)
    if type(task) not in TASKS:
        refuse(f"{parsed.rest.strip()} is not a task: %accept takes the name of one")
    try:
        return kernel.session.accept(task, verify, revoke=bool(parsed.options.get("revoke")))
    except CellgraphError as error:
        refuse(str(error))
