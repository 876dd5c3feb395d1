"""`cellgraph aws`: what has to be set up in an account, printed; schedules of exported runs."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cellgraph_executors.fsx import FileSystem

app = typer.Typer(
    help="Print what has to be set up in an AWS account; list and delete schedules.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EXECUTOR = typer.Option("--executor", help="The executor of your settings whose fsx counts.")


@app.command()
def template(
    fsx: Annotated[
        bool, typer.Option("--fsx", help="Instances mount the file system of your settings.")
    ] = False,
    executor: Annotated[str, _EXECUTOR] = "batch",
) -> None:
    """Print CloudFormation for a bucket, a queue, its instances, and roles with few rights."""
    from cellgraph_executors.template import template as made

    typer.echo(json.dumps(made(_addressed(executor) if fsx else None), indent=2))


@app.command("fsx")
def show_fsx(executor: Annotated[str, _EXECUTOR] = "batch") -> None:
    """Print the user data that mounts an FSx for Lustre, and the links to create for it."""
    from cellgraph_executors.fsx import association_requests, user_data

    system = _addressed(executor)
    typer.echo("# User data of the launch template of the compute environment:\n")
    typer.echo(user_data(system))
    typer.echo("# Links between folders and buckets; run what is not there yet:\n")
    for request in association_requests(system):
        said = json.dumps(request)
        typer.echo(f"aws fsx create-data-repository-association --cli-input-json '{said}'")


@app.command()
def schedules() -> None:
    """List the schedules of EventBridge that exported runs have: name, times, bundle."""
    from cellgraph_executors.eventbridge.target import schedules as found

    for name, when, bundle in found():
        typer.echo(f"{name}  {when}  {bundle[:12]}")


@app.command()
def unschedule(name: Annotated[str, typer.Argument(help="The name of the exported run.")]) -> None:
    """Delete the schedule of an exported run. What its runs left stays in the store."""
    from cellgraph_executors.eventbridge.target import remove

    typer.echo(remove(name))


def _addressed(executor: str) -> "FileSystem":
    """The file system of the settings; what they leave out is asked of FSx."""
    from cellgraph.errors import ConfigError
    from cellgraph.settings import load_settings
    from cellgraph_executors.fsx import file_system, look_up

    settings = load_settings({})
    said = settings.executors.get(executor, {}).get("fsx")
    if not isinstance(said, dict):
        raise ConfigError(
            f'no fsx for the executor {executor!r} in your settings: fsx = {{file_system = "fs-…", '
            'mount = "/fsx", links = {"/folder" = "s3://bucket/prefix"}}'
        )
    system = file_system(said)  # pyright: ignore[reportUnknownArgumentType] - checked there
    if system.id and not (system.dns_name and system.mount_name and system.links):
        import boto3  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

        session = boto3.Session(
            profile_name=settings.profile or None, region_name=settings.region or None
        )
        system = look_up(session.client("fsx"), system)  # pyright: ignore[reportUnknownMemberType]
    return system
