"""`cellgraph cache`: what a store holds, whether it is whole, what may go, what must stay."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cellgraph.care.amounts import parse_bytes, parse_seconds, size
from cellgraph.care.reports import TaskUse
from cellgraph.cli.console import console, duration, plural
from cellgraph.cli.places import WhereOption, existing_session

_DAMAGED = 1

cache_app = typer.Typer(
    help="Look after the store: what it holds, whether it is whole, what may go.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
WhatArgument = Annotated[
    str, typer.Argument(help="A run's id (or the beginning of it), a task's name, or a pin's id.")
]


@cache_app.command()
def info(store: WhereOption = None) -> None:
    """Count what the store holds, by task."""
    with existing_session(store) as session:
        found = session.cache.info()
    _say(found.lines())
    if found.tasks:
        console().print()
        console().print(_table(found.tasks))


@cache_app.command()
def gc(
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Also what nobody used for so long: 30d.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="Also the longest unused, until no more is left: 20GB."),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option("--grace", help="Keep what was used since (2d); longer than any run."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove it; else only show what would go.")
    ] = False,
    store: WhereOption = None,
) -> None:
    """Show what can go, or remove it: garbage, and results that nobody used lately."""
    limits = {
        "older_than_s": None if older_than is None else parse_seconds(older_than),
        "grace_s": None if grace is None else parse_seconds(grace),
    }
    most = None if max_size is None else parse_bytes(max_size)
    with existing_session(store) as session:
        found = session.cache.gc(**limits, max_bytes=most, dry_run=not delete)
    _say(found.lines())
    if found.tasks:
        console().print()
        console().print(_table(found.tasks))
    if found.dry_run and found.nbytes:
        _say(["nothing was removed: --delete removes it"])


@cache_app.command()
def verify(store: WhereOption = None) -> None:
    """Read and hash everything; put aside what is damaged. Exit code 1 if anything is."""
    with existing_session(store) as session:
        found = session.cache.verify()
    _say(found.lines())
    if not found.sound:
        raise typer.Exit(_DAMAGED)


@cache_app.command()
def rebuild(store: WhereOption = None) -> None:
    """Make a new index from the segments."""
    with existing_session(store) as session:
        records = session.cache.rebuild()
    _say([f"a new index over {plural(records, 'record')}"])


@cache_app.command()
def push(
    to: Annotated[
        str | None, typer.Argument(help="s3://bucket/prefix; none if the store is in a bucket.")
    ] = None,
    store: WhereOption = None,
) -> None:
    """Put everything that is here into a bucket; what is there stays as it is."""
    with existing_session(store) as session:
        found = session.cache.push(to)
    _say(found.lines())


@cache_app.command()
def pull(
    what: Annotated[
        str | None, typer.Argument(help="A run's id or a task's name; none: everything.")
    ] = None,
    store: WhereOption = None,
) -> None:
    """Bring values of a bucket to this machine, to work offline."""
    with existing_session(store) as session:
        found = session.cache.pull(what)
    _say(found.lines())


@cache_app.command()
def pin(what: WhatArgument, store: WhereOption = None) -> None:
    """Never remove a run's or a task's results."""
    with existing_session(store) as session:
        made = session.cache.pin(what)
    _say([f"pinned {made.kind} {made.name} ({made.id})"])


@cache_app.command()
def unpin(what: WhatArgument, store: WhereOption = None) -> None:
    """Let go of a pin; nothing is removed by that."""
    with existing_session(store) as session:
        gone = session.cache.unpin(what)
    _say([f"no longer pinned: {gone.kind} {gone.name}"])


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        console().print(Text(line), soft_wrap=True)


def _table(tasks: Iterable[TaskUse]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for name in ("results", "size", "to compute", "last used"):
        table.add_column(name, justify="right", no_wrap=True)
    for task in tasks:
        used = datetime.fromtimestamp(task.last_used).astimezone()
        table.add_row(
            task.name,
            f"{task.calls:,}",
            size(task.nbytes),
            duration(task.recompute_s),
            f"{used:%Y-%m-%d %H:%M}",
        )
    return table
