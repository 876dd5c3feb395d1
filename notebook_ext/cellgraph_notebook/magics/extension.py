"""The magics as IPython sees them; each line here only forwards."""

from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)

from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics import evaluate_magic, tables_magic, task_magic
from cellgraph_notebook.table import Table


@magics_class
class CellgraphMagics(Magics):  # type: ignore[misc]  # IPython is partly typed
    """Cells as cached tasks, watched live."""

    def __init__(self, shell: InteractiveShell, kernel: Kernel) -> None:
        super().__init__(shell)  # type: ignore[no-untyped-call]  # IPython is partly typed
        self._shell = shell
        self._kernel = kernel

    @no_var_expand
    @cell_magic
    def task(self, line: str, cell: str) -> None:
        """Make the functions of this cell tasks.

        %%task [OPTIONS] [NAMES]        every public function (or the named ones) becomes a task
        %%task --returns a,b [OPTIONS]  the cell itself is one cached step that leaves a and b

        A function whose name begins with _ stays plain. Options are those of @task:
        --executor process --vcpus 2 --memory-gib 4 --retries 2 --timeout-s 60 --version 3
        --no-cache --limits database ...; press Tab to complete them.
        """
        task_magic.run_task_cell(self._shell, self._kernel, line, cell)

    @no_var_expand
    @line_cell_magic
    def evaluate(self, line: str, cell: str | None = None) -> Any:
        """Reduce an expression, show the run live, return its value.

        %evaluate [-o NAME] [--bg] [--fail late|fast|keep] [--no-cache] [--view VIEW] EXPR
        %%evaluate [OPTIONS]            the last expression of the cell

        -o NAME binds the value instead of showing it; --bg returns a Run at once;
        VIEW is graph, table or plain.
        """
        return evaluate_magic.run_evaluate(self._shell, self._kernel, line, cell)

    @no_var_expand
    @line_magic
    def graph(self, line: str) -> None:
        """Draw the graph of an expression; nothing runs.

        %graph [--save FILE.svg|FILE.dot] EXPR
        """
        evaluate_magic.run_graph(self._shell, self._kernel, line)

    @line_magic
    def runs(self, line: str) -> Table:
        """List the runs of this store, newest first; `%runs ID` tells one in detail."""
        return tables_magic.run_runs(self._kernel, line)

    @line_magic
    def tasks(self, line: str) -> Table:
        """List the tasks of this notebook, where they run and how many results they have."""
        return tables_magic.run_tasks(self._shell, self._kernel, line)
