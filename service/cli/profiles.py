"""`personalize profiles ...`: the published standard, on a server or in a directory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from service import publishing, settings
from service.cli.answer import emit
from service.cli.options import Json, Server

app = typer.Typer(no_args_is_help=True, help="The profiles, code systems and search parameters of the standard.")


@app.command()
def install(
    server: Server,
    apply: Annotated[bool, typer.Option("--apply", help="Write them; without it only what would be written.")] = False,
    json: Json = False,
) -> None:
    """Put the definitions on SERVER, in the version of FHIR that it speaks; what stands there already is left.

    personalize profiles install http://127.0.0.1:8080/fhir --apply
    """
    told = asyncio.run(publishing.install(settings.load().source(server), apply=apply))
    emit(told.document(), told.lines(), json)
    if told.partial:
        raise typer.Exit(3)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Where to: stu3, r4 and r5 are made in it.")],
) -> None:
    """Definitions, examples and a FHIR package (package.tgz) for each version of FHIR.

    personalize profiles export guide
    """
    for place in publishing.export(target):
        typer.echo(str(place))
