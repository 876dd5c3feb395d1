"""`cellgraph export`: a notebook as a scheduled run."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    notebook: Annotated[Path, typer.Argument(help="The notebook (.ipynb).")],
    target: Annotated[str, typer.Option("--target", help="The expression it evaluates.")],
    name: Annotated[str, typer.Option("--name", help="Name of the run.")] = "",
    schedule: Annotated[
        str, typer.Option("--schedule", help="Five cron fields: '0 6 * * 1-5'.")
    ] = "",
    tz: Annotated[str, typer.Option("--tz", help="Its time zone: Europe/Berlin.")] = "UTC",
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="cli cron eventbridge github airflow; several times."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the bundle; NAME.run beside it.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value, set for all of its runs.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Create or update the schedule (eventbridge).")
    ] = False,
    retries: Annotated[int, typer.Option("--retries", min=0, help="Of the whole run.")] = 0,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Seconds that an attempt may take; 0: any.")
    ] = 0.0,
    alert: Annotated[
        str,
        typer.Option("--alert", help="Told when it fails, works again: COMMAND, URL, env:NAME."),
    ] = "",
) -> None:
    """Write the cells that TARGET needs as clean Python, with what a scheduler wants.

    Shows which cells stay out and why, and the next times it is due. Nothing is installed or
    created (but for --apply); nothing runs.
    """
    from cellgraph.exported.params import parse
    from cellgraph_notebook.export.reporting import export_file

    asked_name = name or notebook.stem
    said = export_file(
        notebook, out or notebook.with_name(f"{asked_name}.run"), name=asked_name, target=target,
        cron=schedule, zone=tz, to=to or ["cli"], retries=retries, timeout_s=timeout, alert=alert,
        apply=apply, given=parse(param or []),
    )  # fmt: skip
    typer.echo(said)
