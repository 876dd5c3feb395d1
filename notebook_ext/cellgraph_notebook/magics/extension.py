"""The magics as IPython sees them; each line here only forwards.

What a magic needs is imported when it is first used: loading the extension must be quick.
"""

from typing import Any

from IPython.core.magic import (
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)

from cellgraph_notebook.kernel import Kernel


@magics_class
class CellgraphMagics(Magics):
    """Cells as cached tasks, watched live."""

    def __init__(self, shell: Any, kernel: Kernel) -> None:
        super().__init__(shell)
        self._shell = shell
        self._kernel = kernel

    @no_var_expand
    @cell_magic
    def task(self, line: str, cell: str) -> object:
        """Make the functions of this cell tasks.

        %%task [OPTIONS] [NAMES]        every public function, or the named ones
        %%task [OPTIONS] --returns a,b  the cell itself is one cached step that leaves a and b

        A function whose name begins with _ stays plain. Calling a task gives a lazy expression;
        %evaluate gives its value. A step is evaluated at once: its inputs are the names that the
        cell reads, lazy ones are evaluated first; what it printed and drew is kept with its result.

        Options are those of @task; press Tab to complete them:
        --executor process  --vcpus 2  --memory-gib 4  --retries 2  --retry-on OSError
        --timeout-s 60  --version 3  --no-cache  --limits database  --nout 2  ...
        """
        from cellgraph_notebook.magics.task_magic import run_task_cell

        return run_task_cell(self._shell, self._kernel, line, cell)

    @no_var_expand
    @line_cell_magic
    def evaluate(self, line: str, cell: str | None = None) -> Any:
        """Reduce an expression, show the run live, return its value.

        %evaluate [OPTIONS] EXPR        y = %evaluate EXPR works too
        %%evaluate [OPTIONS]            the last expression of the cell

        -o NAME                         bind the value instead of showing it
        --bg                            return a Run at once; view and prints stay in this cell
        --fail late|fast|keep           what a failure stops: its consumers, the run, nothing
        --no-cache                      neither read nor write stored results
        --view graph|table|plain        how the run is shown
        --definitions live|built        tasks defined again since: the present ones, or the old
        """
        from cellgraph_notebook.magics.evaluate_magic import run_evaluate

        return run_evaluate(self._shell, self._kernel, line, cell)

    @no_var_expand
    @line_magic
    def graph(self, line: str) -> None:
        """Draw the graph of an expression; nothing runs.

        %graph EXPR
        %graph --save FILE.svg EXPR     write a file instead; FILE.dot for Graphviz
        """
        from cellgraph_notebook.magics.graph_magic import run_graph

        run_graph(self._shell, self._kernel, line)

    @line_magic
    def runs(self, line: str) -> Any:
        """List the runs of this store, newest first.

        %runs                           the last 20
        %runs ID                        one of them: its tasks, and why they ran
        """
        from cellgraph_notebook.magics.tables_magic import run_runs

        return run_runs(self._kernel, line)

    @line_magic
    def tasks(self, line: str) -> Any:
        """List the tasks of this notebook, where they run and how many results they have.

        %tasks                          all of them
        %tasks TEXT                     those with TEXT in their name
        """
        from cellgraph_notebook.magics.tables_magic import run_tasks

        return run_tasks(self._shell, self._kernel, line)
