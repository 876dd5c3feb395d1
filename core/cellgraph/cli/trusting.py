"""`cellgraph trust` and `cellgraph key`: whom the user believes, and who the user is."""

import secrets

import typer

from cellgraph.errors import ConfigError
from cellgraph.stores import trusted
from cellgraph.stores.signing import KEY_BYTES, Signer, shown


def list_trusted() -> None:
    """Print every bucket and every writer that is trusted, one a line."""
    for address in trusted.trusted():
        typer.echo(address)
    for public, name in sorted(trusted.writers().items()):
        typer.echo(f"{shown(public)} {name}".rstrip())


def change_trust(who: str, name: str, *, revoke: bool) -> None:
    """Trust a bucket or a writer's key, or no longer. Raises ConfigError."""
    if who.startswith("s3:"):
        if name:
            raise ConfigError("--name says whose key it is, and a bucket is no key")
        (trusted.distrust if revoke else trusted.trust)(who)
    elif revoke:
        trusted.distrust_writer(who)
    elif who.startswith("ed25519:"):
        trusted.trust_writer(who, name)
    else:
        raise ConfigError(f"{who!r}: expected s3://bucket, s3://bucket/prefix or ed25519:<key>")


def show_key(*, make: bool) -> None:
    """Print the user's public key; make it first if asked. Raises ConfigError."""
    secret = trusted.own_secret()
    if make:
        secret = secrets.token_bytes(KEY_BYTES)
        public = Signer(secret).public  # before it is kept: the library may be missing
        trusted.keep_secret(secret)
        typer.echo(shown(public))
    elif secret is None:
        raise ConfigError("you have no key yet: cellgraph key --make")
    else:
        typer.echo(shown(Signer(secret).public))
