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
    @cell_magic
    def params(self, line: str, cell: str) -> None:
        """Typed parameters of the notebook, one a line: `depth: int = 3`.

        %%params

        Annotations give types, Literal["fast", "exact"] gives choices; both are checked here, at an
        export, and when `cellgraph run --param depth=5` sets them. A parameter `scheduled` (a date,
        a datetime or a text) is the time at which an exported run is due.
        """
        from cellgraph_notebook.magics.params_magic import run_params

        run_params(self._shell, line, cell)

    @no_var_expand
    @line_magic
    def export_run(self, line: str) -> None:
        """Export the notebook as saved: the cells that an expression needs, as a scheduled run.

        %export_run NAME --target EXPR [OPTIONS]

        --schedule '0 6 * * 1-5'        five cron fields
        --tz Europe/Berlin              their time zone (UTC)
        --to cli,cron,eventbridge,...   who fires it: also github, airflow
        --param NAME=VALUE,...          parameters, set for all of its runs
        --apply                         create or update the schedule (eventbridge)
        --out FOLDER                    the bundle's folder (NAME.run beside the notebook)
        --retries N                     of the whole run
        --timeout S                     seconds that an attempt may take
        --alert COMMAND|URL|env:NAME    told when it fails, and when it works again
        --notebook FILE                 if this kernel does not know which one it is
        """
        from cellgraph_notebook.magics.params_magic import run_export

        run_export(line)

    @no_var_expand
    @line_cell_magic
    def evaluate(self, line: str, cell: str | None = None) -> Any:
        """Reduce an expression, show the run live, return its value.

        %evaluate [OPTIONS] EXPR        y = %evaluate EXPR works too
        %%evaluate [OPTIONS]            the last expression of the cell

        -o NAME                         bind the value instead of showing it
        --bg                            return a Run at once; view and prints stay in this cell
        --on EXECUTOR                   the reducer runs there, so every stage goes on without us
        --fail late|fast|keep           what a failure stops: its consumers, the run, nothing
        --no-cache                      neither read nor write stored results
        --max-cost USD                  stop before remote calls would cost more
        --max-remote-calls N            stop before more calls than N are sent away
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

    @no_var_expand
    @line_magic
    def accept(self, line: str) -> Any:
        """Keep a task's results across a change of its code that you judge harmless.

        %accept TASK                    run 20 earlier calls again first; refuse if a value differs
        %accept --verify N TASK         run N of them again; 0 takes all results unseen
        %accept --revoke TASK           take that back
        """
        from cellgraph_notebook.magics.accept_magic import run_accept

        return run_accept(self._shell, self._kernel, line)

    @no_var_expand
    @line_magic
    def explain(self, line: str) -> Any:
        """Say whether an expression is answered from the store, and what decided; nothing runs.

        %explain EXPR

        A miss names the one part that differs from the nearest earlier call: a line of a helper, an
        argument down to its key or column, a file, a package. The result has .verdict, .reason,
        .path and .diff.
        """
        from cellgraph_notebook.magics.explain_magic import run_explain

        return run_explain(self._shell, self._kernel, line)

    @no_var_expand
    @line_magic
    def plan(self, line: str) -> Any:
        """Say what evaluating an expression would find and run, and how long; nothing runs.

        %plan [OPTIONS] EXPR

        --no-cache                      as if nothing were stored
        --fail late|fast|keep           as of %evaluate
        """
        from cellgraph_notebook.magics.explain_magic import run_plan

        return run_plan(self._shell, self._kernel, line)

    @no_var_expand
    @line_magic
    def cache(self, line: str) -> Any:
        """Look after the store: what it holds, whether it is whole, what may go, what must stay.

        %cache                          what is in it, by task (also %cache info)
        %cache gc [OPTIONS]             show what may go; results in use never do
        --older-than 30d                results that nobody used for so long, too
        --max-size 20GB                 the longest unused, until no more is left
        --grace 5d                      keep what was used since; longer than any run (2d)
        --delete                        remove it
        %cache verify                   read and hash everything, put damage aside
        %cache pin [RUN|TASK|EXPR]      never remove it; without, list what is pinned
        %cache unpin PIN|RUN|TASK|EXPR  let go of it
        %cache rebuild                  make a new index from the segments
        %cache push [s3://...]          all of a store in a folder into a bucket
        %cache pull [RUN|TASK|EXPR]     values of a bucket to this machine, to work offline
        """
        from cellgraph_notebook.magics.cache_magic import run_cache

        return run_cache(self._shell, self._kernel, line)

    @line_magic
    def calls(self, line: str) -> Any:
        """List calls on record, latest first, or tell all of one.

        %calls                          the last 50
        --run ID                        those that ran in this run
        --task NAME                     those of this task
        --failed                        those that failed
        %calls ID                       arguments, times, what it printed, how it failed
        """
        from cellgraph_notebook.magics.history_magic import run_calls

        return run_calls(self._kernel, line)

    @line_magic
    def debug_task(self, line: str) -> Any:
        """Call a task here with the same inputs as a call that failed; then %debug looks into it.

        %debug_task ID                  of a call, or of a run: its first failure
        --recorded                      with the code of that night, of an exported run
        """
        from cellgraph_notebook.magics.debug_magic import run_debug_task

        return run_debug_task(self._shell, self._kernel, line)

    @no_var_expand
    @line_magic
    def lineage(self, line: str) -> Any:
        """Draw where something came from: the calls behind it, back to files and literals.

        %lineage EXPR                   an expression, or a value that a task returned
        %lineage FILE                   a file that a task wrote
        %lineage ID                     the value of a call
        --save NAME.svg|NAME.dot        write the picture to a file
        """
        from cellgraph_notebook.magics.history_magic import run_lineage

        return run_lineage(self._shell, self._kernel, line)

    @line_magic
    def runs(self, line: str) -> Any:
        """List the runs of this store, newest first: evaluated here, elsewhere, or on a schedule.

        %runs                           the last 20
        %runs ID                        one of them: its tasks, and why they ran
        %runs A B                       what differs: code, values, what ran in one of them only
        %runs ID --report               its report, in a frame: also of last night's
        %runs ID --graph                its graph
        %runs ID --value                its value
        %runs ID --save FILE            its report (.html), or its executed notebook (.ipynb)
        %runs again ID                  run it once more: only what has no result runs
        """
        from cellgraph_notebook.magics.runs_magic import run_runs

        return run_runs(self._kernel, line)

    @line_magic
    def jobs(self, line: str) -> Any:
        """List what runs on other machines, also what an earlier kernel has sent.

        %jobs                           all of it
        %jobs logs ID[:CHILD]           the end of what a child has written
        %jobs attach ID                 say how it is doing until it is over
        %jobs cancel ID                 end it; what its children have finished is kept
        %jobs run-again ID              evaluate again what sent it: only what has no result runs

        Evaluating an expression again waits for those of its calls that are still running, and
        sends what is missing or has failed.
        """
        from cellgraph_notebook.magics.jobs_magic import run_jobs

        return run_jobs(self._kernel, line)

    @line_magic
    def tasks(self, line: str) -> Any:
        """List the tasks of this notebook, where they run and how many results they have.

        %tasks                          all of them
        %tasks TEXT                     those with TEXT in their name
        """
        from cellgraph_notebook.magics.tables_magic import run_tasks

        return run_tasks(self._shell, self._kernel, line)
