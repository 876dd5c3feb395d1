"""The commands, and how an error ends one: a red line and exit code 1, or 2 for a wrong command."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from cellgraph.cli.caring import cache_app
from cellgraph.cli.console import error_console, show_error
from cellgraph.cli.places import StoreOption, WhereOption
from cellgraph.cli.plugged import PluggedGroup
from cellgraph.errors import CellgraphError, ConfigError

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

# typer's own click, wherever this version keeps it: what a wrong option or argument raises.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)

app = typer.Typer(
    name="cellgraph",
    cls=PluggedGroup,
    help="Notebook cells as cached, distributed tasks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cache_app, name="cache")


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the report, the notebooks and the store.")
    ] = Path("cellgraph-demo"),
) -> None:
    """Run the quickstart notebook on real data: once, again, and after a helper's edit."""
    from cellgraph.cli.demo.command import demo as run_demo

    run_demo(out)


@app.command("run")
def run_target(
    file: Annotated[
        Path, typer.Argument(help="A notebook (.ipynb), a Python file (.py) or a bundle (folder).")
    ],
    target: Annotated[
        str | None, typer.Argument(help="The expression to evaluate, in the file's own names.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value; may be given several times.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Where to keep the executed notebook.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what TARGET would find and run, and stop there.")
    ] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Of a bundle: only if its schedule says so.")
    ] = False,
    at: Annotated[
        str, typer.Option("--at", help="Of a bundle: the scheduled time it is run for (ISO).")
    ] = "",
    store: StoreOption = None,
) -> None:
    """Run a notebook, a Python file or an exported bundle, headless; what is already known is not
    run again."""
    from cellgraph.cli.bundles import is_bundle, run_bundle
    from cellgraph.cli.running import run_file

    if is_bundle(file):
        if target is not None or save is not None:
            raise ConfigError("a bundle has its own target, and keeps no notebook: only --param")
        if if_due and at:
            raise ConfigError("--if-due looks at the clock, --at says the time: give one of them")
        run_bundle(file, param or [], store, plan=plan, if_due=if_due, at=at)
        return
    if if_due or at:
        raise ConfigError(f"{file} is no bundle, so it has no schedule: no --if-due, no --at")
    run_file(file, target, param or [], save, store, "plan" if plan else "evaluate")


@app.command()
def backfill(
    bundle: Annotated[Path, typer.Argument(help="The bundle (folder) of an exported run.")],
    span: Annotated[str, typer.Argument(help="FROM..TO, both in it: 2026-01-01..2026-03-01.")],
    step: Annotated[
        str, typer.Option("--step", help="hour, day, week, month, or schedule: when it was due.")
    ] = "day",
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value; may be given several times.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Run an exported run for each time of a span, oldest first; what is known costs nothing."""
    from cellgraph.cli.bundles import backfill as fill
    from cellgraph.cli.bundles import is_bundle

    if not is_bundle(bundle):
        raise ConfigError(f"{bundle} is no bundle: make one with `cellgraph export`")
    if not fill(bundle, span, step, param or [], store):
        raise typer.Exit(FAILED)


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A notebook (.ipynb) or a Python file (.py).")],
    target: Annotated[str, typer.Argument(help="The expression, in the file's own names.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value; may be given several times.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Say whether an expression is answered from the store, and the part that decided.

    The expression does not run. The file does, to have its names; of a notebook, cells that only
    show a value (%evaluate without a name) are left out.
    """
    from cellgraph.cli.running import run_file

    run_file(file, target, param or [], None, store, "explain")


@app.command()
def runs(
    id: Annotated[str | None, typer.Argument(help="A run's id or the beginning of it.")] = None,
    other: Annotated[str | None, typer.Argument(help="A second run: what differs in it.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to list.")] = 20,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write its page (FILE.html) or notebook (FILE.ipynb)."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Run an exported run again: what has no result.")
    ] = False,
    store: WhereOption = None,
) -> None:
    """List the runs on record, show one (what ran, what was reused, and why), or compare two."""
    from cellgraph.cli.history import list_runs, run_again, save_report, show_diff, show_run

    if (report is not None or again) and (id is None or other is not None):
        raise ConfigError("--report and --again are of one run: give its id")
    if id is not None and report is not None:
        save_report(store, id, report)
    elif id is not None and again:
        run_again(store, id)
    elif id is None:
        list_runs(store, limit)
    elif other is None:
        show_run(store, id)
    else:
        show_diff(store, id, other)


@app.command()
def calls(
    id: Annotated[str | None, typer.Argument(help="A call's id or the beginning of it.")] = None,
    run: Annotated[str, typer.Option("--run", help="Only those that ran in this run.")] = "",
    task: Annotated[str, typer.Option("--task", help="Only those of this task.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to list.")] = 20,
    store: WhereOption = None,
) -> None:
    """List calls on record, or show one: arguments, times, what it printed, how it failed."""
    from cellgraph.cli.history import list_calls, show_call

    if id is None:
        list_calls(store, run, task, "failed" if failed else "", limit)
    else:
        show_call(store, id)


@app.command()
def lineage(
    what: Annotated[str, typer.Argument(help="A file that a task wrote, or a call's id.")],
    store: WhereOption = None,
) -> None:
    """Say where a file, or the value of a call, came from: calls and their inputs."""
    from cellgraph.cli.history import show_lineage

    show_lineage(store, what)


@app.command()
def jobs(
    verb: Annotated[str | None, typer.Argument(help="logs or cancel; none: list them.")] = None,
    job: Annotated[
        str | None, typer.Argument(help="The beginning of a job's id; for logs ID:CHILD.")
    ] = None,
) -> None:
    """List the jobs that run on other machines, show what one has written, or end one."""
    from cellgraph.cli.jobs import show_jobs

    show_jobs(verb, job)


@app.command()
def trust(
    who: Annotated[
        str | None,
        typer.Argument(help="s3://bucket[/prefix], or a writer's ed25519:... key; none: list all."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no longer.")] = False,
) -> None:
    """Trust whoever can write to a bucket, or whatever a key has signed: results from there may run
    code when they are read. Recorded in your own configuration, never in the project's."""
    from cellgraph.cli.trusting import change_trust, list_trusted

    if who is None:
        list_trusted()
    else:
        change_trust(who, name, revoke=revoke)


@app.command()
def key(
    make: Annotated[bool, typer.Option("--make", help="Make one, once.")] = False,
) -> None:
    """Show the public half of the key that signs what you write with trust = "signed"."""
    from cellgraph.cli.trusting import show_key

    show_key(make=make)


@app.command()
def doctor(
    store: WhereOption = None,
    policy: Annotated[
        bool,
        typer.Option("--policy", help="Only print the least policy that a store in S3 needs."),
    ] = False,
) -> None:
    """Check Python, the store, disk space, executors and optional parts; say what to do."""
    from cellgraph.cli.doctor import examine, print_policy

    if policy:
        print_policy(store)
    elif not examine(store):
        raise typer.Exit(FAILED)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Prints errors; lets defects through."""
    try:
        code = app(list(arguments) or ["--help"], prog_name="cellgraph", standalone_mode=False)
    except _UsageError as error:
        show_error(error.format_message())
        return WRONG_USE
    except CellgraphError as error:
        show_error(str(error))
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        error_console().print("stopped; what had finished is kept", style="yellow")
        return INTERRUPTED
    return code if isinstance(code, int) else OK
