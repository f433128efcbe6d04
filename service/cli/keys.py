"""`personalize keys ...`: the key pair by which a server's owner registers this installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.answer import emit
from service.server.auth.keys import jwk_set, read_key, write_new_key

app = typer.Typer(no_args_is_help=True, help="Keys for SMART Backend Services.")

KeyFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The private key; key_file in personalize.toml names it.")
]


@app.command()
def new(
    file: KeyFile,
    algorithm: Annotated[Literal["RS384", "ES384"], typer.Option(help="RS384 or ES384.")] = "ES384",
) -> None:
    """A new private key in FILE, and its public half as a JWK Set to register with the server.

    personalize keys new hospital-key.json
    """
    emit(jwk_set([write_new_key(file, algorithm)]), [], json=True)


@app.command()
def public(file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Private keys.")]) -> None:
    """The public halves of FILE... as a JWK Set: while keys change, name the old one and the new."""
    emit(jwk_set([read_key(each) for each in file]), [], json=True)
